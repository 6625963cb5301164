package store

import (
	"github.com/cockroachdb/pebble/v2"
)

// Batch collects writes that happen all or not at all. It belongs to one goroutine and is used once. Errors of building
// come out of Commit.
type Batch struct {
	db     *DB
	batch  *pebble.Batch // nil until the first write
	sets   int
	failed error
}

// Batch begins an empty batch. A batch that is not committed costs nothing and may be dropped.
func (db *DB) Batch() *Batch { return &Batch{db: db} }

// Set stores value under key; both are copied.
func (b *Batch) Set(space Space, key, value []byte) {
	b.sets++
	b.add(func(batch *pebble.Batch) error { return batch.Set(space.key(key), value, nil) })
}

// Delete removes key, if it is there.
func (b *Batch) Delete(space Space, key []byte) {
	b.add(func(batch *pebble.Batch) error { return batch.Delete(space.key(key), nil) })
}

// DeleteRange removes the keys in [from, to); nil to: up to the end of the space.
func (b *Batch) DeleteRange(space Space, from, to []byte) {
	lower, upper := space.bounds(from, to)
	b.add(func(batch *pebble.Batch) error { return batch.DeleteRange(lower, upper, nil) })
}

// Bytes is the size of what was collected.
func (b *Batch) Bytes() int {
	if b.batch == nil {
		return 0
	}
	return b.batch.Len()
}

// Commit writes the batch. It fails with ErrDiskFull (unless it only deletes), ErrReadOnly or ErrClosed; then nothing
// was written.
func (b *Batch) Commit(d Durability) error {
	if b.failed != nil || b.batch == nil {
		return b.failed
	}
	if err := b.db.enter(); err != nil {
		return err
	}
	defer b.db.leave()
	defer b.batch.Close()
	if b.sets > 0 {
		if err := b.db.checkFree(); err != nil {
			return err
		}
	}
	return wrapPebble("write", b.db.pebble.Apply(b.batch, d.options()))
}

func (b *Batch) add(write func(*pebble.Batch) error) {
	if b.failed != nil {
		return
	}
	if b.batch == nil {
		b.batch = new(pebble.Batch)
	}
	b.failed = wrapPebble("write", write(b.batch))
}
