package audit

import (
	"encoding/binary"
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// codecVersion is the first byte of every record of this package.
const codecVersion = 1

// fields reads fixed-width fields off the front of a byte string whose length was checked before.
type fields struct{ rest []byte }

// open checks the length and the version byte.
func open(what string, encoded []byte, size int) (*fields, error) {
	if len(encoded) != size {
		return nil, fmt.Errorf("%s of %d bytes, want %d: %w", what, len(encoded), size, types.ErrMalformed)
	}
	if encoded[0] != codecVersion {
		return nil, fmt.Errorf("%s of version %d, this program knows %d: %w", what, encoded[0], codecVersion, types.ErrMalformed)
	}
	return &fields{encoded[1:]}, nil
}

func (f *fields) take(n int) []byte {
	b := f.rest[:n]
	f.rest = f.rest[n:]
	return b
}

func (f *fields) u8() byte           { return f.take(1)[0] }
func (f *fields) u16() uint16        { return binary.BigEndian.Uint16(f.take(2)) }
func (f *fields) u64() uint64        { return binary.BigEndian.Uint64(f.take(8)) }
func (f *fields) digest() types.Hash { return types.Hash(f.take(32)) }

// batch reads a batch CID and refuses every other prefix.
func (f *fields) batch(what string) (types.BatchID, error) {
	id := types.BatchID(f.take(36))
	if !id.Valid() {
		return id, fmt.Errorf("%s names no batch CID: %w", what, types.ErrMalformed)
	}
	return id, nil
}
