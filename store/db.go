package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/gofrs/flock"

	"github.com/etherscale/bedrock/types"
)

const (
	dbName   = "db"
	newName  = "db.new"
	lockName = "LOCK"
)

// Options of Open; the zero value of everything but Network is usable.
type Options struct {
	// Network is the network the directory must belong to.
	Network types.NetworkID
	// Cache is the size of the block cache in bytes; 0: 8 MiB.
	Cache int64
	// Budget is the disk that the whole directory may take, in bytes; 0: no bound. The smaller it is, the sooner what was deleted
	// is given back.
	Budget int64
	// MinFree is the space in bytes that must stay free on the disk; 0: 128 MiB.
	MinFree uint64
	// ReadOnly opens an existing directory and refuses to write. It needs the lock all the same.
	ReadOnly bool
	// Logger gets pebble's reports; nil: none.
	Logger *slog.Logger
	// Fatal is called when the state of the disk is unknown (S5) and must not return; nil: panic. The process has to end.
	Fatal func(error)
}

// DB is an open store.
type DB struct {
	dir     string
	fs      vfs.FS
	minFree uint64
	pebble  *pebble.DB
	pressed *atomic.Bool
	lock    *flock.Flock // nil on a simulated disk

	mu     sync.Mutex
	closed bool
	users  sync.WaitGroup
}

// Open opens the data directory, and makes it if it does not exist. It fails with ErrInUse, ErrOtherNetwork, ErrVersion,
// ErrBroken or ErrDiskFull.
func Open(dir string, opts Options) (*DB, error) {
	if !opts.ReadOnly {
		if err := makeDir(vfs.Default, dir); err != nil {
			return nil, err
		}
	}
	lock := flock.New(filepath.Join(dir, lockName))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, lockProblem(dir, err)
	}
	if !locked {
		return nil, inUse(dir, nil)
	}
	db, err := OpenFS(vfs.Default, dir, opts)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	db.lock = lock
	return db, nil
}

// OpenFS is Open on another file system, without flock: for tests on a simulated disk.
func OpenFS(fs vfs.FS, dir string, opts Options) (*DB, error) {
	if opts.MinFree == 0 {
		opts.MinFree = 128 << 20
	}
	db := &DB{dir: dir, fs: fs, minFree: opts.MinFree, pressed: new(atomic.Bool)}
	if opts.ReadOnly {
		db.minFree = 0
	}
	if !opts.ReadOnly {
		if err := makeDir(fs, dir); err != nil {
			return nil, err
		}
	}
	if err := db.checkFree(); err != nil {
		return nil, err
	}
	if err := claim(fs, dir, opts); err != nil {
		return nil, err
	}
	if err := createDatabase(fs, dir, opts); err != nil {
		return nil, err
	}
	var err error
	if db.pebble, err = pebble.Open(fs.PathJoin(dir, dbName), pebbleOptions(fs, opts, db.pressed)); err != nil {
		return nil, broken(dir, err)
	}
	return db, nil
}

// createDatabase makes an empty database if there is none. It is made aside and renamed when it is complete: what bears
// the name was once whole, and is never taken for a new one.
func createDatabase(fs vfs.FS, dir string, opts Options) error {
	final, aside := fs.PathJoin(dir, dbName), fs.PathJoin(dir, newName)
	if _, err := fs.Stat(final); err == nil || opts.ReadOnly {
		return nil
	}
	if err := fs.RemoveAll(aside); err != nil {
		return fmt.Errorf("remove an unfinished database: %w", err)
	}
	options := pebbleOptions(fs, opts, new(atomic.Bool))
	options.ErrorIfNotExists, options.ErrorIfExists = false, true
	db, err := pebble.Open(aside, options)
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	if err := db.Close(); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	if err := errors.Join(syncDir(fs, aside), fs.Rename(aside, final)); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return syncDir(fs, dir)
}

// Press says whether disk is short: then deleted values are given back although much that lives has to be rewritten for it.
func (db *DB) Press(short bool) { db.pressed.Store(short) }

// Dir is the data directory.
func (db *DB) Dir() string { return db.dir }

// Close waits for the calls under way, flushes and closes the store and gives up the lock. Closing again returns ErrClosed.
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return ErrClosed
	}
	db.closed = true
	db.mu.Unlock()
	db.users.Wait()
	err := db.pebble.Close()
	if db.lock != nil {
		err = errors.Join(err, db.lock.Unlock())
	}
	if err != nil {
		return fmt.Errorf("close %s: %w", db.dir, err)
	}
	return nil
}

// DiskUsage is the number of bytes the database takes on disk.
func (db *DB) DiskUsage() (uint64, error) {
	if err := db.enter(); err != nil {
		return 0, err
	}
	defer db.leave()
	return db.pebble.Metrics().DiskSpaceUsage(), nil
}

// Compact rewrites what is left of a space, so that the disk has back what deleted values took. It takes as long as reading and
// writing the space's keys and small values.
func (db *DB) Compact(ctx context.Context, s Space) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	lower, upper := s.bounds(nil, nil)
	if err := db.pebble.Compact(ctx, lower, upper, false); err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	return nil
}

// Stats is how the database does.
type Stats struct {
	Bytes       uint64 // on disk, the write-ahead log included
	Log         uint64 // of these, the write-ahead log
	Debt        uint64 // bytes that compactions have still to rewrite
	CacheBytes  int64
	CacheHits   int64 // since it was opened
	CacheMisses int64
	ReadLevels  int // places to look at for one key, at worst
	Compactions int64
}

// Stats takes a snapshot.
func (db *DB) Stats() (Stats, error) {
	if err := db.enter(); err != nil {
		return Stats{}, err
	}
	defer db.leave()
	m := db.pebble.Metrics()
	return Stats{Bytes: m.DiskSpaceUsage(), Log: m.WAL.PhysicalSize, Debt: m.Compact.EstimatedDebt, CacheBytes: m.BlockCache.Size,
		CacheHits: m.BlockCache.Hits, CacheMisses: m.BlockCache.Misses, ReadLevels: m.ReadAmp(), Compactions: m.Compact.Count}, nil
}

// enter keeps the database open until leave: pebble panics when it is used after Close.
func (db *DB) enter() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return ErrClosed
	}
	db.users.Add(1)
	return nil
}

func (db *DB) leave() { db.users.Done() }
