package chain

import (
	"context"
	"fmt"
	"time"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// IsLevel reports whether the peers that were asked last had no newer header than the head.
func (c *Chain) IsLevel() bool { return c.level.Load() != 0 }

// LevelFor is since how long that is so; 0: it is not.
func (c *Chain) LevelFor() time.Duration {
	since := c.level.Load()
	if since == 0 {
		return 0
	}
	return time.Since(time.Unix(0, since))
}

func (c *Chain) noteLevel(level bool) {
	switch {
	case level == c.IsLevel():
	case level:
		c.level.Store(time.Now().UnixNano())
		c.signals.notify()
	default:
		c.level.Store(0)
		c.signals.notify()
	}
}

// HoldsBodies reports whether no bodies are fetched yet, by Config.HoldBodies.
func (c *Chain) HoldsBodies() bool {
	if c.held == nil {
		return false
	}
	select {
	case <-c.held:
		return false
	default:
		return true
	}
}

// FetchBodies ends Config.HoldBodies. It may be called again.
func (c *Chain) FetchBodies() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		return
	}
	select {
	case <-c.held:
	default:
		close(c.held)
	}
}

// PauseBodies keeps Run from beginning to fetch bodies, or lets it go on: for times when the disk is short.
func (c *Chain) PauseBodies(paused bool) {
	if c.paused.Swap(paused) == paused || paused {
		return
	}
	select {
	case c.resumed <- struct{}{}:
	default:
	}
}

// awaitRelease waits for FetchBodies, if bodies are held.
func (c *Chain) awaitRelease(ctx context.Context) error {
	if c.held == nil {
		return nil
	}
	select {
	case <-c.held:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// SkipBodies says that no body up to a height is needed here, because the state after it is here without them. They count as
// pruned; those that are here are removed.
func (c *Chain) SkipBodies(upTo types.Height) error {
	c.write.Lock()
	defer c.write.Unlock()
	p := c.progress
	if upTo > p.head {
		return fmt.Errorf("bodies up to %d, the head is %d: %w", upTo, p.head, ErrUnknown)
	}
	if upTo <= p.pruned {
		return nil
	}
	removed, err := c.bytesBelow(p, upTo)
	if err != nil {
		return err
	}
	batch := c.store.Batch()
	batch.DeleteRange(store.SpaceBodies, store.BigEndian(p.pruned+1), store.BigEndian(upTo+1))
	batch.DeleteRange(store.SpaceOpenings, store.BigEndian(p.pruned+1), store.BigEndian(upTo+1))
	p.pruned, p.released, p.bodies = upTo, max(p.released, upTo), max(p.bodies, upTo)
	p.bodyBytes -= min(p.bodyBytes, removed)
	if err := c.advanceBodies(&p, nil); err != nil {
		return err
	}
	batch.Set(store.SpaceMeta, progressKey, p.encode())
	if err := batch.Commit(store.Synced); err != nil {
		return err
	}
	c.mu.Lock()
	c.progress = p
	c.mu.Unlock()
	c.signals.notify()
	return nil
}

// bytesBelow counts the stored bodies that SkipBodies removes.
func (c *Chain) bytesBelow(p progress, upTo types.Height) (bytes uint64, err error) {
	those := store.Range{From: store.BigEndian(p.pruned + 1), To: store.BigEndian(upTo + 1)}
	err = c.store.Scan(store.SpaceBodies, those, func(_, data []byte) error {
		bytes += uint64(len(data))
		return nil
	})
	return bytes, err
}
