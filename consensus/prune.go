package consensus

import "github.com/etherscale/bedrock/types"

// keepBelow is how many rounds below the horizon stay in memory, so that the rules about the times of strong parents
// can be checked for vertices that are still needed.
const keepBelow = 8

// horizonMoved follows a rise of the lowest undecided round: what lies below the horizon now is neither waited for nor
// kept.
func (c *Core) horizonMoved() {
	c.arrived(c.wants.belowHorizon(c.dag.needed))
	for a := 0; a < c.n; a++ {
		waiting := append([]*suspended(nil), c.wants.waiting[types.Member(a)]...)
		for _, s := range waiting {
			if !c.dag.needed(s.v.Round()) {
				c.discard(s)
			}
		}
	}
	for c.dag.base+Horizon+keepBelow <= c.dag.current {
		c.dropRound(c.dag.rounds[0])
	}
	if c.started && !c.ended() && c.dag.current >= c.swept+Horizon {
		c.swept = c.dag.current
		c.sweep()
	}
}

// dropRound forgets the lowest round. Own receipts in it that never came into the sequence are lost: they are to be
// listed again, like its signatures and verdicts.
func (c *Core) dropRound(rs *roundSlots) {
	for a := range rs.slots {
		for _, n := range rs.slots[a].candidates {
			if c.member && n.ref.Author == c.self && !n.appended {
				c.certs.relist(n.v.Body().HeaderSignatures, c.seals.height)
				c.verdictsLost(n.ref.Digest)
				for _, b := range n.batches {
					if c.fair.live[b.id] == nil {
						c.forget(b.id)
					}
				}
			}
			delete(c.dag.byDigest, n.ref.Digest)
			n.others, n.weak, n.batches, n.certifiers = nil, nil, nil, nil
		}
	}
	c.dag.rounds[0] = nil
	c.dag.rounds = c.dag.rounds[1:]
	c.dag.base++
}

// sweep forgets bodies whose receipts all fell below the horizon without coming into the sequence. Each is judged by
// itself, so the order of the map does not matter.
func (c *Core) sweep() {
	for id, b := range c.batches {
		if b.queued || b.unreferenced() || c.dag.needed(b.lastRound) || c.fair.live[id] != nil {
			continue
		}
		if c.fair.done.by[id] != waiting {
			c.deleteBatch(b)
		}
	}
}
