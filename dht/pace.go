package dht

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// firstPatience is how long a dial or an answer may take before anything was measured: two round trips across an ocean.
	firstPatience = 250 * time.Millisecond
	minPatience   = 40 * time.Millisecond
	maxPatience   = 2 * time.Second
	// doubtTime is how long a server that took longer than others had patience for is asked after the others.
	doubtTime = 2 * time.Minute
	// maxDoubts bounds the memory for doubted servers.
	maxDoubts = 4096
)

// pace knows how long other peers take, and which of them took too long. It is safe for concurrent use.
type pace struct {
	mu      sync.Mutex
	dials   timing
	answers timing
	doubts  map[peer.ID]time.Time // until when
}

// timing is a running mean with its deviation, weighted as TCP weighs round trips (RFC 6298).
type timing struct {
	mean, deviation time.Duration
	measured        bool
}

func (t *timing) add(took time.Duration) {
	if !t.measured {
		*t = timing{took, took / 2, true}
		return
	}
	t.deviation += ((took - t.mean).Abs() - t.deviation) / 4
	t.mean += (took - t.mean) / 8
}

// patience is when something that was not heard of yet is late.
func (t *timing) patience() time.Duration {
	if !t.measured {
		return firstPatience
	}
	return min(max(t.mean*3/2+2*t.deviation, minPatience), maxPatience)
}

func newPace() *pace { return &pace{doubts: make(map[peer.ID]time.Time)} }

// dialled notes that reaching p took so long.
func (c *pace) dialled(took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dials.add(took)
}

// answered notes that p's answer took so long to begin.
func (c *pace) answered(p peer.ID, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers.add(took)
	delete(c.doubts, p)
}

// patience is how long a dial and how long an answer may take before somebody else is tried too.
func (c *pace) patience() (dial, answer time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dials.patience(), c.answers.patience()
}

// doubt notes that p was late or could not be reached. When the memory is full, any one entry makes room.
func (c *pace) doubt(p peer.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.doubts) >= maxDoubts {
		for other := range c.doubts {
			delete(c.doubts, other)
			break
		}
	}
	c.doubts[p] = time.Now().Add(doubtTime)
}

// doubtful reports whether p was late of late.
func (c *pace) doubtful(p peer.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, ok := c.doubts[p]
	if ok && time.Now().After(until) {
		delete(c.doubts, p)
		return false
	}
	return ok
}
