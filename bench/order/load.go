package main

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"
)

// load is one open loop.
type load struct {
	rate         int           // transactions a second, spread over all nodes
	warm, length time.Duration // the figures are of the window of this length after the warm-up
	drain        time.Duration // how long to wait at the end for what is still under way
}

const (
	tick    = 2 * time.Millisecond   // a sender wakes no more often
	lotSize = 256                    // transactions of one write
	grace   = 500 * time.Millisecond // after the end of the load, for what a sender is behind with
)

func (l load) count() int { return int((l.warm + l.length).Seconds() * float64(l.rate)) }

// due is when a transaction is due after the start.
func (l load) due(i int) time.Duration { return time.Duration(i) * time.Second / time.Duration(l.rate) }

// run puts the load on the network. Whatever the network does, it returns in time; an error says that there is no network
// any more.
func (n *network) run(ctx context.Context, l load) (*row, error) {
	r := newRecord(n.system, n.nextID, l.count())
	n.nextID += uint64(l.count())
	r.alone = n.alone
	r.start = time.Now().Add(50 * time.Millisecond)
	n.current.Store(r)
	defer n.current.Store(nil)
	var senders sync.WaitGroup
	for entry := range n.clients {
		senders.Go(func() { n.sendAll(entry, l, r) })
	}
	before, err := n.snapAt(ctx, r.start.Add(l.warm))
	if err != nil {
		return nil, err
	}
	after, err := n.snapAt(ctx, r.start.Add(l.warm+l.length))
	if err != nil {
		return nil, err
	}
	senders.Wait()
	for deadline := time.Now().Add(l.drain); time.Now().Before(deadline) && n.err() == nil && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		if r.settled.Load() == int64(r.sent()) {
			break
		}
	}
	return newRow(l, r, after.minus(before)), n.err()
}

// sendAll sends what is due at one node until the load's end; what the node did not read by then stays unsent.
func (n *network) sendAll(entry int, l load, r *record) {
	end := r.start.Add(l.warm + l.length)
	var ids []uint64
	for next := entry; next < l.count(); {
		if wait := time.Until(r.start.Add(l.due(next))); wait > 0 {
			time.Sleep(max(wait, tick))
		}
		now := time.Now()
		ids = ids[:0]
		for ; next < l.count() && len(ids) < lotSize && l.due(next) <= now.Sub(r.start); next += validators {
			r.fates[next].Store(sent)
			ids = append(ids, r.first+uint64(next))
		}
		if len(ids) == 0 {
			continue
		}
		if now.After(end.Add(grace)) {
			for _, id := range ids {
				r.fates[id-r.first].Store(unsent)
			}
			return
		}
		if err := n.clients[entry].send(n.system.requests(ids), end.Add(2*grace)); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				n.fail(err)
			}
			return
		}
	}
}

func (r *record) sent() (count int) {
	for i := range r.fates {
		if r.fates[i].Load() != unsent {
			count++
		}
	}
	return count
}

// snapshot is what was used up to a time.
type snapshot struct {
	nodes     spent
	generator time.Duration
}

// snapAt waits for a time and tells what was used until then.
func (n *network) snapAt(ctx context.Context, at time.Time) (s snapshot, err error) {
	select {
	case <-ctx.Done():
		return s, context.Cause(ctx)
	case <-time.After(time.Until(at)):
	}
	if s.nodes, err = usage(n.nodes); err != nil {
		return s, err
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return s, err
	}
	s.generator = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	return s, nil
}

// minus is what was used in between; memory is that at the end.
func (s snapshot) minus(before snapshot) snapshot {
	s.nodes.cpu -= before.nodes.cpu
	s.generator -= before.generator
	return s
}
