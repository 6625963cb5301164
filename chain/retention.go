package chain

import (
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// pruneStep bounds the bodies pruned by one call, to keep its batch small.
const pruneStep = 256

// ReleaseBodies says that this node needs no body up to a height itself: execution has them applied and on disk. Released
// bodies are pruned when they are older than the network's retention, or the oldest when the bodies take more than
// Config.BodyBudget. A node that never calls it keeps everything.
func (c *Chain) ReleaseBodies(upTo types.Height) error {
	c.write.Lock()
	defer c.write.Unlock()
	p := c.progress
	if upTo > p.bodies {
		upTo = p.bodies
	}
	if upTo < p.released {
		upTo = p.released
	}
	p.released = upTo
	batch := c.store.Batch()
	for range pruneStep {
		ch, err := c.expired(p)
		if err != nil {
			return err
		}
		if ch == nil {
			break
		}
		p.pruned++
		p.bodyBytes -= min(p.bodyBytes, ch.Header.DataLength)
		batch.Delete(store.SpaceBodies, store.BigEndian(p.pruned))
		batch.Delete(store.SpaceOpenings, store.BigEndian(p.pruned))
	}
	if p == c.progress {
		return nil
	}
	batch.Set(store.SpaceMeta, progressKey, p.encode())
	if err := batch.Commit(store.Unsynced); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress = p
	return nil
}

// SetBodyBudget changes Config.BodyBudget; it holds from the next ReleaseBodies on.
func (c *Chain) SetBodyBudget(bytes uint64) {
	c.write.Lock()
	defer c.write.Unlock()
	c.cfg.BodyBudget = bytes
}

// expired returns the header of the oldest body if that is to be pruned, else nil.
func (c *Chain) expired(p progress) (*types.CertifiedHeader, error) {
	if p.pruned >= p.released {
		return nil, nil
	}
	ch, err := c.readHeader(p.pruned + 1)
	if err != nil {
		return nil, err
	}
	old := c.head.Header.Time-ch.Header.Time > types.Time(c.cfg.Genesis.Retention)
	if old || (c.cfg.BodyBudget > 0 && p.bodyBytes > c.cfg.BodyBudget) {
		return &ch, nil
	}
	return nil, nil
}
