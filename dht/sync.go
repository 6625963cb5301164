package dht

import (
	"context"
	"sync"

	ds "github.com/ipfs/go-datastore"
)

// groupSync makes writes durable before they are acknowledged. Those who ask while a sync runs share the next one, so
// however many offers end together, the disk sees two syncs at most.
type groupSync struct {
	store ds.Datastore

	mu      sync.Mutex
	running bool
	next    *syncRound // the round that asks made now will join
}

type syncRound struct {
	done chan struct{}
	err  error
}

// wait returns when everything written before the call is durable.
func (g *groupSync) wait(ctx context.Context) error {
	g.mu.Lock()
	if g.running {
		round := g.next
		if round == nil {
			round = &syncRound{done: make(chan struct{})}
			g.next = round
		}
		g.mu.Unlock()
		<-round.done
		return round.err
	}
	g.running = true
	g.mu.Unlock()
	err := g.store.Sync(ctx, ds.NewKey("/"))
	g.handOver()
	return err
}

// handOver runs the rounds that others wait for, until nobody waits. Their contexts are their own: a sync is not
// stopped half-way.
func (g *groupSync) handOver() {
	g.mu.Lock()
	round := g.next
	g.next = nil
	if round == nil {
		g.running = false
		g.mu.Unlock()
		return
	}
	g.mu.Unlock()
	go func() {
		round.err = g.store.Sync(context.Background(), ds.NewKey("/"))
		close(round.done)
		g.handOver()
	}()
}
