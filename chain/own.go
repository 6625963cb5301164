package chain

import (
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// AddOwn stores a block that the own sequencer closed: when it returns nil, header and data are on disk, and the header
// may be signed. Adding it again is nil; another header at the height is ErrOwn (C6), or a *ConflictError if the
// height is certified already. block is the encoding of data.
func (c *Chain) AddOwn(header types.Header, data []byte, block *coding.Block) error {
	if header.Network != c.network || header.Height == 0 || uint64(len(data)) != header.DataLength ||
		types.Hash(block.Commitment()) != header.Commitment || block.Params().Length != header.DataLength {
		return fmt.Errorf("own block %d: header and data do not belong together: %w", header.Height, ErrBody)
	}
	c.write.Lock()
	defer c.write.Unlock()
	if err := c.Err(); err != nil {
		return err
	}
	if known, certified := c.certifiedOrPending(header.Height); certified {
		if known.Header.Digest() != header.Digest() {
			conflict := &ConflictError{Kind: ConflictOwn, Known: types.CertifiedHeader{Header: header}, Other: known}
			return errors.Join(conflict, c.stop(conflict))
		}
		if header.Height <= c.progress.head && (header.Height <= c.progress.pruned || c.bodyStored(&header)) {
			return nil
		}
	}
	batch := c.store.Batch()
	if header.Height > c.progress.head {
		known, err := c.readOwn(header.Height)
		if err == nil && known.Digest() != header.Digest() {
			return fmt.Errorf("block %d: %w: %s before, %s now; nothing is signed: stop this node and report it", header.Height, ErrOwn, known.Digest(), header.Digest())
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrUnknown) {
			return err
		}
		batch.Set(store.SpaceOwn, store.BigEndian(header.Height), header.Encode())
	}
	return c.putBody(batch, &header, data, block)
}

// OwnHeader returns the header of a height that is certified, or that the own sequencer closed: what a sequencer that
// replays its log closed there before.
func (c *Chain) OwnHeader(h types.Height) (types.Header, bool) {
	header, err := c.anyHeader(h)
	return header, err == nil
}

// anyHeader is the certified header of a height, or else the own one.
func (c *Chain) anyHeader(h types.Height) (types.Header, error) {
	if ch, ok := c.Header(h); ok {
		return ch.Header, nil
	}
	header, err := c.readOwn(h)
	if errors.Is(err, ErrUnknown) {
		if ch, ok := c.Header(h); ok { // it was certified in between
			return ch.Header, nil
		}
	}
	return header, err
}

// readOwn reads the header that the own sequencer closed at a height and that is not certified yet.
func (c *Chain) readOwn(h types.Height) (types.Header, error) {
	encoded, err := c.store.Get(store.SpaceOwn, store.BigEndian(h))
	if errors.Is(err, store.ErrNotFound) {
		return types.Header{}, fmt.Errorf("header %d: %w", h, ErrUnknown)
	}
	if err != nil {
		return types.Header{}, err
	}
	header, err := types.DecodeHeader(encoded)
	if err != nil {
		return types.Header{}, fmt.Errorf("stored own header %d: %w: %w", h, store.ErrBroken, err)
	}
	return *header, nil
}

// certifiedOrPending finds a certified header of a height, stored or waiting. It is called under write.
func (c *Chain) certifiedOrPending(h types.Height) (types.CertifiedHeader, bool) {
	if ch, ok := c.Header(h); ok {
		return ch, true
	}
	ch, ok := c.pending[h]
	return ch, ok
}
