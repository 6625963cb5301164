package execution

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/ethereum/go-ethereum/core/state"

	"github.com/etherscale/bedrock/types"
)

// Crash drops the chain as a kill would: nothing that is only in memory is written.
func (c *Chain) Crash() error { return c.disk.Close() }

// SetDurableEvery changes the bound on lost state.
func (c *Chain) SetDurableEvery(n uint64) { c.config.DurableEvery = n }

// Marked are the heights whose witnesses were searched, after one more that has no witness was added and marks were pruned at a
// head so many blocks on.
func (c *Chain) Marked(gone, ahead types.Height) []types.Height {
	c.past.mu.Lock()
	defer c.past.mu.Unlock()
	c.past.marks[gone] = nil
	c.past.prune(c.Height() + ahead)
	return slices.Sorted(maps.Keys(c.past.marks))
}

// BondSlots are the slots that genesis writes, by the names of the contract's variables.
func BondSlots() map[string]string {
	slots := map[string]string{}
	for name, slot := range map[string]int{"parameters": slotParameters, "accounted": slotAccounted, "bonds": slotBonds,
		"sequencers": slotSequencers, "serving": slotServing, "known": slotKnown} {
		slots[name] = strconv.Itoa(slot)
	}
	return slots
}

// Run executes a block on the head's state and stores nothing: recorded, as Apply does it, or on a plain state.
func (c *Chain) Run(header types.Header, p *Prepared, recorded bool) (witness int, err error) {
	parent, rec, db := c.head.Load(), newRecorder(), c.states
	if recorded {
		db = newRecordingDB(c.states, rec, c.nodes)
	}
	s, err := state.New(parent.claim.Root, db)
	if err != nil {
		return 0, err
	}
	run := &executed{state: s, hashes: p.hashes, env: NewEnv(&c.rules, header, parent.header, parent.claim, c.digest)}
	if err := run.chunks(p.txs, parent.claim); err != nil {
		return 0, err
	}
	encoded, err := rec.encodeBlock()
	return len(encoded), err
}

// CutParts changes the size of a snapshot's parts, and gives the way back.
func CutParts(bytes int) (restore func()) {
	before := partBytes
	partBytes = bytes
	return func() { partBytes = before }
}

// BreakReady leaves the chain as a crash would right after everything was collected, and while the tries are replaced.
func (r *Restoration) BreakReady() error {
	if err := r.chain.disk.Put([]byte(keyRestoreReady), []byte{1}); err != nil {
		return err
	}
	if err := r.chain.tdb.Disable(); err != nil {
		return err
	}
	return r.chain.disk.DeleteRange([]byte("A"), []byte("B"))
}

// CrashIdle is Crash once the state database has stopped indexing in the background: that ends the process when its disk goes.
func (c *Chain) CrashIdle() error {
	for !c.tdb.SnapshotCompleted() {
		time.Sleep(time.Millisecond)
	}
	return c.Crash()
}
