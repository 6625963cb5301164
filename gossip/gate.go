package gossip

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/gossip/internal/bucket"
)

// Bounds of what is served at once.
const (
	// maxServing bounds the requests of all strangers together, and with it the memory of their answers.
	maxServing = 128
	// maxServingPeer is for one peer; members get four times as many, since they fetch vertices and rows in parallel.
	maxServingPeer = 8
	// memberFactor is by how much a member's rates are above a stranger's: it serves as many itself.
	memberFactor = 16
	// maxGated bounds the peers remembered: more than are ever connected.
	maxGated = 4096
)

// gate limits what is served to each peer: requests at once, requests a second, bytes a second.
type gate struct {
	requests, bytes bucket.Rate
	member          func(peer.ID) bool

	mu      sync.Mutex
	serving int
	peers   map[peer.ID]*visitor
}

type visitor struct {
	serving         int
	requests, bytes bucket.Bucket
}

func newGate(requests, bytes float64, member func(peer.ID) bool) *gate {
	return &gate{
		requests: bucket.Rate{PerSecond: requests, Burst: 4 * requests},
		bytes:    bucket.Rate{PerSecond: bytes, Burst: 4 * bytes},
		member:   member,
		peers:    make(map[peer.ID]*visitor),
	}
}

func (g *gate) rates(p peer.ID) (requests, bytes bucket.Rate, atOnce int) {
	if !g.member(p) {
		return g.requests, g.bytes, maxServingPeer
	}
	scale := func(r bucket.Rate) bucket.Rate {
		return bucket.Rate{PerSecond: memberFactor * r.PerSecond, Burst: memberFactor * r.Burst}
	}
	return scale(g.requests), scale(g.bytes), 4 * maxServingPeer
}

// enter lets a request in, or not. Whoever was let in must leave.
func (g *gate) enter(p peer.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	v := g.peers[p]
	if v == nil {
		if len(g.peers) >= maxGated && !g.forget(now) {
			return false
		}
		v = new(visitor)
		g.peers[p] = v
	}
	requests, bytes, atOnce := g.rates(p)
	if g.serving >= maxServing && !g.member(p) || v.serving >= atOnce || !v.bytes.Spend(now, 0, bytes) || !v.requests.Spend(now, 1, requests) {
		return false
	}
	g.serving++
	v.serving++
	return true
}

// leave ends a request that was answered with n bytes.
func (g *gate) leave(p peer.ID, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.serving--
	if v := g.peers[p]; v != nil {
		_, bytes, _ := g.rates(p)
		v.serving--
		v.bytes.Owe(time.Now(), float64(n), bytes)
	}
}

// forget removes the peers whose limits are untouched and reports whether there were any.
func (g *gate) forget(now time.Time) bool {
	before := len(g.peers)
	for p, v := range g.peers {
		requests, bytes, _ := g.rates(p)
		if v.serving == 0 && v.requests.Full(now, requests) && v.bytes.Full(now, bytes) {
			delete(g.peers, p)
		}
	}
	return len(g.peers) < before
}
