package coding

import "fmt"

// RowProof shows, without the row, that a row of a given hash has a place in a block: what remains of a shard when the row
// itself is not kept. It shows neither what the row says nor that anybody has it.
type RowProof struct {
	Index uint32     // row index, 0..N-1
	Leaf  [32]byte   // H(0x00 || row)
	Path  [][32]byte // log2 N siblings, bottom up
}

// Proof is the shard without its row. The path is shared.
func (s Shard) Proof() RowProof {
	r := RowProof{Index: s.Index, Path: s.Path}
	newLeafHasher().sum(s.Row, &r.Leaf)
	return r
}

// Check returns nil if the hash stands at its place under rowRoot in a block of shape p, else ErrPath (or ErrParams for a
// bad shape).
func (r RowProof) Check(p Params, rowRoot [32]byte) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if int64(r.Index) >= int64(p.N) || len(r.Path) != p.PathLen() {
		return fmt.Errorf("%w: row %d of %d with a path of %d hashes", ErrPath, r.Index, p.N, len(r.Path))
	}
	if rootFromLeaf(r.Leaf, r.Index, r.Path) != rowRoot {
		return fmt.Errorf("%w: row %d does not lead to the row root", ErrPath, r.Index)
	}
	return nil
}

// ValueRoot is the root of the tree over the combinations.
func (o Opening) ValueRoot() [32]byte { return valueTree(o.Y).root() }

// CheckRoots returns nil if commitment is that of a block of shape p with these roots, else ErrOpening (or ErrParams).
func CheckRoots(p Params, commitment, rowRoot, valueRoot [32]byte) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if commit(p, rowRoot, valueRoot) != commitment {
		return fmt.Errorf("%w %x: its roots are others", ErrOpening, commitment)
	}
	return nil
}
