package dht

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"

	"github.com/etherscale/bedrock/types"
)

// A DHT key is a hash and does not tell its block. So that GET_VALUE finds the rows of whole blocks, their places are
// written down:
//
//	/of/<hex of the first 16 bytes of the DHT key's hash>   height LE64 | index LE32
//	/whole/<height, 16 hex digits>                          commitment | time LE64 | number of rows LE32

func placeKey(key string) ds.Key {
	sum := strings.TrimPrefix(key, "/"+Namespace+"/")
	return ds.NewKey("/of/" + hex.EncodeToString([]byte(sum[:min(16, len(sum))])))
}

func wholeKey(h types.Height) ds.Key { return ds.NewKey(fmt.Sprintf("/whole/%016x", uint64(h))) }

// notePlaces writes down where the n rows of a block are.
func (r *rows) notePlaces(ctx context.Context, h *types.Header, n int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, err := r.store.Has(ctx, wholeKey(h.Height)); known || err != nil {
		return err
	}
	if r.bytes+placesBytes(n) > r.bound() {
		return fmt.Errorf("%w: %d of %d bytes", ErrBudget, r.bytes, r.budget)
	}
	batch, err := r.store.Batch(ctx)
	if err != nil {
		return fmt.Errorf("dht: store places: %w", err)
	}
	for i := range uint32(n) {
		place := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(nil, uint64(h.Height)), i)
		if err := batch.Put(ctx, placeKey(Key(h.Commitment, i)), place); err != nil {
			return fmt.Errorf("dht: store places: %w", err)
		}
	}
	entry := binary.LittleEndian.AppendUint64(append([]byte(nil), h.Commitment[:]...), uint64(h.Time))
	if err := batch.Put(ctx, wholeKey(h.Height), binary.LittleEndian.AppendUint32(entry, uint32(n))); err != nil {
		return fmt.Errorf("dht: store places: %w", err)
	}
	if err := batch.Commit(ctx); err != nil {
		return fmt.Errorf("dht: store places: %w", err)
	}
	r.bytes += placesBytes(n)
	return nil
}

// place finds the row behind a DHT key, or ds.ErrNotFound.
func (r *rows) place(ctx context.Context, key string) (types.Height, uint32, error) {
	value, err := r.store.Get(ctx, placeKey(key))
	if err != nil {
		return 0, 0, err
	}
	if len(value) != 12 {
		return 0, 0, ds.ErrNotFound
	}
	return types.Height(binary.LittleEndian.Uint64(value)), binary.LittleEndian.Uint32(value[8:]), nil
}

// wholeBlock is one /whole entry.
type wholeBlock struct {
	key        ds.Key
	commitment types.Hash
	time       types.Time
	rows       uint32
}

// wholes visits the /whole entries from the lowest height on, until visit returns false.
func (r *rows) wholes(ctx context.Context, visit func(wholeBlock) bool) error {
	found, err := r.store.Query(ctx, query.Query{Prefix: "/whole"})
	if err != nil {
		return fmt.Errorf("dht: list places: %w", err)
	}
	defer found.Close()
	for {
		e, more := found.NextSync()
		if !more {
			return nil
		}
		if e.Error != nil {
			return fmt.Errorf("dht: list places: %w", e.Error)
		}
		if len(e.Value) != 32+8+4 {
			continue
		}
		w := wholeBlock{ds.RawKey(e.Key), types.Hash(e.Value[:32]), types.Time(binary.LittleEndian.Uint64(e.Value[32:])),
			binary.LittleEndian.Uint32(e.Value[40:])}
		if !visit(w) {
			return nil
		}
	}
}

// expirePlaces forgets the places of blocks whose header time is before limit: heights, and so keys, ascend with time. It
// is called under mu.
func (r *rows) expirePlaces(ctx context.Context, limit types.Time) error {
	var old []wholeBlock
	err := r.wholes(ctx, func(w wholeBlock) bool {
		if w.time < limit {
			old = append(old, w)
		}
		return w.time < limit
	})
	for _, w := range old {
		batch, berr := r.store.Batch(ctx)
		if berr != nil {
			return errors.Join(err, berr)
		}
		for i := range w.rows {
			_ = batch.Delete(ctx, placeKey(Key(w.commitment, i))) // a failure shows in Commit
		}
		_ = batch.Delete(ctx, w.key)
		if cerr := batch.Commit(ctx); cerr != nil {
			return errors.Join(err, fmt.Errorf("dht: forget places: %w", cerr))
		}
		r.bytes -= placesBytes(int(w.rows))
	}
	return err
}
