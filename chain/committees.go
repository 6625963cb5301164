package chain

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// Committee returns the committee of an epoch, as far as headers have named it.
func (c *Chain) Committee(e types.Epoch) (*types.Committee, bool) {
	c.mu.RLock()
	committee, ok := c.committees[e]
	c.mu.RUnlock()
	if ok {
		return committee, true
	}
	committee, err := c.loadCommittee(e)
	if err != nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.committees[e] = committee
	return committee, true
}

// loadCommittee reads the committee of an epoch after 0 from the header that named it.
func (c *Chain) loadCommittee(e types.Epoch) (*types.Committee, error) {
	last, err := c.lastBefore(e)
	if err != nil {
		return nil, err
	}
	return types.NewCommittee(last.Next.Committee)
}

// lastBefore reads the last header of the epoch before e.
func (c *Chain) lastBefore(e types.Epoch) (*types.Header, error) {
	value, err := c.store.Get(store.SpaceMeta, epochKey(e))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("committee of epoch %d: %w", e, ErrUnknown)
	}
	if err != nil {
		return nil, err
	}
	if len(value) != 8 {
		return nil, fmt.Errorf("chain: epoch record of %d bytes: %w", len(value), store.ErrBroken)
	}
	ch, err := c.readHeader(types.Height(binary.BigEndian.Uint64(value)))
	if err != nil {
		return nil, err
	}
	if ch.Header.Next == nil {
		return nil, fmt.Errorf("chain: header %d names no committee for epoch %d: %w", ch.Header.Height, e, store.ErrBroken)
	}
	return &ch.Header, nil
}

// rulesOf is the version of the rules in an epoch that has been named.
func (c *Chain) rulesOf(e types.Epoch) (uint64, error) {
	if e == 0 {
		return c.cfg.Genesis.RuleVersion, nil
	}
	last, err := c.lastBefore(e)
	if err != nil {
		return 0, err
	}
	return last.Next.RuleVersion, nil
}

// Epoch is the newest epoch whose committee is known: that of the header after the head.
func (c *Chain) Epoch() types.Epoch {
	head := c.Head()
	return nextEpoch(&head.Header)
}

// Origin is the header that an epoch begins after: the genesis header, or the last one of the epoch before, as far as that
// is certified.
func (c *Chain) Origin(e types.Epoch) (types.Header, bool) {
	if e == 0 {
		return c.genesis, true
	}
	last, err := c.lastBefore(e)
	if err != nil {
		return types.Header{}, false
	}
	return *last, true
}
