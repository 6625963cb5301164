package chain

import (
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// BodiesHead is the height up to which every body was stored: what execution can apply. It never falls.
func (c *Chain) BodiesHead() types.Height {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.progress.bodies
}

// PrunedHeight is the height up to which bodies were pruned.
func (c *Chain) PrunedHeight() types.Height {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.progress.pruned
}

// HasBody reports whether Body would find the data of a block.
func (c *Chain) HasBody(h types.Height) bool {
	header, err := c.anyHeader(h)
	if err != nil || h <= c.PrunedHeight() {
		return false
	}
	return c.bodyStored(&header)
}

func (c *Chain) bodyStored(header *types.Header) bool {
	if header.DataLength == 0 {
		return true
	}
	there, err := c.store.Has(store.SpaceBodies, store.BigEndian(header.Height))
	return err == nil && there
}

// AddBody stores the data of the block at a height whose certified header is here, if the data is what the header
// commits to: else ErrBody, the sender's lie. ErrUnknown: no header there yet. Data that is here or was pruned is nil.
func (c *Chain) AddBody(h types.Height, data []byte) error {
	ch, ok := c.Header(h)
	if !ok {
		return fmt.Errorf("header of block %d: %w", h, ErrUnknown)
	}
	if h <= c.PrunedHeight() || c.bodyStored(&ch.Header) {
		return nil
	}
	block, err := encodeFor(&ch.Header, data)
	if err != nil {
		return err
	}
	c.write.Lock()
	defer c.write.Unlock()
	return c.putBody(c.store.Batch(), &ch.Header, data, block)
}

// CheckBody holds data against the header's length and commitment.
func CheckBody(header *types.Header, data []byte) error {
	_, err := encodeFor(header, data)
	return err
}

// encodeFor encodes data and compares it with the header.
func encodeFor(header *types.Header, data []byte) (*coding.Block, error) {
	if uint64(len(data)) != header.DataLength {
		return nil, fmt.Errorf("block %d: %d bytes of data, the header says %d: %w", header.Height, len(data), header.DataLength, ErrBody)
	}
	block, err := coding.Encode(data)
	if err != nil {
		return nil, fmt.Errorf("block %d: %w: %w", header.Height, ErrBody, err)
	}
	if types.Hash(block.Commitment()) != header.Commitment {
		return nil, fmt.Errorf("block %d: data has commitment %x, the header says %s: %w", header.Height, block.Commitment(), header.Commitment, ErrBody)
	}
	return block, nil
}

// putBody commits batch together with a checked body. It is called under write.
func (c *Chain) putBody(batch *store.Batch, header *types.Header, data []byte, block *coding.Block) error {
	p := c.progress
	if h := header.Height; h > p.pruned && len(data) > 0 && !c.bodyStored(header) {
		opening, err := block.Opening().MarshalBinary()
		if err != nil {
			return fmt.Errorf("opening of block %d: %w", h, err)
		}
		batch.Set(store.SpaceBodies, store.BigEndian(h), data)
		batch.Set(store.SpaceOpenings, store.BigEndian(h), opening)
		p.bodyBytes += uint64(len(data))
	}
	if header.Height == p.bodies+1 && header.Height <= p.head {
		p.bodies++
		if err := c.advanceBodies(&p, nil); err != nil {
			return err
		}
	}
	batch.Set(store.SpaceMeta, progressKey, p.encode())
	if err := batch.Commit(store.Synced); err != nil {
		return err
	}
	c.blocks.add(header.Height, block)
	c.mu.Lock()
	c.progress = p
	c.mu.Unlock()
	c.signals.notify()
	return nil
}

// advanceBodies moves p.bodies over the bodies that are here. staged are headers on their way to the disk.
func (c *Chain) advanceBodies(p *progress, staged map[types.Height]types.CertifiedHeader) error {
	for p.bodies < p.head {
		ch, ok := staged[p.bodies+1]
		if !ok {
			var err error
			if ch, err = c.readHeader(p.bodies + 1); err != nil {
				return err
			}
		}
		if !c.bodyStored(&ch.Header) {
			return nil
		}
		p.bodies++
	}
	return nil
}

// Body returns the data of a block, certified or closed by the own sequencer; ErrUnknown if it is not here or pruned.
func (c *Chain) Body(h types.Height) ([]byte, error) {
	header, err := c.anyHeader(h)
	if err != nil {
		return nil, err
	}
	if header.DataLength == 0 {
		return []byte{}, nil
	}
	data, err := c.store.Get(store.SpaceBodies, store.BigEndian(h))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("body of block %d: %w", h, ErrUnknown)
	}
	return data, err
}

// Opening returns what a verifier of the block's shards needs; errors as Body.
func (c *Chain) Opening(h types.Height) (coding.Opening, error) {
	header, err := c.anyHeader(h)
	if err != nil {
		return coding.Opening{}, err
	}
	params, err := coding.ParamsFor(header.DataLength)
	if err != nil {
		return coding.Opening{}, fmt.Errorf("block %d: %w", h, err)
	}
	if params.K == 0 {
		return coding.Opening{}, nil
	}
	encoded, err := c.store.Get(store.SpaceOpenings, store.BigEndian(h))
	if errors.Is(err, store.ErrNotFound) {
		return coding.Opening{}, fmt.Errorf("opening of block %d: %w", h, ErrUnknown)
	}
	if err != nil {
		return coding.Opening{}, err
	}
	return coding.UnmarshalOpening(encoded, params)
}

// Block returns the encoded block, from memory or encoded again; errors as Body, or store.ErrBroken if the stored data
// is no longer what it was.
func (c *Chain) Block(h types.Height) (*coding.Block, error) {
	return c.blocks.get(h, func() (*coding.Block, error) {
		data, err := c.Body(h)
		if err != nil {
			return nil, err
		}
		header, err := c.anyHeader(h)
		if err != nil {
			return nil, err
		}
		if len(data) == 0 {
			return coding.Encode(nil)
		}
		block, err := encodeFor(&header, data)
		if err != nil {
			return nil, fmt.Errorf("stored %w: %w", err, store.ErrBroken)
		}
		return block, nil
	})
}
