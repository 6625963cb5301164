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
	return types.NewCommittee(ch.Header.Next.Committee)
}
