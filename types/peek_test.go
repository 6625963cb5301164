package types

import (
	"errors"
	"slices"
	"testing"
)

// TestPeekHeaderSignatures: a look at a vertex reads what decoding all of it does.
func TestPeekHeaderSignatures(t *testing.T) {
	v := peekable(3)
	id, signatures, err := PeekHeaderSignatures(v.Encode())
	if err != nil || id != v.ID() || !slices.Equal(signatures, v.Body().HeaderSignatures) {
		t.Fatal(id, signatures, err)
	}
	if _, _, err := PeekHeaderSignatures(peekable(MaxHeaderSignatures + 1).Encode()); !errors.Is(err, ErrMalformed) {
		t.Error("too many:", err)
	}
	if _, _, err := PeekHeaderSignatures(make([]byte, MaxVertexBytes+1)); !errors.Is(err, ErrMalformed) {
		t.Error("too long:", err)
	}
}

func peekable(n int) *Vertex {
	body := VertexBody{Parents: NewBitmap(4)}
	for i := range n {
		body.HeaderSignatures = append(body.HeaderSignatures, HeaderSignature{Height: Height(i + 1), Digest: Hash{byte(i)}})
	}
	return NewVertex(VertexID{Version: Version, Round: 1, Author: 2, Time: 5}, body)
}

func FuzzPeekHeaderSignatures(f *testing.F) {
	f.Add(peekable(2).Encode())
	f.Add([]byte{0xc0})
	f.Add([]byte{0xf8, 0xff, 1})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		id, signatures, err := PeekHeaderSignatures(encoded)
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
		v, whole := DecodeVertex(encoded)
		if whole == nil && len(v.Body().HeaderSignatures) <= MaxHeaderSignatures && (err != nil || id != v.ID() || !slices.Equal(signatures, v.Body().HeaderSignatures)) {
			t.Fatal(id, signatures, err)
		}
	})
}
