package coding

import (
	"bytes"
	"encoding"
	"errors"
	"testing"
)

// fuzzLength is the data length of the shape that the decoders are fuzzed with: K = 16, rows of 128 bytes, padding.
const fuzzLength = 2000

// decoders are all decoders of the package, each with the exact size it demands and encodings of honest values.
type decoder struct {
	name    string
	sizes   []int
	decode  func([]byte, Params) (encoding.BinaryMarshaler, error)
	samples [][]byte
}

func decoders(tb testing.TB) (Params, []decoder) {
	tb.Helper()
	block := mustEncode(tb, testData(1, fuzzLength))
	p := block.params
	shard, parity := mustShard(tb, block, 3), mustShard(tb, block, uint32(p.N-1))
	standalone, err := block.Standalone(uint32(p.K - 1))
	if err != nil {
		tb.Fatal(err)
	}
	opening := block.Opening()
	encode := func(values ...encoding.BinaryMarshaler) (all [][]byte) {
		for _, v := range values {
			b, err := v.MarshalBinary()
			if err != nil {
				tb.Fatal(err)
			}
			all = append(all, b)
		}
		return all
	}
	return p, []decoder{
		{"shard", []int{p.ShardSize()}, func(b []byte, p Params) (encoding.BinaryMarshaler, error) {
			return UnmarshalShard(b, p)
		}, encode(shard, parity)},
		{"opening", []int{p.OpeningSize()}, func(b []byte, p Params) (encoding.BinaryMarshaler, error) {
			return UnmarshalOpening(b, p)
		}, encode(opening)},
		{"standalone", []int{p.StandaloneSize()}, func(b []byte, p Params) (encoding.BinaryMarshaler, error) {
			return UnmarshalStandalone(b, p)
		}, encode(standalone)},
		{"evidence", []int{p.OpeningSize() + p.ShardSize(), p.StandaloneSize() + 1}, func(b []byte, p Params) (encoding.BinaryMarshaler, error) {
			return UnmarshalEvidence(b, p)
		}, encode(Evidence{Shard: &shard, Opening: &opening}, Evidence{Standalone: &standalone})},
	}
}

// checkDecode holds I7 for one input: it is refused with ErrMalformed, or it is the one encoding of what it decodes to.
func checkDecode(tb testing.TB, d decoder, p Params, b []byte) bool {
	tb.Helper()
	v, err := d.decode(b, p)
	if err != nil {
		if !errors.Is(err, ErrMalformed) {
			tb.Fatalf("%s: %v, want ErrMalformed", d.name, err)
		}
		return false
	}
	again, err := v.MarshalBinary()
	if err != nil || !bytes.Equal(again, b) {
		tb.Fatalf("%s: accepted %x, encodes as %x (%v)", d.name, b, again, err)
	}
	return true
}

func TestI7DecodersAreStrict(t *testing.T) {
	p, all := decoders(t)
	for _, d := range all {
		for i, b := range d.samples {
			if len(b) != d.sizes[min(i, len(d.sizes)-1)] {
				t.Errorf("%s: sample %d has %d bytes, announced %v", d.name, i, len(b), d.sizes)
			}
			if !checkDecode(t, d, p, b) {
				t.Errorf("%s: sample %d refused", d.name, i)
			}
			for name, bad := range map[string][]byte{
				"empty":     nil,
				"one byte":  b[:1],
				"truncated": b[:len(b)-1],
				"trailing":  append(bytes.Clone(b), 0),
				"version 0": append([]byte{0}, b[1:]...),
				"version 2": append([]byte{2}, b[1:]...),
			} {
				if checkDecode(t, d, p, bad) {
					t.Errorf("%s: %s is accepted", d.name, name)
				}
			}
		}
	}
}

// TestI7IndexIsInRange puts the first index outside into every encoding that has one.
func TestI7IndexIsInRange(t *testing.T) {
	p, all := decoders(t)
	for _, c := range []struct {
		decoder, sample, offset, limit int
	}{
		{0, 0, 1, p.N},
		{2, 0, 1, p.K},
		{3, 0, 2 + p.OpeningSize() - 1, p.N},
		{3, 1, 2, p.K},
	} {
		d := all[c.decoder]
		b := bytes.Clone(d.samples[c.sample])
		b[c.offset] = byte(c.limit - 1)
		if !checkDecode(t, d, p, b) {
			t.Errorf("%s: last index %d refused", d.name, c.limit-1)
		}
		b[c.offset] = byte(c.limit)
		if checkDecode(t, d, p, b) {
			t.Errorf("%s: index %d accepted", d.name, c.limit)
		}
		b[c.offset], b[c.offset+3] = 0, 1
		if checkDecode(t, d, p, b) {
			t.Errorf("%s: index 2^24 accepted", d.name)
		}
	}
	evidence := bytes.Clone(all[3].samples[0])
	for _, kind := range []byte{0, 2, 3, 255} {
		evidence[1] = kind
		if checkDecode(t, all[3], p, evidence) {
			t.Errorf("evidence of kind %d accepted", kind)
		}
	}
}

func TestMarshalRefusesImpossibleValues(t *testing.T) {
	row, hashes := make([]byte, 64), make([][32]byte, 15)
	for name, v := range map[string]encoding.BinaryMarshaler{
		"no row":         Shard{},
		"odd row":        Shard{Row: row[:63]},
		"big row":        Shard{Row: make([]byte, MaxRowSize+64)},
		"deep path":      Shard{Row: row, Path: hashes},
		"deep y path":    StandaloneShard{Shard: Shard{Row: row}, YPath: hashes},
		"many values":    Opening{Y: make([][16]byte, MaxK+1)},
		"no evidence":    Evidence{},
		"half evidence":  Evidence{Shard: &Shard{Row: row}},
		"mixed evidence": Evidence{Shard: &Shard{Row: row}, Opening: &Opening{}, Standalone: &StandaloneShard{}},
		"empty evidence": Evidence{Shard: &Shard{}, Opening: &Opening{}},
	} {
		if _, err := v.MarshalBinary(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		if e, ok := v.(Evidence); ok {
			if err := e.Check([32]byte{}, Params{}); err == nil || errors.Is(err, ErrNotEvidence) {
				t.Errorf("%s: check says %v", name, err)
			}
		}
	}
}

// TestEmptyOpening: also the empty block has an opening on the wire.
func TestEmptyOpening(t *testing.T) {
	b, err := mustEncode(t, nil).Opening().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	o, err := UnmarshalOpening(b, Params{})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Check(Params{}, mustEncode(t, nil).Commitment()); err != nil {
		t.Fatal(err)
	}
}

func fuzzDecoder(f *testing.F, which int) {
	p, all := decoders(f)
	d := all[which]
	for _, b := range d.samples {
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) { checkDecode(t, d, p, b) })
}

func FuzzUnmarshalShard(f *testing.F)      { fuzzDecoder(f, 0) }
func FuzzUnmarshalOpening(f *testing.F)    { fuzzDecoder(f, 1) }
func FuzzUnmarshalStandalone(f *testing.F) { fuzzDecoder(f, 2) }
func FuzzUnmarshalEvidence(f *testing.F)   { fuzzDecoder(f, 3) }

// FuzzVerify feeds decoded bytes to the checks of an honest block: nothing panics, no lie about an honest block
// convicts it, and the only shards accepted are the honest ones.
func FuzzVerify(f *testing.F) {
	block := mustEncode(f, testData(1, fuzzLength))
	p, v := block.params, mustVerifier(f, block)
	_, all := decoders(f)
	for _, d := range all {
		for _, b := range d.samples {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := UnmarshalShard(b, p); err == nil {
			if err := v.Verify(s); err == nil && !bytes.Equal(s.Row, block.rows[s.Index]) {
				t.Fatal("a row that is not the block's is accepted")
			} else if err != nil && !errors.Is(err, ErrPath) {
				t.Fatalf("an honest block is blamed: %v", err)
			}
		}
		if s, err := UnmarshalStandalone(b, p); err == nil {
			if err := VerifyStandalone(block.commitment, p, s); err != nil && !errors.Is(err, ErrPath) {
				t.Fatalf("an honest block is blamed: %v", err)
			}
		}
		if e, err := UnmarshalEvidence(b, p); err == nil && e.Check(block.commitment, p) == nil {
			t.Fatal("evidence against an honest block")
		}
	})
}
