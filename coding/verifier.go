package coding

import "slices"

// Verifier checks the shards of one block. It is immutable and safe for concurrent use. It holds 8*RowSize bytes of
// coefficients and 16 bytes a row.
type Verifier struct {
	params     Params
	commitment [32]byte
	opening    Opening
	all        [][16]byte // combinations of all N rows
	combiner   *combiner
}

// NewVerifier returns a verifier for the block of shape p behind commitment, given its row root and combinations, which
// it copies. It fails with ErrOpening if these do not open the commitment (the lie of whoever sent them) and with
// ErrParams if p is no legal shape. Nothing is derived from rowRoot and y before they are known to be the committed ones.
func NewVerifier(p Params, commitment, rowRoot [32]byte, y [][16]byte) (*Verifier, error) {
	o := Opening{RowRoot: rowRoot, Y: slices.Clone(y)}
	if err := o.Check(p, commitment); err != nil {
		return nil, err
	}
	v := &Verifier{params: p, commitment: commitment, opening: o}
	if p.K == 0 {
		return v, nil
	}
	v.all = extendValues(o.Y)
	v.combiner = newCombiner(coefficientSeed(p, rowRoot), p.RowSize)
	return v, nil
}

// Params is the shape of the block.
func (v *Verifier) Params() Params { return v.params }

// Commitment is the block's commitment.
func (v *Verifier) Commitment() [32]byte { return v.commitment }

// Opening is the checked opening; not to be written to.
func (v *Verifier) Opening() Opening { return v.opening }

// Verify returns nil if s is a correct row: committed at its index, with the combination the code demands there. Else it
// returns ErrPath, the sender's lie, or *BadEncodingError, the block's lie.
func (v *Verifier) Verify(s Shard) error {
	if err := s.checkShape(v.params, v.params.N); err != nil {
		return err
	}
	if rootFromPath(s.Row, s.Index, s.Path) != v.opening.RowRoot {
		return pathError(s.Index)
	}
	reason := judgeRow(v.params, v.combiner, s, v.all[s.Index])
	if reason == 0 {
		return nil
	}
	return &BadEncodingError{Index: s.Index, Reason: reason, Evidence: Evidence{Shard: &s, Opening: &v.opening}}
}

// judgeRow returns why a committed row is wrong, or 0 if it is right.
func judgeRow(p Params, c *combiner, s Shard, want [16]byte) Reason {
	if !p.paddingOK(s.Index, s.Row) {
		return ReasonPadding
	}
	if c.combine(s.Row) != want {
		return ReasonCombination
	}
	return 0
}
