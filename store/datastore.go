package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"path"

	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
)

// queryPage is how many entries a query reads at a time: at most so many values are in memory, and no query keeps the
// database open longer than one page takes.
const queryPage = 64

var (
	_ ds.Batching            = (*Datastore)(nil)
	_ ds.PersistentDatastore = (*Datastore)(nil)
)

// Datastore is the part of a DB under one prefix, as libp2p components want it. Puts are on disk after Sync. Its Close
// does nothing: the DB owns the database.
type Datastore struct {
	db     *DB
	prefix string
}

// Datastore returns the view under prefix. Different prefixes never overlap: their length is part of the key.
func (db *DB) Datastore(prefix string) *Datastore {
	length := binary.BigEndian.AppendUint32(nil, uint32(len(prefix)))
	return &Datastore{db: db, prefix: string(length) + prefix}
}

// Get implements ds.Datastore.
func (d *Datastore) Get(_ context.Context, key ds.Key) ([]byte, error) {
	value, err := d.db.Get(SpaceDatastore, d.key(key))
	return value, dsError(err)
}

// Has implements ds.Datastore.
func (d *Datastore) Has(_ context.Context, key ds.Key) (bool, error) {
	return d.db.Has(SpaceDatastore, d.key(key))
}

// GetSize implements ds.Datastore.
func (d *Datastore) GetSize(_ context.Context, key ds.Key) (int, error) {
	size, err := d.db.Size(SpaceDatastore, d.key(key))
	if err != nil {
		return -1, dsError(err)
	}
	return size, nil
}

// Put implements ds.Datastore.
func (d *Datastore) Put(_ context.Context, key ds.Key, value []byte) error {
	return d.db.Set(SpaceDatastore, d.key(key), value, Unsynced)
}

// Delete implements ds.Datastore.
func (d *Datastore) Delete(_ context.Context, key ds.Key) error {
	return d.db.Delete(SpaceDatastore, d.key(key), Unsynced)
}

// Sync implements ds.Datastore; it syncs everything, whatever the prefix.
func (d *Datastore) Sync(context.Context, ds.Key) error { return d.db.Sync() }

// Close implements io.Closer and does nothing.
func (d *Datastore) Close() error { return nil }

// DiskUsage implements ds.PersistentDatastore: an estimate, without what was written last.
func (d *Datastore) DiskUsage(context.Context) (uint64, error) {
	if err := d.db.enter(); err != nil {
		return 0, err
	}
	defer d.db.leave()
	lower, upper := SpaceDatastore.bounds(d.span("/"))
	n, err := d.db.pebble.EstimateDiskUsage(lower, upper)
	return n, wrapPebble("disk usage", err)
}

// Batch implements ds.Batching. Commits are atomic, which is more than ds asks for.
func (d *Datastore) Batch(context.Context) (ds.Batch, error) {
	return &datastoreBatch{d, d.db.Batch()}, nil
}

type datastoreBatch struct {
	d     *Datastore
	batch *Batch
}

// Put implements ds.Batch.
func (b *datastoreBatch) Put(_ context.Context, key ds.Key, value []byte) error {
	b.batch.Set(SpaceDatastore, b.d.key(key), value)
	return b.batch.failed
}

// Delete implements ds.Batch.
func (b *datastoreBatch) Delete(_ context.Context, key ds.Key) error {
	b.batch.Delete(SpaceDatastore, b.d.key(key))
	return b.batch.failed
}

// Commit implements ds.Batch; afterwards the batch is empty and may be used again.
func (b *datastoreBatch) Commit(context.Context) error {
	err := b.batch.Commit(Unsynced)
	b.batch = b.d.db.Batch()
	return err
}

// Query implements ds.Datastore. It reads in pages: entries written or deleted meanwhile may be seen or not.
func (d *Datastore) Query(ctx context.Context, q query.Query) (query.Results, error) {
	under := "/"
	if p := path.Clean("/" + q.Prefix); p != "/" {
		under = p + "/"
	}
	from, to := d.span(under)
	cursor := &queryCursor{d: d, ctx: ctx, q: q, from: from, to: to}
	results := query.ResultsFromIterator(q, query.Iterator{Next: cursor.next, Close: func() error { return nil }})
	return query.NaiveQueryApply(q, results), nil
}

type queryCursor struct {
	d        *Datastore
	ctx      context.Context
	q        query.Query
	from, to []byte
	page     []query.Entry
	done     bool
}

func (c *queryCursor) next() (query.Result, bool) {
	if len(c.page) == 0 && !c.done {
		if err := errors.Join(c.ctx.Err(), c.fill()); err != nil {
			c.done = true
			return query.Result{Error: err}, true
		}
	}
	if len(c.page) == 0 {
		return query.Result{}, false
	}
	entry := c.page[0]
	c.page = c.page[1:]
	return query.Result{Entry: entry}, true
}

// fill reads the next page and moves from behind its last key.
func (c *queryCursor) fill() error {
	c.done = true // unless the page fills up
	return c.d.db.Scan(SpaceDatastore, Range{From: c.from, To: c.to}, func(key, value []byte) error {
		if len(c.page) == queryPage {
			c.from, c.done = bytes.Clone(key), false
			return ErrStop
		}
		entry := query.Entry{Key: string(key[len(c.d.prefix):]), Size: len(value)}
		if !c.q.KeysOnly {
			entry.Value = bytes.Clone(value)
		}
		c.page = append(c.page, entry)
		return nil
	})
}

func (d *Datastore) key(key ds.Key) []byte { return []byte(d.prefix + key.String()) }

// span is the half-open range of the keys that begin with under, which ends in a slash; every datastore key begins so.
func (d *Datastore) span(under string) (from, to []byte) {
	from = []byte(d.prefix + under)
	to = bytes.Clone(from)
	to[len(to)-1]++
	return from, to
}

func dsError(err error) error {
	if errors.Is(err, ErrNotFound) {
		return ds.ErrNotFound
	}
	return err
}
