package store

import (
	"encoding/binary"

	"github.com/etherscale/bedrock/types"
)

// PutAudit stores the record of a batch released in an epoch. It is derived from the vertex log, so it needs no sync of its
// own.
func (db *DB) PutAudit(e types.Epoch, id types.BatchID, record []byte) error {
	return db.Set(SpaceAudit, AuditKey(e, id), record, Unsynced)
}

// Audit returns the record of a batch released in an epoch, or ErrNotFound.
func (db *DB) Audit(e types.Epoch, id types.BatchID) ([]byte, error) {
	return db.Get(SpaceAudit, AuditKey(e, id))
}

// AuditKey is the key of a record in SpaceAudit: BE64 epoch | batch. What one epoch released and left in no block, the
// next one releases again.
func AuditKey(e types.Epoch, id types.BatchID) []byte { return append(BigEndian(e), id[:]...) }

// PutAppended stores the record of a position in the committed sequence; like PutAudit it is derived.
func (db *DB) PutAppended(position uint64, record []byte) error {
	return db.Set(SpaceAppended, BigEndian(position), record, Unsynced)
}

// Appended returns the record of a position in the committed sequence, or ErrNotFound.
func (db *DB) Appended(position uint64) ([]byte, error) {
	return db.Get(SpaceAppended, BigEndian(position))
}

// BigEndian is the key of a number: keys ascend as the numbers do.
func BigEndian[N ~uint64](n N) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
