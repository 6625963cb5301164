package dht

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
)

// rows is the disk side: the records this node holds, their openings, and one entry a block that lists them, so that a
// block can be forgotten and the budget is known after a restart. Keys:
//
//	/row/<hex of the 32 bytes of the DHT key>   record
//	/opening/<hex commitment>                   encoded opening
//	/block/<hex commitment>                     version (1) | height LE64 | time LE64 | length LE64 | bitmap of held rows
//
// A record is written in one batch with the block entry that lists it. All writes are serialised; reads are not.
type rows struct {
	store  ds.Batching
	budget int64 // bytes
	sync   *groupSync

	mu     sync.Mutex
	blocks map[types.Hash]*heldBlock
	bytes  int64
	count  int
	closed bool // no new ones
}

// heldBlock is what is known of a block without asking the disk.
type heldBlock struct {
	height types.Height
	time   types.Time
	params coding.Params
	rows   int
	bytes  int64
}

const heldHead = 1 + 8 + 8 + 8

// openRows reads the block entries. Entries that do not decode are the disk's fault and reported.
func openRows(ctx context.Context, store ds.Batching, budget int64) (*rows, error) {
	r := &rows{store: store, budget: budget, sync: &groupSync{store: store}, blocks: make(map[types.Hash]*heldBlock)}
	found, err := store.Query(ctx, query.Query{Prefix: "/block"})
	if err != nil {
		return nil, fmt.Errorf("dht: list held blocks: %w", err)
	}
	defer found.Close()
	for e := range found.Next() {
		if e.Error != nil {
			return nil, fmt.Errorf("dht: list held blocks: %w", e.Error)
		}
		commitment, block, _, err := decodeHeld(e.Key, e.Value)
		if err != nil {
			return nil, err
		}
		r.blocks[commitment] = block
		r.bytes += block.bytes
		r.count += block.rows
	}
	err = r.wholes(ctx, func(w wholeBlock) bool {
		r.bytes += placesBytes(int(w.rows))
		return true
	})
	return r, err
}

func decodeHeld(key string, value []byte) (types.Hash, *heldBlock, bitmap, error) {
	var commitment types.Hash
	raw, err := hex.DecodeString(strings.TrimPrefix(key, "/block/"))
	if err != nil || len(raw) != len(commitment) || len(value) < heldHead || value[0] != recordVersion {
		return commitment, nil, nil, fmt.Errorf("dht: entry %s of held blocks is broken; remove the row store to rebuild it from other peers", key)
	}
	copy(commitment[:], raw)
	p, err := coding.ParamsFor(binary.LittleEndian.Uint64(value[17:]))
	if err != nil || len(value) != heldHead+p.N/8 {
		return commitment, nil, nil, fmt.Errorf("dht: entry %s of held blocks is broken; remove the row store to rebuild it from other peers", key)
	}
	b := &heldBlock{
		height: types.Height(binary.LittleEndian.Uint64(value[1:])),
		time:   types.Time(binary.LittleEndian.Uint64(value[9:])),
		params: p,
	}
	held := bitmap(value[heldHead:])
	for i := range p.N {
		if held.has(i) {
			b.rows++
		}
	}
	b.bytes = blockBytes(p, b.rows)
	return commitment, b, held, nil
}

func (b *heldBlock) encode(held bitmap) []byte {
	out := []byte{recordVersion}
	out = binary.LittleEndian.AppendUint64(out, uint64(b.height))
	out = binary.LittleEndian.AppendUint64(out, uint64(b.time))
	out = binary.LittleEndian.AppendUint64(out, b.params.Length)
	return append(out, held...)
}

func rowKey(key string) ds.Key {
	return ds.NewKey("/row/" + hex.EncodeToString([]byte(strings.TrimPrefix(key, "/"+Namespace+"/"))))
}

func openingKey(c types.Hash) ds.Key { return ds.NewKey("/opening/" + c.String()) }
func blockKey(c types.Hash) ds.Key   { return ds.NewKey("/block/" + c.String()) }

// put stores encoded shards, which the caller has verified, with the opening that verified them. Rows held already are
// left alone. It returns those that are new, and ErrBudget if they do not fit.
func (r *rows) put(ctx context.Context, h *types.Header, opening coding.Opening, shards map[uint32][]byte) ([]uint32, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, err := coding.ParamsFor(h.DataLength)
	if err != nil {
		return nil, err
	}
	block, held, err := r.entry(ctx, h, p)
	if err != nil {
		return nil, err
	}
	batch, err := r.store.Batch(ctx)
	if err != nil {
		return nil, fmt.Errorf("dht: store rows: %w", err)
	}
	root := types.Hash(valueRoot(opening.Y))
	var added []uint32
	for i, shard := range shards {
		if held.has(int(i)) {
			continue
		}
		held.set(int(i))
		added = append(added, i)
		rec := Record{Length: p.Length, ValueRoot: root, Shard: shard}
		if err := batch.Put(ctx, rowKey(Key(h.Commitment, i)), rec.Encode()); err != nil {
			return nil, fmt.Errorf("dht: store rows: %w", err)
		}
	}
	if len(added) == 0 {
		return nil, nil
	}
	if err := r.commit(ctx, batch, h.Commitment, block, held, opening, len(added)); err != nil {
		return nil, err
	}
	return added, nil
}

// commit writes the batch with the block's new entry, if the budget allows.
func (r *rows) commit(ctx context.Context, batch ds.Batch, c types.Hash, old *heldBlock, held bitmap, o coding.Opening, added int) error {
	block := *old
	block.rows += added
	block.bytes = blockBytes(block.params, block.rows)
	grown := r.bytes + block.bytes - old.bytes
	if grown > r.bound() {
		return fmt.Errorf("%w: %d of %d bytes", ErrBudget, r.bytes, r.budget)
	}
	if old.rows == 0 {
		encoded, err := o.MarshalBinary()
		if err != nil {
			return err
		}
		if err := batch.Put(ctx, openingKey(c), encoded); err != nil {
			return fmt.Errorf("dht: store opening: %w", err)
		}
	}
	if err := batch.Put(ctx, blockKey(c), block.encode(held)); err != nil {
		return fmt.Errorf("dht: store rows: %w", err)
	}
	if err := batch.Commit(ctx); err != nil {
		return fmt.Errorf("dht: store rows: %w", err)
	}
	r.blocks[c] = &block
	r.bytes = grown
	r.count += added
	return nil
}

// entry finds the block's entry, or makes one that costs nothing yet.
func (r *rows) entry(ctx context.Context, h *types.Header, p coding.Params) (*heldBlock, bitmap, error) {
	if _, known := r.blocks[h.Commitment]; !known {
		return &heldBlock{height: h.Height, time: h.Time, params: p}, newBitmap(p.N), nil
	}
	key := blockKey(h.Commitment)
	value, err := r.store.Get(ctx, key)
	if err != nil {
		return nil, nil, fmt.Errorf("dht: read held block: %w", err)
	}
	_, block, held, err := decodeHeld(key.String(), append([]byte(nil), value...))
	return block, held, err
}

// record is the record stored under a DHT key, or ds.ErrNotFound.
func (r *rows) record(ctx context.Context, key string) ([]byte, error) {
	return r.store.Get(ctx, rowKey(key))
}

// shard is the encoded shard of a row, or nil if it is not held.
func (r *rows) shard(ctx context.Context, c types.Hash, index uint32) ([]byte, error) {
	value, err := r.record(ctx, Key(c, index))
	if errors.Is(err, ds.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("dht: read row: %w", err)
	}
	if len(value) < recordHead {
		return nil, fmt.Errorf("dht: stored row %d of %s is broken: %w", index, c, ErrRecord)
	}
	return value[recordHead:], nil
}

// has reports whether a row is held.
func (r *rows) has(ctx context.Context, c types.Hash, index uint32) (bool, error) {
	if _, known := r.block(c); !known {
		return false, nil
	}
	return r.store.Has(ctx, rowKey(Key(c, index)))
}

// block tells what is held of a block.
func (r *rows) block(c types.Hash) (heldBlock, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.blocks[c]
	if !ok {
		return heldBlock{}, false
	}
	return *b, true
}

// opening is the encoded opening of a block of which rows are held, or nil.
func (r *rows) opening(ctx context.Context, c types.Hash) ([]byte, error) {
	value, err := r.store.Get(ctx, openingKey(c))
	if errors.Is(err, ds.ErrNotFound) {
		return nil, nil
	}
	return value, err
}

// expire forgets every block whose header time is before limit, oldest first, and returns the number of rows it gave up.
func (r *rows) expire(ctx context.Context, limit types.Time) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	gone := 0
	for _, c := range r.oldestFirst(limit) {
		if err := r.forget(ctx, c); err != nil {
			return gone, err
		}
		block := r.blocks[c]
		gone += block.rows
		r.bytes -= block.bytes
		r.count -= block.rows
		delete(r.blocks, c)
	}
	return gone, r.expirePlaces(ctx, limit)
}

func (r *rows) forget(ctx context.Context, c types.Hash) error {
	key := blockKey(c)
	value, err := r.store.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("dht: read held block: %w", err)
	}
	_, block, held, err := decodeHeld(key.String(), value)
	if err != nil {
		return err
	}
	batch, err := r.store.Batch(ctx)
	if err != nil {
		return fmt.Errorf("dht: forget rows: %w", err)
	}
	doomed := []ds.Key{key, openingKey(c)}
	for i := range block.params.N {
		if held.has(i) {
			doomed = append(doomed, rowKey(Key(c, uint32(i))))
		}
	}
	for _, k := range doomed {
		if err := batch.Delete(ctx, k); err != nil {
			return fmt.Errorf("dht: forget rows: %w", err)
		}
	}
	if err := batch.Commit(ctx); err != nil {
		return fmt.Errorf("dht: forget rows: %w", err)
	}
	return nil
}

// usage returns the number of rows and bytes held, and of blocks they belong to.
func (r *rows) usage() (rows int, bytes int64, blocks int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count, r.bytes, len(r.blocks)
}
