package store

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Durability says whether a write is on disk when the call returns.
type Durability bool

// The two durabilities.
const (
	Synced   Durability = true  // on disk (S1)
	Unsynced Durability = false // visible at once, on disk with the next Synced write or soon after
)

func (d Durability) options() *pebble.WriteOptions {
	if d == Synced {
		return pebble.Sync
	}
	return pebble.NoSync
}

// Get returns the value, which the caller owns, or ErrNotFound.
func (db *DB) Get(space Space, key []byte) ([]byte, error) {
	var value []byte
	err := db.view(space.key(key), func(v []byte) { value = bytes.Clone(v) })
	if value == nil && err == nil {
		value = []byte{}
	}
	return value, err
}

// Has reports whether a value is stored under the key.
func (db *DB) Has(space Space, key []byte) (bool, error) {
	err := db.view(space.key(key), func([]byte) {})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Size is the length of the value, or ErrNotFound.
func (db *DB) Size(space Space, key []byte) (int, error) {
	size := 0
	err := db.view(space.key(key), func(v []byte) { size = len(v) })
	return size, err
}

// Set stores one value; see Batch.
func (db *DB) Set(space Space, key, value []byte, d Durability) error {
	b := db.Batch()
	b.Set(space, key, value)
	return b.Commit(d)
}

// Delete removes one value, if it is there.
func (db *DB) Delete(space Space, key []byte, d Durability) error {
	b := db.Batch()
	b.Delete(space, key)
	return b.Commit(d)
}

// Sync puts everything written before on disk.
func (db *DB) Sync() error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	return wrapPebble("sync", db.pebble.LogData(nil, pebble.Sync))
}

// view calls see with the value, which is only valid during the call.
func (db *DB) view(key []byte, see func(value []byte)) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	value, closer, err := db.pebble.Get(key)
	if err != nil {
		return wrapPebble("read", err)
	}
	see(value)
	return wrapPebble("read", closer.Close())
}

// wrapPebble turns pebble's errors into this package's; nil stays nil.
func wrapPebble(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pebble.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, pebble.ErrReadOnly):
		return ErrReadOnly
	case errors.Is(err, pebble.ErrCorruption):
		return fmt.Errorf("store: %s: %w: %w; stop the node and check the disk", what, ErrBroken, err)
	}
	return fmt.Errorf("store: %s: %w", what, err)
}
