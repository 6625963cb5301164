package sim

import (
	"slices"

	"github.com/etherscale/bedrock/types"
)

// checkEnd checks what is checked once, over the whole run.
func (w *world) checkEnd() {
	for _, e := range w.eras {
		if w.failure == nil {
			e.checkEnd()
		}
	}
	w.newest().checkSpread()
}

func (e *era) checkEnd() {
	w := e.w
	var longest *node
	for _, n := range e.nodes {
		if !n.honest || n.disk == nil {
			continue
		}
		if n.alive {
			n.checkAccusations()
			n.checkBounds()
		}
		if longest == nil || len(n.disk.order) > len(longest.disk.order) {
			longest = n
		}
	}
	e.checkVerdicts()
	if w.m.Windows == nil {
		e.checkFairTimes()
		e.checkLinear()
	}
	if longest == nil {
		return
	}
	e.checkReplay(longest)
	if e.committee.Len() > 13 {
		return
	}
	e.checkDefinition(longest)
	for _, n := range e.nodes {
		if n.honest && n.disk != nil && w.failure == nil {
			e.checkCuts(n)
		}
	}
}

// checkAccusations: who has two vertices of one slot in its log has accused their author.
func (n *node) checkAccusations() {
	type slot struct {
		author types.Member
		round  types.Round
	}
	accused := map[types.Member]bool{}
	for _, m := range n.core.Status().Equivocators {
		accused[m] = true
	}
	first := map[slot]types.Hash{}
	for _, v := range n.disk.order {
		s := slot{v.Author(), v.Round()}
		other, known := first[s]
		if known && other != v.Digest() && !accused[s.author] {
			n.w.fail(n, "S4", "member %d has two vertices of round %d in the log and is not accused", s.author, s.round)
		}
		first[s] = v.Digest()
	}
}

// checkSpread: what one honest node could prove when the network was healed, all can prove by now.
func (e *era) checkSpread() {
	for _, n := range e.nodes {
		if !n.alive || !n.isCore() {
			continue
		}
		known := n.core.Status().Equivocators
		for m := range e.committee.Len() {
			if e.proven[types.Member(m)] && !slices.Contains(known, types.Member(m)) {
				e.w.fail(n, "S4", "member %d was proven to equivocate before healing, and this node does not know it", m)
			}
		}
	}
}
