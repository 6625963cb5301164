package sequencer

import "sync"

// mailbox passes results to the loop without ever making the sender wait. It has no cap of its own: what it holds is
// bounded by the work under way, each piece of which the loop has ordered.
type mailbox[T any] struct {
	signal chan struct{} // capacity 1: something is there
	mu     sync.Mutex
	items  []T
}

func newMailbox[T any]() *mailbox[T] { return &mailbox[T]{signal: make(chan struct{}, 1)} }

func (m *mailbox[T]) put(item T) {
	m.mu.Lock()
	m.items = append(m.items, item)
	m.mu.Unlock()
	select {
	case m.signal <- struct{}{}:
	default:
	}
}

func (m *mailbox[T]) take() []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items = nil
	return items
}

func (m *mailbox[T]) length() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.items)
}
