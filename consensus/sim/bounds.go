package sim

import "github.com/etherscale/bedrock/types"

const (
	// waitingBound is what may wait of one author: pushed vertices, and answers to requests on the way.
	waitingBound = 256 + 2*chaseItems
	// amplification is how often an item that was missing may come; fetchSlack leaves room for short runs.
	amplification = 3
	fetchSlack    = 64
)

func (n *node) checkBounds() {
	if s := n.core.Status(); s.Suspended > waitingBound*n.era.committee.Len() {
		n.w.fail(n, "S10", "%d vertices wait to be accepted", s.Suspended)
	}
	if n.fetched.brought > amplification*len(n.fetched.wanted)+fetchSlack {
		n.w.fail(n, "S10", "answers brought %d items, %d were missing", n.fetched.brought, len(n.fetched.wanted))
	}
}

// hasty is how often in a row a core may want to be woken within a microsecond: each lets something happen that waits.
const hasty = 1000

// checkHaste: a core that has nothing to do now says when it will, not that it wants to be asked all the time.
func (n *node) checkHaste(wake types.Time) {
	if wake > n.clock()+1 || n.is(Frozen) {
		n.haste = 0
		return
	}
	if n.haste++; n.haste > hasty {
		n.w.fail(n, "S10", "the core wants to be woken at once %d times in a row", n.haste)
	}
}
