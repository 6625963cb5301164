package dht

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// The budget counts what is stored to the byte: the keys as the datastore gets them, and the values. What the database
// adds (its log, indexes, what a compaction has not removed yet) is not counted.
const (
	rowKeyBytes     = len("/row/") + 2*32
	openingKeyBytes = len("/opening/") + 2*32
	blockKeyBytes   = len("/block/") + 2*32
	// placeBytes is what the place of one row takes on disk, wholeBytes what the list of a block's places takes.
	placeBytes = len("/of/") + 2*16 + 8 + 4
	wholeBytes = len("/whole/") + 16 + 32 + 8 + 4
)

// rowBytes is what one row of a block of shape p costs.
func rowBytes(p coding.Params) int64 { return int64(rowKeyBytes + recordHead + p.ShardSize()) }

// headBytes is what holding any row of a block costs besides the rows: the opening and the entry.
func headBytes(p coding.Params) int64 {
	return int64(openingKeyBytes + p.OpeningSize() + blockKeyBytes + heldHead + p.N/8)
}

// blockBytes is what n rows of a block of shape p cost.
func blockBytes(p coding.Params, n int) int64 { return int64(n)*rowBytes(p) + headBytes(p) }

// placesBytes is what the places of a block of n rows cost.
func placesBytes(n int) int64 { return int64(n)*int64(placeBytes) + int64(wholeBytes) }

// room is the number of further rows of a block that the budget allows.
func (r *rows) room(c types.Hash, p coding.Params) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := r.bound() - r.bytes
	if r.blocks[c] == nil {
		left -= headBytes(p)
	}
	return int(max(0, left/rowBytes(p)))
}

// bound is what the rows may take now. It is called under mu.
func (r *rows) bound() int64 {
	if r.closed {
		return min(r.budget, r.bytes)
	}
	return r.budget
}

// TakeRows says whether new rows are taken at all, whatever the budget: not while the disk is short. Peers are told that this node
// is full.
func (d *DHT) TakeRows(taken bool) {
	d.rows.mu.Lock()
	defer d.rows.mu.Unlock()
	d.rows.closed = !taken
}

// oldestFirst lists the held blocks whose header time is before limit. It is called under mu.
func (r *rows) oldestFirst(limit types.Time) []types.Hash {
	var old []types.Hash
	for c, block := range r.blocks {
		if block.time < limit {
			old = append(old, c)
		}
	}
	slices.SortFunc(old, func(a, b types.Hash) int {
		x, y := r.blocks[a], r.blocks[b]
		if x.time != y.time {
			if x.time < y.time {
				return -1
			}
			return 1
		}
		return slices.Compare(a[:], b[:])
	})
	return old
}

// store puts rows on the disk. If they do not fit, what is past its retention goes first; within it nothing does.
func (d *DHT) store(ctx context.Context, h *types.Header, o coding.Opening, shards map[uint32][]byte) ([]uint32, error) {
	added, err := d.rows.put(ctx, h, o, shards)
	if !errors.Is(err, ErrBudget) || !d.giveUpOld(ctx) {
		return added, err
	}
	return d.rows.put(ctx, h, o, shards)
}

// giveUpOld gives up what is past its retention; true if there was something.
func (d *DHT) giveUpOld(ctx context.Context) bool {
	if d.cfg.Retention == 0 {
		return false
	}
	gone, err := d.Expire(ctx, types.TimeOf(time.Now().Add(-d.cfg.Retention)))
	if err != nil {
		d.log.Warn("old rows not given up", "error", err)
	}
	return gone > 0
}
