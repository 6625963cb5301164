package gossip

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/types"
)

// link is the queue of what is to be pushed to one member. When it is full the oldest messages leave: the newest vertex
// names its ancestors, so a receiver that misses some fetches them, while a vertex it never hears of helps nobody.
type link struct {
	peer  peer.ID
	limit int           // bytes
	wake  chan struct{} // capacity 1; a signal that may be lost only when one is pending

	mu        sync.Mutex
	queue     []*types.Push
	bytes     int
	connected bool
	sent      uint64
	dropped   uint64
}

func newLink(p peer.ID, limit int) *link {
	return &link{peer: p, limit: limit, wake: make(chan struct{}, 1)}
}

// put appends p and drops from the front what no longer fits. It reports false, and takes nothing, when p alone is
// larger than the queue or empty.
func (l *link) put(p *types.Push) bool {
	size := pushSize(p)
	if size > l.limit || len(p.Vertices)+len(p.Batches) == 0 {
		return false
	}
	l.mu.Lock()
	for l.bytes+size > l.limit {
		l.bytes -= pushSize(l.queue[0])
		l.queue = l.queue[1:]
		l.dropped++
	}
	l.queue = append(l.queue, p)
	l.bytes += size
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return true
}

// head is the oldest message, or nil. It stays in the queue until sentHead: if the stream breaks it is sent again.
func (l *link) head() *types.Push {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return nil
	}
	return l.queue[0]
}

// sentHead removes p if it is still the oldest message (it may have been pushed out meanwhile).
func (l *link) sentHead(p *types.Push) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	if len(l.queue) > 0 && l.queue[0] == p {
		l.bytes -= pushSize(p)
		l.queue[0] = nil
		l.queue = l.queue[1:]
	}
}

func (l *link) setConnected(up bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connected = up
}

func (l *link) connectedNow() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.connected
}

func (l *link) stats() LinkStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return LinkStats{Peer: l.peer.String(), Connected: l.connected, Queued: l.bytes, Sent: l.sent, Dropped: l.dropped}
}

// pushSize bounds the encoded size of a push: items, their prefixes and those of the lists.
func pushSize(p *types.Push) int {
	size := 24
	for _, list := range [][][]byte{p.Batches, p.Vertices} {
		for _, item := range list {
			size += len(item) + 5
		}
	}
	return size
}

// splitPush cuts a push into messages of at most limit bytes each, in an order in which a receiver can use them: bodies
// first, then vertices as they were. An item larger than limit by itself is left out; none is, as bodies and vertices
// are bounded far below.
func splitPush(p *types.Push, limit int) []*types.Push {
	if pushSize(p) <= limit {
		return []*types.Push{p}
	}
	var parts []*types.Push
	part := &types.Push{Epoch: p.Epoch}
	flush := func(next int) {
		if pushSize(part)+next+5 > limit && len(part.Batches)+len(part.Vertices) > 0 {
			parts = append(parts, part)
			part = &types.Push{Epoch: p.Epoch}
		}
	}
	for _, b := range p.Batches {
		if len(b)+32 <= limit {
			flush(len(b))
			part.Batches = append(part.Batches, b)
		}
	}
	for _, v := range p.Vertices {
		if len(v)+32 <= limit {
			flush(len(v))
			part.Vertices = append(part.Vertices, v)
		}
	}
	if len(part.Batches)+len(part.Vertices) > 0 {
		parts = append(parts, part)
	}
	return parts
}
