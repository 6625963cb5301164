package gossip

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// slowFor is how long a peer that another one overtook is asked after the others: lines recover.
	slowFor = 30 * time.Second
	// maxSlow is how many such peers are remembered: more than are ever connected.
	maxSlow = 4096
)

// slowness remembers which peers did not answer in time. That is no fault, but whoever asks much loses by it each time.
type slowness struct {
	mu    sync.Mutex
	until map[peer.ID]time.Time
}

func newSlowness() *slowness { return &slowness{until: make(map[peer.ID]time.Time)} }

// note remembers peers that were asked first and answered after another, or not at all.
func (s *slowness) note(peers []peer.ID) {
	if len(peers) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.until)+len(peers) > maxSlow {
		clear(s.until)
	}
	for _, p := range peers {
		s.until[p] = time.Now().Add(slowFor)
	}
}

func (s *slowness) slow(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.until[p]
	if ok && time.Now().After(until) {
		delete(s.until, p)
		return false
	}
	return ok
}
