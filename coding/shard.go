package coding

import (
	"encoding/binary"
	"fmt"
)

// wireVersion is the first byte of every encoding of this package.
const wireVersion = 1

// Shard is one row with its place and the path to the row root: one record of the network.
type Shard struct {
	Index uint32     // row index, 0..N-1
	Row   []byte     // RowSize bytes
	Path  [][32]byte // log2 N siblings, bottom up
}

// ShardSize is the size in bytes of an encoded shard.
func (p Params) ShardSize() int { return 1 + 4 + p.RowSize + 32*p.PathLen() }

// MarshalBinary encodes the shard:
//
//	version (1) | index LE32 | row (RowSize) | path (32 * log2 N)
//
// It fails with ErrMalformed if row or path cannot be those of any shape.
func (s Shard) MarshalBinary() ([]byte, error) {
	if len(s.Row) == 0 || len(s.Row) > MaxRowSize || len(s.Row)%RowUnit != 0 || len(s.Path) > log2(Expansion*MaxK) {
		return nil, fmt.Errorf("%w: shard with a row of %d bytes and a path of %d hashes", ErrMalformed, len(s.Row), len(s.Path))
	}
	b := make([]byte, 0, 1+4+len(s.Row)+32*len(s.Path))
	b = binary.LittleEndian.AppendUint32(append(b, wireVersion), s.Index)
	return appendHashes(append(b, s.Row...), s.Path), nil
}

// UnmarshalShard decodes a shard of a block of shape p. It fails with ErrMalformed unless b is exactly the encoding of
// a shard with an index below N. The row shares memory with b.
func UnmarshalShard(b []byte, p Params) (Shard, error) {
	r, err := newReader("shard", b, p, p.ShardSize())
	if err != nil {
		return Shard{}, err
	}
	return r.shard(p.N)
}

// checkShape returns ErrPath unless the sizes are those of shape p and the index is below limit.
func (s Shard) checkShape(p Params, limit int) error {
	switch {
	case int64(s.Index) >= int64(limit):
		return fmt.Errorf("%w: index %d, of %d rows", ErrPath, s.Index, limit)
	case len(s.Row) != p.RowSize:
		return fmt.Errorf("%w: row %d has %d bytes, want %d", ErrPath, s.Index, len(s.Row), p.RowSize)
	case len(s.Path) != p.PathLen():
		return fmt.Errorf("%w: path of row %d has %d hashes, want %d", ErrPath, s.Index, len(s.Path), p.PathLen())
	}
	return nil
}

func appendHashes(b []byte, hashes [][32]byte) []byte {
	for i := range hashes {
		b = append(b, hashes[i][:]...)
	}
	return b
}
