package coding

import "fmt"

// Reconstruct returns the data of v's block from any K distinct correct shards, in any order; duplicates are ignored.
// It verifies every shard it uses and returns the verdict on the first bad one (see Verifier.Verify). Other errors:
// ErrTooFew, and ErrPadding (the block's lie).
func Reconstruct(v *Verifier, shards []Shard) ([]byte, error) {
	for i := range shards {
		if err := v.Verify(shards[i]); err != nil {
			return nil, fmt.Errorf("reconstruct: %w", err)
		}
	}
	return ReconstructVerified(v.params, shards)
}

// ReconstructVerified is Reconstruct for shards that a Verifier of the same block has accepted already. Of unverified
// shards it makes garbage. It still refuses rows of wrong size or index with ErrPath; paths are not looked at. The shards
// are only read.
func ReconstructVerified(p Params, shards []Shard) ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if p.K == 0 {
		return []byte{}, nil
	}
	rows, missing, err := selectRows(p, shards)
	if err != nil {
		return nil, err
	}
	data := make([]byte, p.K*p.RowSize)
	for i := range p.K {
		place := data[i*p.RowSize : (i+1)*p.RowSize : (i+1)*p.RowSize]
		if rows[i] != nil {
			copy(place, rows[i])
		} else {
			rows[i] = place[:0] // absent for the decoder, which decodes into its capacity
		}
	}
	if missing > 0 {
		if err := decodeRows(rows); err != nil {
			return nil, err
		}
	}
	if !allZero(data[p.Length:]) {
		return nil, fmt.Errorf("%w behind the %d bytes of data", ErrPadding, p.Length)
	}
	return data[:p.Length:p.Length], nil
}

// ReconstructAll rebuilds the whole block, to repair or serve its rows. Beyond the errors of Reconstruct it fails with
// ErrInconsistent if the rebuilt rows are not all the committed ones; then nothing rebuilt may be served.
func ReconstructAll(v *Verifier, shards []Shard) (*Block, error) {
	data, err := Reconstruct(v, shards)
	if err != nil {
		return nil, err
	}
	b, err := Encode(data)
	if err != nil {
		return nil, err
	}
	if b.commitment != v.commitment {
		return nil, fmt.Errorf("%w: rebuilt %x, committed %x", ErrInconsistent, b.commitment, v.commitment)
	}
	return b, nil
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
