package sequencer

import (
	"sync"

	"github.com/etherscale/bedrock/types"
)

// bodies holds the batch bodies that the core was told of (D4): in memory until a vertex that receipts them is
// persisted, then in the log. Only the loop adds; anyone reads.
type bodies struct {
	log   Log
	limit int // bytes in memory beyond which bodies go to the log early

	mu    sync.RWMutex
	fresh map[types.BatchID][]byte
	bytes int

	// The newest of those in the log: they are about to be pushed to members and laid out in a block.
	recent      map[types.BatchID][]byte
	order       []types.BatchID // of recent, oldest first
	recentBytes int
}

// recentBodies is how many bytes of logged bodies stay in memory: some seconds at full load.
const recentBodies = 16 << 20

func newBodies(log Log, limit int) *bodies {
	return &bodies{log: log, limit: limit, fresh: make(map[types.BatchID][]byte), recent: make(map[types.BatchID][]byte)}
}

func (b *bodies) has(id types.BatchID) bool {
	b.mu.RLock()
	_, ok := b.fresh[id]
	b.mu.RUnlock()
	return ok || b.log.HasBatch(id)
}

// get returns the body, which must not be changed.
func (b *bodies) get(id types.BatchID) ([]byte, error) {
	b.mu.RLock()
	body, ok := b.fresh[id]
	if !ok {
		body, ok = b.recent[id]
	}
	b.mu.RUnlock()
	if ok {
		return body, nil
	}
	return b.log.Batch(id)
}

// add takes a new body. When too many wait in memory they all go to the log: nothing held is ever forgotten.
func (b *bodies) add(id types.BatchID, body []byte) (spilled int, err error) {
	if b.has(id) {
		return 0, nil
	}
	b.mu.Lock()
	b.fresh[id] = body
	b.bytes += len(body)
	var spill []types.BatchID
	if b.bytes > b.limit {
		for id := range b.fresh {
			spill = append(spill, id)
		}
	}
	b.mu.Unlock()
	for _, id := range spill {
		if err := b.persist(id); err != nil {
			return spilled, err
		}
		spilled++
	}
	return spilled, nil
}

// persist appends the body to the log, once.
func (b *bodies) persist(id types.BatchID) error {
	if b.log.HasBatch(id) {
		return nil
	}
	body, err := b.get(id)
	if err != nil {
		return err
	}
	if err := b.log.AppendBatch(id, body); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, counted := b.fresh[id]; counted {
		delete(b.fresh, id)
		b.bytes -= len(body)
	}
	b.remember(id, body)
	return nil
}

// remember keeps a logged body in memory until so many newer ones came. The caller holds mu.
func (b *bodies) remember(id types.BatchID, body []byte) {
	if _, twice := b.recent[id]; twice || len(body) > recentBodies {
		return
	}
	b.recent[id] = body
	b.order = append(b.order, id)
	for b.recentBytes += len(body); b.recentBytes > recentBodies; b.order = b.order[1:] {
		b.recentBytes -= len(b.recent[b.order[0]])
		delete(b.recent, b.order[0])
	}
}
