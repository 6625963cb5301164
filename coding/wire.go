package coding

import (
	"encoding/binary"
	"fmt"
)

// reader cuts an encoding whose exact size was checked beforehand; so no field can be short and nothing can trail.
type reader struct {
	what string
	p    Params
	b    []byte
}

// newReader checks shape, size and version. Size is the only size accepted, so nothing is allocated for a wrong one.
func newReader(what string, b []byte, p Params, size int) (*reader, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if len(b) != size {
		return nil, fmt.Errorf("%w: %s of %d bytes, want %d", ErrMalformed, what, len(b), size)
	}
	if b[0] != wireVersion {
		return nil, fmt.Errorf("%w: %s has version %d, want %d", ErrMalformed, what, b[0], wireVersion)
	}
	return &reader{what: what, p: p, b: b[1:]}, nil
}

func (r *reader) take(n int) []byte {
	head := r.b[:n:n]
	r.b = r.b[n:]
	return head
}

func (r *reader) hashes(n int) [][32]byte {
	hashes := make([][32]byte, n)
	for i := range hashes {
		hashes[i] = [32]byte(r.take(32))
	}
	return hashes
}

// shard reads index, row and path; the index must be below limit.
func (r *reader) shard(limit int) (Shard, error) {
	s := Shard{
		Index: binary.LittleEndian.Uint32(r.take(4)),
		Row:   r.take(r.p.RowSize),
		Path:  r.hashes(r.p.PathLen()),
	}
	if int64(s.Index) >= int64(limit) {
		return Shard{}, fmt.Errorf("%w: %s has index %d, of %d rows", ErrMalformed, r.what, s.Index, limit)
	}
	return s, nil
}

// opening reads row root and the K combinations.
func (r *reader) opening() Opening {
	o := Opening{RowRoot: [32]byte(r.take(32)), Y: make([][16]byte, r.p.K)}
	for i := range o.Y {
		o.Y[i] = [16]byte(r.take(16))
	}
	return o
}

// standalone reads a data row with both paths.
func (r *reader) standalone() (StandaloneShard, error) {
	s, err := r.shard(r.p.K)
	if err != nil {
		return StandaloneShard{}, err
	}
	return StandaloneShard{Shard: s, Y: [16]byte(r.take(16)), YPath: r.hashes(r.p.valuePathLen())}, nil
}
