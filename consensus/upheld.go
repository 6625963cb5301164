package consensus

import (
	"slices"
	"time"

	"github.com/etherscale/bedrock/types"
)

// verdictHaste is how long an own statement that is not due keeps the full pace: others that verify the challenge take
// seconds, and who never will must not keep an idle network awake.
const verdictHaste = 10 * time.Second

// ownVerdict is a challenge that this member found valid and that the sequence does not list yet.
type ownVerdict struct {
	verdict types.Verdict
	since   types.Time // local time at which the driver said so
	carried types.Hash // own vertex that states it and is not in the sequence; zero: none
}

// uphold takes a verdict of the driver. What cannot be stated, or is over, is dropped.
func (c *Core) uphold(v types.Verdict) {
	if !c.member || !v.Challenge.Valid() || c.ended() || len(c.upheld) >= maxSaid || c.verdicts.over(&v) {
		return
	}
	for _, x := range c.upheld {
		if x.verdict.Compare(&v) == 0 {
			return
		}
	}
	c.upheld = append(c.upheld, ownVerdict{verdict: v, since: c.now})
}

// ownVerdicts lists what an own vertex made now states: all that is neither counted nor on its way.
func (c *Core) ownVerdicts() []types.Verdict {
	var out []types.Verdict
	if c.ended() || c.verdicts.full() {
		return nil
	}
	for i := range c.upheld {
		x := &c.upheld[i]
		if x.carried == (types.Hash{}) && !c.verdicts.says(c.self, &x.verdict) && len(out) < types.MaxVerdicts {
			out = append(out, x.verdict)
		}
	}
	slices.SortFunc(out, func(a, b types.Verdict) int { return a.Compare(&b) })
	return out
}

// verdictsCarried notes that an accepted own vertex states some.
func (c *Core) verdictsCarried(n *node) {
	for i := range c.upheld {
		if slices.Contains(n.v.Body().Verdicts, c.upheld[i].verdict) {
			c.upheld[i].carried = n.ref.Digest
		}
	}
}

// verdictsLost takes back what an own vertex stated that left the DAG, or came into the sequence and was not counted.
func (c *Core) verdictsLost(vertex types.Hash) {
	for i := range c.upheld {
		if c.upheld[i].carried == vertex {
			c.upheld[i].carried = types.Hash{}
		}
	}
}

// countVerdicts takes what a vertex of the sequence states.
func (c *Core) countVerdicts(n *node) {
	if c.fair.excluded[n.ref.Author] {
		c.verdicts.exclude(n.ref.Author)
	} else {
		c.verdicts.count(n.ref.Author, n.v.Body().Verdicts)
	}
	if len(c.upheld) > 0 {
		c.verdictsLost(n.ref.Digest)
		c.upheld = slices.DeleteFunc(c.upheld, func(x ownVerdict) bool { return c.verdicts.over(&x.verdict) })
	}
}

// hastens reports whether a verdict is on its way into a block.
func (c *Core) hastens() bool {
	return c.verdicts.waiting() ||
		slices.ContainsFunc(c.upheld, func(x ownVerdict) bool { return c.now < x.since.Add(verdictHaste) })
}
