package node

import (
	"fmt"
	"time"

	"github.com/etherscale/bedrock/types"
)

// assertedWithin is for how much header time a block with transactions of users stands without an assertion before that is
// worth a word: a prover needs a second or two.
const assertedWithin = 15 * time.Second

// unsettled says why blocks do not settle; empty where nothing is wrong. Ordering, certificates and execution need no prover.
func (n *Node) unsettled() string {
	switch {
	case n.proofs == nil || n.exec == nil: // who executes nothing cannot tell a block that needs no assertion
		return ""
	case n.cfg.Genesis.Bonding == nil:
		return "nothing settles: this network has no bonding contract, so nobody answers for an assertion"
	}
	next := n.proofs.tracker.Asserted().Height + 1
	if at := n.proofs.disputed.Load(); types.Height(at) > n.proofs.tracker.Settled().Height {
		return fmt.Sprintf("nothing settles from block %d on: the claim that nobody refuted is not what this node computed", at)
	}
	late, ok := n.unasserted(next)
	if !ok {
		return ""
	}
	if n.proofs.tracker.Disputed(next) {
		return fmt.Sprintf("block %d has several unrefuted values: it settles when all but one are refuted", next)
	}
	return fmt.Sprintf("no prover asserts block %d: blocks are ordered, certified and executed, and settle once a prover with a bond runs again", late)
}

// unasserted is the first block from a height on that is a reason for an assertion, if it is old enough to have one.
func (n *Node) unasserted(from types.Height) (types.Height, bool) {
	head := n.chain.Head().Header
	for h := from; h <= head.Height && h < from+releaseEvery; h++ {
		ch, ok := n.chain.Header(h)
		if !ok || time.Duration(head.Time-min(head.Time, ch.Header.Time))*time.Microsecond < assertedWithin {
			return 0, false
		}
		if h > n.exec.Height() {
			return 0, false
		}
		if routine, err := n.exec.Routine(h); err == nil && !routine {
			return h, true
		}
	}
	return 0, false
}
