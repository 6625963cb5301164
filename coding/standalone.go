package coding

import "fmt"

// StandaloneShard is a data row that a verifier checks knowing only the commitment: besides the row's path it carries
// the row's combination and that one's path. Fraud proofs use it. Parity rows have no such proof: their combination
// depends on all K values.
type StandaloneShard struct {
	Shard
	Y     [16]byte   // combination of the row
	YPath [][32]byte // log2 K siblings, bottom up
}

// StandaloneSize is the size in bytes of an encoded stand-alone shard.
func (p Params) StandaloneSize() int { return p.ShardSize() + 16 + 32*p.valuePathLen() }

// MarshalBinary encodes the stand-alone shard:
//
//	version (1) | index LE32 | row (RowSize) | row path (32 * log2 N) | y (16) | y path (32 * log2 K)
func (s StandaloneShard) MarshalBinary() ([]byte, error) {
	if len(s.YPath) > log2(MaxK) {
		return nil, fmt.Errorf("%w: path of a combination with %d hashes", ErrMalformed, len(s.YPath))
	}
	b, err := s.Shard.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return appendHashes(append(b, s.Y[:]...), s.YPath), nil
}

// UnmarshalStandalone decodes a stand-alone shard of a block of shape p. It fails with ErrMalformed unless b is exactly
// the encoding of one with an index below K. The row shares memory with b.
func UnmarshalStandalone(b []byte, p Params) (StandaloneShard, error) {
	r, err := newReader("stand-alone shard", b, p, p.StandaloneSize())
	if err != nil {
		return StandaloneShard{}, err
	}
	return r.standalone()
}

// VerifyStandalone returns nil if s is a correct data row of the block of shape p behind commitment. Else it returns
// ErrPath (or ErrParams), the sender's lie, or *BadEncodingError, the block's lie. It derives all coefficients, so it
// costs RowSize/4 hashes more than Verifier.Verify, but only once both paths have led to the commitment.
func VerifyStandalone(commitment [32]byte, p Params, s StandaloneShard) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if err := s.checkShape(p, p.K); err != nil {
		return err
	}
	if len(s.YPath) != p.valuePathLen() {
		return fmt.Errorf("%w: path of combination %d has %d hashes, want %d", ErrPath, s.Index, len(s.YPath), p.valuePathLen())
	}
	rowRoot := rootFromPath(s.Row, s.Index, s.Path)
	yRoot := rootFromPath(s.Y[:], s.Index, s.YPath)
	if commit(p, rowRoot, yRoot) != commitment {
		return pathError(s.Index)
	}
	c := newCombiner(coefficientSeed(p, rowRoot), p.RowSize)
	if reason := judgeRow(p, c, s.Shard, s.Y); reason != 0 {
		return &BadEncodingError{Index: s.Index, Reason: reason, Evidence: Evidence{Standalone: &s}}
	}
	return nil
}

func pathError(index uint32) error {
	return fmt.Errorf("%w: path of row %d leads elsewhere; ask another peer", ErrPath, index)
}
