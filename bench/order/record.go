package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// record is what became of the transactions of one load; the connections' goroutines write to it.
type record struct {
	start time.Time
	alone bool              // see network
	first uint64            // id of the first transaction
	index map[uint64]uint32 // by key; not changed while the load runs

	ordered []atomic.Int64  // nanoseconds since start, by index; 0: not yet
	fates   []atomic.Uint32 // by index
	settled atomic.Int64    // ordered or refused

	mu      sync.Mutex
	reasons map[string]int // of refusals
}

// Fates of a transaction.
const (
	unsent uint32 = iota
	sent
	taken
	refused
)

// newRecord names the transactions that will be sent.
func newRecord(d dialect, first uint64, count int) *record {
	r := &record{first: first, index: make(map[uint64]uint32, count), ordered: make([]atomic.Int64, count),
		fates: make([]atomic.Uint32, count), reasons: map[string]int{}}
	for i := range count {
		r.index[d.key(payload(first+uint64(i)))] = uint32(i)
	}
	return r
}

// note takes what a node's message said that was read at a time. Of the order, it counts what was sent to that node,
// unless its client listens for all.
func (r *record) note(entry int, at time.Time, in *incoming) {
	for _, key := range in.ordered {
		i, mine := r.index[key]
		if mine && (r.alone || int(i)%validators == entry) && r.ordered[i].CompareAndSwap(0, max(1, int64(at.Sub(r.start)))) {
			r.settled.Add(1)
		}
	}
	for _, a := range in.answers {
		i := a.id - r.first
		if i >= uint64(len(r.fates)) { // of an earlier load
			continue
		}
		if a.refusal == "" {
			r.fates[i].Store(taken)
			continue
		}
		r.fates[i].Store(refused)
		r.settled.Add(1)
		r.mu.Lock()
		r.reasons[a.refusal]++
		r.mu.Unlock()
	}
}
