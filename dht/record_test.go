package dht

import (
	"bytes"
	"errors"
	"testing"

	"github.com/etherscale/bedrock/types"
	"pgregory.net/rapid"
)

// The record's own way back to the commitment agrees with the code's.
func TestRecordLeadsToCommitment(t *testing.T) {
	for _, size := range []int{1, 63, 64, 5_000, 300_000} {
		b, h := encodeBlock(t, 1, size)
		for _, i := range []uint32{0, 1, uint32(b.Params().K), uint32(b.Params().N - 1)} {
			key, value := Key(h.Commitment, i), recordOf(t, b, i)
			s, err := CheckRecord(key, value)
			if err != nil || s.Index != i || !bytes.Equal(s.Row, b.Rows()[i]) {
				t.Fatalf("size %d row %d: %v", size, i, err)
			}
			if err := verifierOf(t, b).Verify(s); err != nil {
				t.Fatal(err)
			}
			if (Validator{}).Validate(Key(h.Commitment, i^1), value) == nil {
				t.Fatalf("row %d passes under another row's key", i)
			}
			if (Validator{}).Validate(Key(types.Hash{1}, i), value) == nil {
				t.Fatal("row passes under another block's key")
			}
		}
	}
}

// I7, and that no byte of a record may differ.
func TestRecordTampered(t *testing.T) {
	b, h := encodeBlock(t, 1, 700)
	key, value := Key(h.Commitment, 5), recordOf(t, b, 5)
	rapid.Check(t, func(t *rapid.T) {
		bad := bytes.Clone(value)
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			bad[rapid.IntRange(0, len(bad)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		case 1:
			bad = bad[:rapid.IntRange(0, len(bad)-1).Draw(t, "cut")]
		case 2:
			bad = append(bad, rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "tail")...)
		}
		if _, err := CheckRecord(key, bad); !errors.Is(err, ErrRecord) {
			t.Fatalf("tampered record: %v", err)
		}
	})
}

func TestSelect(t *testing.T) {
	if i, err := (Validator{}).Select("", [][]byte{{1}, {1}}); i != 0 || err != nil {
		t.Fatalf("%d, %v: equal values must not displace each other", i, err)
	}
	if _, err := (Validator{}).Select("", nil); err == nil {
		t.Fatal("nothing was selected from nothing")
	}
}

func FuzzDecodeRecord(f *testing.F) {
	b, h := encodeBlock(f, 1, 100)
	s, _ := b.Shard(3)
	raw, _ := s.MarshalBinary()
	f.Add(Record{Length: 100, ValueRoot: valueRoot(b.Y()), Shard: raw}.Encode())
	f.Add([]byte{1})
	f.Add(make([]byte, recordHead))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, s, p, err := DecodeRecord(in)
		if err != nil {
			return
		}
		if !bytes.Equal(r.Encode(), in) || int(s.Index) >= p.N || len(s.Row) != p.RowSize {
			t.Fatalf("record is not canonical: %x", in)
		}
		_, _ = CheckRecord(Key(h.Commitment, s.Index), in)
	})
}
