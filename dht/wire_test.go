package dht

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"

	"github.com/etherscale/bedrock/types"
	"pgregory.net/rapid"
)

func drawIndices(t *rapid.T) []uint32 {
	set := rapid.SliceOfNDistinct(rapid.Uint32Range(0, maxIndices-1), 1, 50, rapid.ID).Draw(t, "indices")
	return sorted(set)
}

func TestRequestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &request{kind: requestKind(rapid.IntRange(1, 4).Draw(t, "kind"))}
		if r.kind == kindOffer {
			r.handOn = rapid.Bool().Draw(t, "hand on")
			r.proofKind = proofKind(rapid.IntRange(1, 2).Draw(t, "proof kind"))
			r.proof = rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "proof")
		} else {
			r.commitment = types.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "commitment"))
		}
		if r.kind != kindOpening {
			r.indices = drawIndices(t)
		}
		got, err := decodeRequest(r.encode())
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Fatalf("%+v came back as %+v: %v", r, got, err)
		}
	})
}

func TestAnswerRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind, n := requestKind(rapid.IntRange(1, 3).Draw(t, "kind")), rapid.IntRange(1, 100).Draw(t, "n")
		a := answer{marks: drawMarks(t, n)}
		if kind == kindOffer {
			a.extra, a.held = rapid.Bool().Draw(t, "extra"), drawMarks(t, n)
		}
		got, err := decodeAnswer(a.encode(kind), kind, n)
		if err != nil || got.extra != a.extra || !bytes.Equal(got.marks, a.marks) || !bytes.Equal(got.held, a.held) {
			t.Fatalf("%+v came back as %+v: %v", a, got, err)
		}
	})
}

func drawMarks(t *rapid.T, n int) bitmap {
	b := newBitmap(n)
	for i := range n {
		if rapid.Bool().Draw(t, "mark") {
			b.set(i)
		}
	}
	return b
}

func TestRequestRefused(t *testing.T) {
	get := (&request{kind: kindGet, indices: []uint32{1, 2}}).encode()
	offer := (&request{kind: kindOffer, proofKind: proofCertified, proof: []byte{1}, indices: []uint32{1}}).encode()
	change := func(b []byte, at int, v byte) []byte {
		b = bytes.Clone(b)
		b[at] = v
		return b
	}
	for name, b := range map[string][]byte{
		"empty":              {},
		"other version":      change(get, 0, 1),
		"unknown kind":       change(get, 1, 9),
		"cut":                get[:len(get)-1],
		"trailing byte":      append(bytes.Clone(get), 0),
		"descending indices": (&request{kind: kindGet, indices: []uint32{2, 1}}).encode(),
		"repeated index":     (&request{kind: kindGet, indices: []uint32{1, 1}}).encode(),
		"index too large":    (&request{kind: kindGet, indices: []uint32{maxIndices}}).encode(),
		"no index":           (&request{kind: kindGet}).encode(),
		"unknown proof":      change(offer, 3, 7),
		"unknown flag":       change(offer, 2, 2),
		"proof too long":     change(offer, 7, 0xff),
		"opening with more":  append((&request{kind: kindOpening}).encode(), 0),
	} {
		if _, err := decodeRequest(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnswerRefused(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty":             {},
		"unknown status":    {2, 9, 0},
		"marks missing":     {2, 0},
		"mark beyond end":   {2, 0, 0b1000},
		"marks with status": {2, 1, 1},
	} {
		if _, err := decodeAnswer(b, kindGet, 3); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// I5: a frame that claims too much is refused before anything is allocated for it.
func TestFrameLimit(t *testing.T) {
	head := binary.LittleEndian.AppendUint32(nil, 1<<31)
	if _, err := readFrame(bytes.NewReader(head), maxRequest); !errors.Is(err, errFrame) {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := writeFrame(&buf, []byte("abc")); err != nil {
		t.Fatal(err)
	}
	if got, err := readFrame(&buf, 3); err != nil || string(got) != "abc" {
		t.Fatalf("%q, %v", got, err)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add((&request{kind: kindGet, indices: []uint32{1, 2}}).encode())
	f.Add((&request{kind: kindOffer, proofKind: proofMember, proof: make([]byte, 100), indices: []uint32{0}}).encode())
	f.Add((&request{kind: kindOpening}).encode())
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := decodeRequest(in)
		if err == nil && !bytes.Equal(r.encode(), in) {
			t.Fatalf("request is not canonical: %x", in)
		}
	})
}

func FuzzDecodeAnswer(f *testing.F) {
	f.Add([]byte{2, 0, 5}, byte(2), 3)
	f.Add([]byte{2, 0, 1, 5, 2}, byte(1), 3)
	f.Add([]byte{2, 2, 0}, byte(1), 3)
	f.Fuzz(func(t *testing.T, in []byte, k byte, n int) {
		if n < 1 || n > maxIndices || k < 1 || k > 4 {
			return
		}
		a, err := decodeAnswer(in, requestKind(k), n)
		if err == nil && !bytes.Equal(a.encode(requestKind(k)), in) {
			t.Fatalf("answer is not canonical: %x", in)
		}
	})
}
