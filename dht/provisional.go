package dht

import (
	"fmt"
	"sync"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// Bounds of rows whose header is not certified yet.
const (
	provisionalHeights = 8
	provisionalBytes   = 64 << 20
	provisionalAge     = 60 * time.Second
)

// waiting is a block whose header one member of the committee signed.
type waiting struct {
	header  types.Header
	opening coding.Opening
	shards  map[uint32][]byte
	since   time.Time
}

// slot is what a member may occupy: one commitment a height.
type slot struct {
	member types.Member
	height types.Height
}

// provisional holds rows in memory until their header is certified. It never touches certified rows: at most
// provisionalHeights above the newest certified header, one commitment a member and height, provisionalBytes in all,
// and gone after provisionalAge.
type provisional struct {
	mu     sync.Mutex
	blocks map[types.Hash]*waiting
	slots  map[slot]types.Hash
	bytes  int64
}

func newProvisional() *provisional {
	return &provisional{blocks: make(map[types.Hash]*waiting), slots: make(map[slot]types.Hash)}
}

// admit books the place for a member's header; head is the newest certified height.
func (p *provisional) admit(member types.Member, h *types.Header, head types.Height) error {
	if h.Height <= head || h.Height > head+provisionalHeights {
		return fmt.Errorf("%w: height %d, certified up to %d", ErrRefused, h.Height, head)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := slot{member, h.Height}
	if other, taken := p.slots[key]; taken && other != h.Commitment {
		return fmt.Errorf("%w: member %d signed another commitment at height %d", ErrRefused, member, h.Height)
	}
	if p.blocks[h.Commitment] == nil {
		p.blocks[h.Commitment] = &waiting{header: *h, shards: make(map[uint32][]byte), since: time.Now()}
	}
	p.slots[key] = h.Commitment
	return nil
}

// put keeps verified shards of an admitted block and returns those that are new; ErrBudget when all is full.
func (p *provisional) put(c types.Hash, o coding.Opening, shards map[uint32][]byte) ([]uint32, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.blocks[c]
	if w == nil {
		return nil, fmt.Errorf("%w: it waited for its certificate too long", ErrRefused)
	}
	w.opening = o
	var added []uint32
	for i, shard := range shards {
		if _, held := w.shards[i]; held {
			continue
		}
		if p.bytes+int64(len(shard)) > provisionalBytes {
			return added, fmt.Errorf("%w: %d bytes wait for a certificate", ErrBudget, p.bytes)
		}
		w.shards[i] = shard
		p.bytes += int64(len(shard))
		added = append(added, i)
	}
	return added, nil
}

// has reports whether a row waits here.
func (p *provisional) has(c types.Hash, index uint32) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.blocks[c]
	return w != nil && w.shards[index] != nil
}

// take removes and returns the blocks that certified approves of, and drops those that waited too long.
func (p *provisional) take(now time.Time, certified func(types.Hash) bool) []*waiting {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ready []*waiting
	for c, w := range p.blocks {
		isCertified := certified(c)
		if !isCertified && now.Sub(w.since) < provisionalAge {
			continue
		}
		if isCertified && len(w.shards) > 0 {
			ready = append(ready, w)
		}
		p.drop(c, w)
	}
	return ready
}

func (p *provisional) drop(c types.Hash, w *waiting) {
	for _, shard := range w.shards {
		p.bytes -= int64(len(shard))
	}
	delete(p.blocks, c)
	for key, other := range p.slots {
		if other == c {
			delete(p.slots, key)
		}
	}
}

// size is the number of bytes that wait.
func (p *provisional) size() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes
}
