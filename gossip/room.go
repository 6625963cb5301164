package gossip

import (
	"context"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// maxAsking bounds the large requests under way to one peer: it serves a stranger maxServingPeer at once, and small
// questions go beside them.
const maxAsking = maxServingPeer - 2

// room counts the large requests under way to each peer. Who asks for much at once spreads it over all peers, and waits for
// the only one rather than be told that it is busy.
type room struct {
	mu    sync.Mutex
	under map[peer.ID]int
	freed chan struct{} // closed when a request ends, then replaced
}

func newRoom() *room { return &room{under: make(map[peer.ID]int), freed: make(chan struct{})} }

// enter waits for room at a peer; whoever entered must leave. The error is ctx's.
func (r *room) enter(ctx context.Context, p peer.ID) error {
	for {
		r.mu.Lock()
		freed := r.freed
		if r.under[p] < maxAsking {
			r.under[p]++
			r.mu.Unlock()
			return nil
		}
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-freed:
		}
	}
}

func (r *room) leave(p peer.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.under[p]--; r.under[p] == 0 {
		delete(r.under, p)
	}
	close(r.freed)
	r.freed = make(chan struct{})
}

func (r *room) full(p peer.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.under[p] >= maxAsking
}
