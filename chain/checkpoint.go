package chain

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// anchorReminder is how often a node says that it still waits for its checkpoint's header.
const anchorReminder = 30 * time.Second

// Fresh is ErrStale if the newest header known here is older than stake stays bonded: what its committee signs now, and
// what follows from it, is worth nothing (weak subjectivity). A checkpoint above the head vouches for the way up to
// itself; it counts when its header is here.
func (c *Chain) Fresh(now time.Time) error {
	c.mu.RLock()
	newest, pin := c.head.Header, c.pin
	c.mu.RUnlock()
	if checkpoint := c.cfg.Checkpoint; checkpoint != nil && newest.Height < checkpoint.Height {
		if pin == nil {
			return nil
		}
		newest = *pin
	}
	bonded := time.Duration(c.cfg.Genesis.UnbondingDelay) * time.Microsecond
	age := now.Sub(newest.Time.Std())
	if age <= bonded {
		return nil
	}
	return fmt.Errorf("%w: it is block %d of %s, %s ago, and stake stays bonded for %s; get the checkpoint of a recent epoch from somebody you trust (`bedrock checkpoint` prints it) and start with --checkpoint HEIGHT:DIGEST; if it is not that old, set this machine's clock",
		ErrStale, newest.Height, newest.Time.Std().UTC().Format(time.RFC3339), age.Round(time.Minute), bonded.Round(time.Minute))
}

// First is the lowest height from which on every certified header up to the head is here: 1, or the one after the
// checkpoint where a light client began.
func (c *Chain) First() types.Height {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.base + 1
}

// restoreCheckpoint reads where the chain began, and compares the stored header with the checkpoint of the configuration.
func (c *Chain) restoreCheckpoint() error {
	value, err := c.store.Get(store.SpaceMeta, baseKey)
	switch {
	case err == nil && len(value) == 8:
		c.base = types.Height(binary.BigEndian.Uint64(value))
	case err == nil:
		return fmt.Errorf("chain: base record of %d bytes: %w", len(value), store.ErrBroken)
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	checkpoint := c.cfg.Checkpoint
	if checkpoint == nil || checkpoint.Height > c.progress.head || checkpoint.Height < c.base {
		return nil
	}
	ch, err := c.readHeader(checkpoint.Height)
	if err != nil {
		return err
	}
	return checkpointError(checkpoint, &ch.Header)
}

// checkpointError is nil if the header is the one that the checkpoint names.
func checkpointError(checkpoint *types.Checkpoint, h *types.Header) error {
	if h.Height != checkpoint.Height || h.Digest() == checkpoint.Digest {
		return nil
	}
	return fmt.Errorf("%w: the header here at height %d is %s, the checkpoint says %s; compare the checkpoint with several people you trust: if it is right, remove the data directory and join by other nodes",
		ErrCheckpoint, h.Height, h.Digest(), checkpoint.Digest)
}

// unanchored reports whether nothing can be taken yet: the checkpoint's header is not here.
func (c *Chain) unanchored() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.cfg.Checkpoint != nil && c.pin == nil && c.head.Header.Height < c.cfg.Checkpoint.Height
}

// anchor fetches the header that the checkpoint names, by its digest, from whoever has it. A light client begins there:
// the header names the committee of what follows. Others need every block, so they follow from where they are, and the
// header at that height must be this one.
func (c *Chain) anchor(ctx context.Context) error {
	wait, reminded := c.cfg.Retry, time.Now()
	for c.unanchored() {
		ch, err := c.fetchAnchor(ctx)
		if err == nil {
			return c.settleOn(ch)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.cfg.Logger.Debug("checkpoint_not_fetched", "error", err)
		if time.Since(reminded) > anchorReminder {
			reminded = time.Now()
			c.cfg.Logger.Warn("still waiting for the header of the checkpoint: no peer asked has it", "checkpoint", c.cfg.Checkpoint.String(), "error", err)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, maxBackoff*c.cfg.Retry)
	}
	return nil
}

func (c *Chain) fetchAnchor(ctx context.Context) (types.CertifiedHeader, error) {
	height := c.cfg.Checkpoint.Height
	request, cancel := context.WithTimeout(ctx, c.cfg.HeadersTimeout)
	defer cancel()
	list, err := c.cfg.Peers.Headers(request, height, 1)
	if err != nil {
		return types.CertifiedHeader{}, err
	}
	if len(list) == 0 {
		return types.CertifiedHeader{}, fmt.Errorf("header %d: %w", height, ErrUnknown)
	}
	ch := list[0]
	if ch.Header.Height != height || ch.Header.Digest() != c.cfg.Checkpoint.Digest || ch.Header.Next == nil {
		if d, ok := c.cfg.Peers.(Distruster); ok {
			d.DistrustHeaders(height)
		}
		return types.CertifiedHeader{}, fmt.Errorf("a peer's header %d is %s: %w", height, ch.Header.Digest(), ErrInvalid)
	}
	return ch, nil
}

// settleOn takes the checkpoint's header for what it is.
func (c *Chain) settleOn(ch types.CertifiedHeader) error {
	c.mu.Lock()
	c.pin = &ch.Header
	c.mu.Unlock()
	if err := c.Fresh(time.Now()); err != nil || !c.cfg.HeadersOnly {
		return err
	}
	return c.beginAt(ch.Header)
}

// beginAt makes a header that the checkpoint names the head. It is kept without its certificate: nobody here can check
// that. Bodies up to it count as pruned.
func (c *Chain) beginAt(h types.Header) error {
	c.write.Lock()
	defer c.write.Unlock()
	s := newStage(c)
	at := h.Height
	s.progress = progress{head: at, bodies: at, pruned: at, released: at, bodyBytes: c.progress.bodyBytes}
	if err := s.put(types.CertifiedHeader{Header: h}); err != nil {
		return err
	}
	s.batch.Set(store.SpaceMeta, baseKey, store.BigEndian(at))
	if err := s.commit(); err != nil {
		return err
	}
	c.mu.Lock()
	c.base = at
	c.mu.Unlock()
	c.cfg.Logger.Info("following begins at the checkpoint", "height", at, "epoch", h.Epoch+1)
	return nil
}
