package coding

import (
	"errors"
	"fmt"
)

// Reconstruct returns the data of v's block from any K distinct correct shards, in any order; duplicates are ignored.
// It verifies every shard and returns the verdict on the first bad one (see Verifier.Verify). Other errors:
// ErrTooFew, and ErrPadding (the block's lie).
func Reconstruct(v *Verifier, shards []Shard) ([]byte, error) {
	if err := v.verifyAll(shards); err != nil {
		return nil, err
	}
	return ReconstructVerified(v.params, shards)
}

// ReconstructVerified is Reconstruct for shards that a Verifier of the same block has accepted already. Of unverified
// shards it makes garbage. It still refuses rows of wrong size or index with ErrPath; paths are not looked at. The shards
// are only read. When all data rows are there nothing is decoded.
func ReconstructVerified(p Params, shards []Shard) ([]byte, error) {
	return Spread(nil).ReconstructVerified(p, shards)
}

// ReconstructVerified is the package's ReconstructVerified, in parts.
func (s Spread) ReconstructVerified(p Params, shards []Shard) ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	data := make([]byte, p.K*p.RowSize)
	if err := s.rebuildData(p, shards, cutRows(data, p.K)); err != nil {
		return nil, err
	}
	return data[:p.Length:p.Length], nil
}

// ReconstructAll rebuilds the whole block, to repair or serve its rows. Beyond the errors of Reconstruct it fails with
// ErrInconsistent if the rebuilt rows are not all the committed ones; then nothing rebuilt may be served. Where the padding is
// not zero and the rebuilt rows are the committed ones, the error is *BadEncodingError of a padded row, which need not have
// been among the shards.
func ReconstructAll(v *Verifier, shards []Shard) (*Block, error) {
	if err := v.verifyAll(shards); err != nil {
		return nil, err
	}
	return ReconstructAllVerified(v, shards)
}

// ReconstructAllVerified is ReconstructAll for shards that v has accepted already.
func ReconstructAllVerified(v *Verifier, shards []Shard) (*Block, error) {
	return Spread(nil).ReconstructAllVerified(v, shards)
}

// ReconstructAllVerified is the package's ReconstructAllVerified, in parts. Only the row root is computed anew. The
// combinations are the opening's: those of the given rows were checked, and as they are K values of one codeword
// and so are the rows, all others agree too.
func (s Spread) ReconstructAllVerified(v *Verifier, shards []Shard) (*Block, error) {
	p := v.params
	rows := newRows(p.N, p.RowSize)
	err := s.rebuildData(p, shards, rows[:p.K])
	padded := errors.Is(err, ErrPadding)
	if err != nil && !padded {
		return nil, err
	}
	b := &Block{params: p, rows: rows, y: v.opening.Y, valueTree: valueTree(v.opening.Y), commitment: v.commitment}
	b.rowTree = extendTree(s, rows)
	root := b.rowTree.root()
	switch {
	case padded && root != v.opening.RowRoot:
		return nil, err
	case padded:
		return nil, v.convictPadding(b)
	case root != v.opening.RowRoot:
		return nil, fmt.Errorf("%w: rebuilt row root %x, committed %x", ErrInconsistent, root, v.opening.RowRoot)
	}
	return b, nil
}

// convictPadding is the verdict on the first data row of a committed block whose padding is not zero.
func (v *Verifier) convictPadding(b *Block) error {
	for i := range uint32(v.params.K) {
		if v.params.paddingOK(i, b.rows[i]) {
			continue
		}
		s, err := b.Shard(i)
		if err != nil {
			return err
		}
		return v.Verify(s)
	}
	return ErrPadding
}

func (v *Verifier) verifyAll(shards []Shard) error {
	for i := range shards {
		if err := v.Verify(shards[i]); err != nil {
			return fmt.Errorf("reconstruct: %w", err)
		}
	}
	return nil
}

// rebuildData copies or decodes the data rows into places: K rows of zeros, one behind the other in memory.
func (s Spread) rebuildData(p Params, shards []Shard, places [][]byte) error {
	rows, missing, err := selectRows(p, shards)
	if err != nil {
		return err
	}
	for i := range places {
		copy(places[i], rows[i])
	}
	if missing > 0 {
		newErasureDecoder(rows, places).decode(s, p.RowSize)
	}
	for i := range places {
		if !p.paddingOK(uint32(i), places[i]) {
			return fmt.Errorf("%w behind the %d bytes of data", ErrPadding, p.Length)
		}
	}
	return nil
}

// selectRows places K rows at their index: every data row there is, then parity rows from the lowest index. So the
// outcome depends on the set of shards, not on their order. missing is the number of data rows to decode.
func selectRows(p Params, shards []Shard) (rows [][]byte, missing int, err error) {
	rows = make([][]byte, p.N)
	for i := range shards {
		s := &shards[i]
		if int64(s.Index) >= int64(p.N) || len(s.Row) != p.RowSize {
			return nil, 0, fmt.Errorf("%w: row %d of %d bytes", ErrPath, s.Index, len(s.Row))
		}
		rows[s.Index] = s.Row
	}
	for _, row := range rows[:p.K] {
		if row == nil {
			missing++
		}
	}
	parity := 0
	for i := p.K; i < p.N; i++ {
		switch {
		case rows[i] == nil:
		case parity == missing:
			rows[i] = nil
		default:
			parity++
		}
	}
	if parity < missing {
		return nil, 0, fmt.Errorf("%w: %d of %d", ErrTooFew, p.K-missing+parity, p.K)
	}
	return rows, missing, nil
}
