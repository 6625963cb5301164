package sim

import (
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

const (
	// waitingBound is what may wait of one author: pushed vertices, and answers to requests on the way.
	waitingBound = 256 + 2*chaseItems
	// amplification is how often an item that was missing may come; fetchSlack leaves room for short runs.
	amplification = 3
	fetchSlack    = 64
)

// Bounds of what a core keeps. They follow from the committee and from what is not ordered yet, not from how long the epoch is.
const (
	boundEvery   = 512                    // events of a node between two looks at it
	missingSlack = 256                    // items a vertex may lack, besides vertices that wait
	roundsBelow  = consensus.Horizon + 10 // the horizon and the rounds below it that rules about parents need
	bodiesBelow  = 512                    // bodies that came again after their release, or that a node has that is behind
)

// unreleased counts the batches that no honest node has released.
func (w *world) unreleased() (count int) {
	for _, b := range w.batches {
		if !b.released {
			count++
		}
	}
	return count
}

func (n *node) checkBounds() {
	s, members := n.core.Status(), n.era.committee.Len()
	if s.Suspended > waitingBound*members {
		n.w.fail(n, "S10", "%d vertices wait to be accepted", s.Suspended)
	}
	if s.Missing > (waitingBound+missingSlack)*members {
		n.w.fail(n, "S10", "%d items are being fetched", s.Missing)
	}
	if undecided := int(s.AcceptedRound - s.DecidedRound); s.Rounds > undecided+roundsBelow {
		n.w.fail(n, "S10", "%d rounds are in memory, %d of them undecided", s.Rounds, undecided)
	}
	if left := n.w.unreleased() + bodiesBelow; s.IncompleteBatches > left || s.PendingReceipts > left || s.HeldBatches > left {
		n.w.fail(n, "S10", "%d batches are held, %d of them incomplete and %d to be listed, while %d are not released", s.HeldBatches,
			s.IncompleteBatches, s.PendingReceipts, left-bodiesBelow)
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
