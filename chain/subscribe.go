package chain

import "sync"

// signals wakes subscribers. A subscriber that is not listening misses nothing: one signal stays waiting for it.
type signals struct {
	mu   sync.Mutex
	subs map[chan struct{}]struct{}
}

// Subscribe returns a channel that gets a signal after a new head, a new body or a conflict. Signals are merged: after
// each one, read by height what is new. cancel ends it; the channel is never closed.
func (c *Chain) Subscribe() (signal <-chan struct{}, cancel func()) { return c.signals.subscribe() }

func (s *signals) subscribe() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subs == nil {
		s.subs = make(map[chan struct{}]struct{})
	}
	s.subs[ch] = struct{}{}
	return ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subs, ch)
	}
}

func (s *signals) notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.subs {
		wake(ch)
	}
}

// wake leaves a signal in a channel of capacity 1, unless one waits there already.
func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
