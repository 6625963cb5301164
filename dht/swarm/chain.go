package swarm

import (
	"sync"

	"github.com/etherscale/bedrock/types"
)

// Chain is the chain of certified headers, which everybody of a network sees at once. It implements dht.Headers and
// sampling.Headers.
type Chain struct {
	committee *types.Committee // of every epoch

	mu      sync.Mutex
	headers []types.CertifiedHeader // of heights 1, 2, ...
	heights map[types.Hash]types.Height
	subs    map[chan struct{}]struct{}
}

func newChain(c *types.Committee) *Chain {
	return &Chain{committee: c, heights: make(map[types.Hash]types.Height), subs: make(map[chan struct{}]struct{})}
}

// add appends a header, which must be the next.
func (c *Chain) add(ch types.CertifiedHeader) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = append(c.headers, ch)
	c.heights[ch.Header.Commitment] = ch.Header.Height
	for s := range c.subs {
		select {
		case s <- struct{}{}:
		default:
		}
	}
}

// HeaderByCommitment implements dht.Headers.
func (c *Chain) HeaderByCommitment(h types.Hash) (types.CertifiedHeader, bool) {
	c.mu.Lock()
	height := c.heights[h]
	c.mu.Unlock()
	return c.Header(height)
}

// Committee implements dht.Headers.
func (c *Chain) Committee(types.Epoch) (*types.Committee, bool) { return c.committee, true }

// Head is the newest header, or one of height 0.
func (c *Chain) Head() types.CertifiedHeader {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.headers) == 0 {
		return types.CertifiedHeader{}
	}
	return c.headers[len(c.headers)-1]
}

// Header implements sampling.Headers.
func (c *Chain) Header(h types.Height) (types.CertifiedHeader, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h < 1 || h > types.Height(len(c.headers)) {
		return types.CertifiedHeader{}, false
	}
	return c.headers[h-1], true
}

// First implements sampling.Headers.
func (c *Chain) First() types.Height { return 1 }

// Subscribe implements sampling.Headers.
func (c *Chain) Subscribe() (signal <-chan struct{}, cancel func()) {
	s := make(chan struct{}, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subs[s] = struct{}{}
	return s, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.subs, s)
	}
}

// single is a chain of which one header is all there is to sample.
type single struct {
	*Chain
	header types.CertifiedHeader
}

// Head implements sampling.Headers.
func (s single) Head() types.CertifiedHeader { return s.header }

// First implements sampling.Headers.
func (s single) First() types.Height { return s.header.Header.Height }
