package dht

import (
	"context"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// maxInquiries is how many questions this node has at one peer at once. The peer refuses more than maxStreamsPerPeer, and
// counts one a moment longer than the asker does.
const maxInquiries = maxStreamsPerPeer - 1

// inquirers makes questions to one peer wait for each other. It is safe for concurrent use.
type inquirers struct {
	mu    sync.Mutex
	peers map[peer.ID]*inquirer
}

type inquirer struct {
	users int // who are in or wait
	slots chan struct{}
}

func newInquirers() *inquirers { return &inquirers{peers: make(map[peer.ID]*inquirer)} }

// take waits for a turn; done gives it back.
func (t *inquirers) take(ctx context.Context, p peer.ID) (done func(), err error) {
	t.mu.Lock()
	q := t.peers[p]
	if q == nil {
		q = &inquirer{slots: make(chan struct{}, maxInquiries)}
		t.peers[p] = q
	}
	q.users++
	t.mu.Unlock()
	select {
	case q.slots <- struct{}{}:
		return func() { <-q.slots; t.leave(p, q) }, nil
	case <-ctx.Done():
		t.leave(p, q)
		return nil, ctx.Err()
	}
}

func (t *inquirers) leave(p peer.ID, q *inquirer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if q.users--; q.users == 0 {
		delete(t.peers, p)
	}
}
