package chain

import (
	"bytes"
	"errors"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// forgetStep bounds the headers dropped by one call, to keep its batch small.
const forgetStep = 4096

// ForgetHeaders drops the headers of a light client up to a height, oldest first and at most forgetStep of them; those that name
// a committee stay. What is dropped is as if the client had leapt over it: it is not served and can be had again (FillDown). It
// returns First as it is then. Where bodies are followed nothing is dropped.
func (c *Chain) ForgetHeaders(upTo types.Height) (types.Height, error) {
	c.write.Lock()
	defer c.write.Unlock()
	first, head := c.First(), c.Head().Header.Height
	if head == 0 || !c.cfg.HeadersOnly {
		return first, nil
	}
	upTo = min(upTo, head-1, first+forgetStep-1)
	if upTo < first {
		return first, nil
	}
	batch := c.store.Batch()
	for h := first; h <= upTo; h++ {
		ch, err := c.readHeader(h)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return first, err
		}
		if ch.Header.Next == nil {
			c.dropHeader(batch, &ch.Header)
		}
	}
	p := c.progress // bodies are not looked for below: as after a leap
	p.bodies, p.pruned, p.released = max(p.bodies, upTo), max(p.pruned, upTo), max(p.released, upTo)
	batch.Set(store.SpaceMeta, progressKey, p.encode())
	batch.Set(store.SpaceMeta, baseKey, store.BigEndian(upTo))
	if err := batch.Commit(store.Unsynced); err != nil {
		return first, err
	}
	c.mu.Lock()
	c.base, c.progress = upTo, p
	c.mu.Unlock()
	return upTo + 1, nil
}

// dropHeader removes a header, and what finds it by its commitment unless that finds a newer one.
func (c *Chain) dropHeader(batch *store.Batch, h *types.Header) {
	key := store.BigEndian(h.Height)
	batch.Delete(store.SpaceHeaders, key)
	c.headers.Remove(h.Height)
	if h.DataLength == 0 {
		return
	}
	if newest, err := c.store.Get(store.SpaceCommitments, h.Commitment[:]); err == nil && bytes.Equal(newest, key) {
		batch.Delete(store.SpaceCommitments, h.Commitment[:])
	}
}
