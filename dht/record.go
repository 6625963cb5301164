package dht

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	record "github.com/libp2p/go-libp2p-record"
)

// Namespace is the record namespace of rows in the DHT.
const Namespace = "bedrock-row"

const (
	recordVersion = 1
	recordHead    = 1 + 8 + 32 // version, length, value root
)

// ErrRecord says that bytes are no record of the row they claim to be. Whoever sent them lies.
var ErrRecord = errors.New("dht: not a record of this row")

// Key is the DHT key of row index of the block behind commitment: "/bedrock-row/" and then, as raw bytes,
// sha256(commitment || LE32 index).
func Key(commitment types.Hash, index uint32) string {
	sum := sha256.Sum256(binary.LittleEndian.AppendUint32(commitment[:len(commitment):len(commitment)], index))
	return "/" + Namespace + "/" + string(sum[:])
}

// Record is the value of a row in the DHT. It proves itself: row, path and value root lead to a commitment, and that
// commitment and the index are what the key hashes. So a stranger who knows nothing but the key can tell that the row is
// the one that was committed to; whether it is encoded well takes the block's opening (coding.Verifier).
type Record struct {
	Length    uint64     // bytes of block data, from which the shape follows
	ValueRoot types.Hash // root over the combinations of the data rows
	Shard     []byte     // encoded coding.Shard
}

// Encode is the canonical encoding:
//
//	version (1) | length LE64 | value root (32) | shard
func (r Record) Encode() []byte {
	b := make([]byte, 0, recordHead+len(r.Shard))
	b = append(b, recordVersion)
	b = binary.LittleEndian.AppendUint64(b, r.Length)
	b = append(b, r.ValueRoot[:]...)
	return append(b, r.Shard...)
}

// DecodeRecord is the strict inverse of Encode; the shard shares memory with b. It fails with ErrRecord.
func DecodeRecord(b []byte) (Record, coding.Shard, coding.Params, error) {
	if len(b) < recordHead || b[0] != recordVersion {
		return Record{}, coding.Shard{}, coding.Params{}, fmt.Errorf("%w: %d bytes", ErrRecord, len(b))
	}
	r := Record{Length: binary.LittleEndian.Uint64(b[1:]), ValueRoot: types.Hash(b[9:41]), Shard: b[recordHead:]}
	p, err := coding.ParamsFor(r.Length)
	if err != nil {
		return Record{}, coding.Shard{}, coding.Params{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if p.K == 0 {
		return Record{}, coding.Shard{}, coding.Params{}, fmt.Errorf("%w: an empty block has no rows", ErrRecord)
	}
	s, err := coding.UnmarshalShard(r.Shard, p)
	if err != nil {
		return Record{}, coding.Shard{}, coding.Params{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return r, s, p, nil
}

// CheckRecord decodes the value found under key and fails with ErrRecord unless it is the committed row that the key
// names. It costs one hash over the row.
func CheckRecord(key string, value []byte) (coding.Shard, error) {
	r, s, p, err := DecodeRecord(value)
	if err != nil {
		return coding.Shard{}, err
	}
	commitment := commitmentOf(p, rootFromPath(s.Row, s.Index, s.Path), r.ValueRoot)
	if Key(commitment, s.Index) != key {
		return coding.Shard{}, fmt.Errorf("%w: it is row %d of %s", ErrRecord, s.Index, commitment)
	}
	return s, nil
}

// Validator is the record validator of rows; it needs to know nothing, so any peer can run it.
type Validator struct{}

var _ record.Validator = Validator{}

// Validate is CheckRecord.
func (Validator) Validate(key string, value []byte) error {
	_, err := CheckRecord(key, value)
	return err
}

// Select takes the first value: all valid ones hold the same row.
func (Validator) Select(_ string, values [][]byte) (int, error) {
	if len(values) == 0 {
		return 0, ErrRecord
	}
	return 0, nil
}
