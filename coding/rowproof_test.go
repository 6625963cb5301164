package coding

import (
	"errors"
	"testing"
)

// A row's proof holds for its own place alone, and the roots for their commitment alone.
func TestRowProof(t *testing.T) {
	data := make([]byte, 73_728)
	for i := range data {
		data[i] = byte(i ^ i>>8 ^ i>>16)
	}
	b, err := Encode(data)
	if err != nil {
		t.Fatal(err)
	}
	p := b.Params()
	for i := range uint32(p.N) {
		s, err := b.Shard(i)
		if err != nil {
			t.Fatal(err)
		}
		proof := s.Proof()
		if err := proof.Check(p, b.RowRoot()); err != nil {
			t.Fatalf("row %d: %v", i, err)
		}
		for name, change := range map[string]func(*RowProof){
			"index": func(r *RowProof) { r.Index ^= 1 },
			"range": func(r *RowProof) { r.Index += uint32(p.N) },
			"leaf":  func(r *RowProof) { r.Leaf[31] ^= 1 },
			"short": func(r *RowProof) { r.Path = r.Path[1:] },
			"none":  func(r *RowProof) { r.Path = nil },
		} {
			bad := proof
			if change(&bad); !errors.Is(bad.Check(p, b.RowRoot()), ErrPath) {
				t.Fatalf("row %d passes with another %s", i, name)
			}
		}
	}
	o := b.Opening()
	if err := CheckRoots(p, b.Commitment(), o.RowRoot, o.ValueRoot()); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(CheckRoots(p, b.Commitment(), o.ValueRoot(), o.RowRoot), ErrOpening) {
		t.Fatal("exchanged roots pass")
	}
	if (RowProof{}).Check(Params{}, [32]byte{}) == nil {
		t.Fatal("a row of no block")
	}
}
