package node

import (
	"fmt"
	"sync"

	"github.com/etherscale/bedrock/gossip/pool"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// keyTransaction is the first byte of a journaled transaction's key in store.SpaceNode: + hash -> envelope.
const keyTransaction = 't'

func journalKey(hash types.Hash) []byte { return append([]byte{keyTransaction}, hash[:]...) }

// journal keeps the transactions that entered at this node on disk until they have had their turn.
type journal struct {
	db *store.DB

	mu   sync.Mutex
	kept map[types.Hash]struct{}
}

var _ pool.Journal = (*journal)(nil)

func newJournal(db *store.DB) *journal { return &journal{db: db, kept: map[types.Hash]struct{}{}} }

// Keep implements pool.Journal.
func (j *journal) Keep(hash types.Hash, envelope []byte) error {
	j.mu.Lock()
	j.kept[hash] = struct{}{}
	j.mu.Unlock()
	if err := j.db.Set(store.SpaceNode, journalKey(hash), envelope, store.Synced); err != nil {
		return fmt.Errorf("transaction not kept: %w", err)
	}
	return nil
}

// Drop implements pool.Journal. What a crash brings back is dropped again: the state does not admit it.
func (j *journal) Drop(hashes []types.Hash) {
	j.mu.Lock()
	defer j.mu.Unlock()
	batch := j.db.Batch()
	known := false
	for _, hash := range hashes {
		if _, ok := j.kept[hash]; ok {
			known = true
			delete(j.kept, hash)
			batch.Delete(store.SpaceNode, journalKey(hash))
		}
	}
	if known {
		_ = batch.Commit(store.Unsynced) // at worst the next start looks at them once more
	}
}

// Each implements pool.Journal.
func (j *journal) Each(visit func(hash types.Hash, envelope []byte)) error {
	from := []byte{keyTransaction}
	return j.db.Scan(store.SpaceNode, store.Range{From: from, To: []byte{keyTransaction + 1}}, func(key, value []byte) error {
		hash := types.Hash(key[1:])
		j.mu.Lock()
		j.kept[hash] = struct{}{}
		j.mu.Unlock()
		visit(hash, value)
		return nil
	})
}
