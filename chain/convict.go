package chain

import (
	"errors"
	"fmt"
	"time"

	"github.com/etherscale/bedrock/types"
)

// Convict ends following, for good, because of what a challenge proved: that a quorum certified two headers of one height, or
// a mis-encoded block. The caller has verified the proof and its certificates. nil: the chain is stopped, by this proof or by
// one before it. ErrOld: a header is not of this chain and its signers' stake may be free again, so nothing is proven (C4).
func (c *Chain) Convict(e *ConflictError) error {
	c.write.Lock()
	defer c.write.Unlock()
	if errors.Is(c.Err(), ErrConflict) {
		return nil
	}
	for _, h := range []*types.Header{&e.Known.Header, &e.Other.Header} {
		if !c.answersFor(h) {
			return fmt.Errorf("header %d: %w", h.Height, ErrOld)
		}
	}
	return c.stop(e)
}

// answersFor reports whether those who signed a header can still be held to it: it is the one stored here, or its stake is
// bonded, by the newest header's time and by the clock.
func (c *Chain) answersFor(h *types.Header) bool {
	if known, ok := c.Header(h.Height); ok && known.Header.Digest() == h.Digest() {
		return true
	}
	newest := c.Head().Header.Time
	return c.Fresh(time.Now()) == nil && (h.Time >= newest || uint64(newest-h.Time) <= c.cfg.Genesis.UnbondingDelay)
}

// Sound is the height up to which nothing contradicts the chain: the head's, or the one before the first header that proves
// a quorum corrupt.
func (c *Chain) Sound() types.Height {
	c.mu.RLock()
	defer c.mu.RUnlock()
	head := c.head.Header.Height
	var conflict *ConflictError
	if errors.As(c.stopped, &conflict) && conflict.Other.Header.Height <= head {
		return max(conflict.Other.Header.Height, 1) - 1
	}
	return head
}
