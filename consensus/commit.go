package consensus

import (
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// verdict is what the commit rule says about a slot.
type verdict uint8

const (
	undecided verdict = iota
	committed
	skipped
)

// anchorDistance is how many rounds above a slot its anchor lies at least: a vertex of round r+2 reaches no certificate
// of round r+2 but itself, so nearer anchors break agreement.
const anchorDistance = 3

// countBlames counts the node against every slot of the round before that it has no parent of. A direct skip needs a
// quorum of authors: a twin counts once.
func (d *dag) countBlames(n *node) error {
	below := d.round(n.ref.Round - 1)
	if below == nil {
		return nil
	}
	parents := n.v.Body().Parents
	for a := range below.slots {
		s := &below.slots[a]
		if parents.Has(types.Member(a)) || !s.blamed.add(n.ref.Author) {
			continue
		}
		s.blameStake += d.committee.Stake(n.ref.Author)
		if s.blameStake < d.quorum || s.verdict == skipped {
			continue
		}
		if s.verdict == committed {
			return d.conflict(below.number, types.Member(a), "committed and then skipped by a quorum", s.vertex)
		}
		d.settle(below, s, skipped, nil, true)
	}
	return nil
}

// countCertificates finds the vertices two rounds below that the node certifies: those for which a quorum of its
// strong parents vote. A slot that is committed and has one vertex needs no more certificates.
func (d *dag) countCertificates(n *node) error {
	if n.ref.Round < 3 {
		return nil
	}
	below := d.round(n.ref.Round - 2)
	if below == nil {
		return nil
	}
	against, total := d.votesAgainst(n)
	for a := range below.slots {
		s := &below.slots[a]
		if s.verdict == committed && len(s.candidates) == 1 {
			continue
		}
		v := d.certifiedBy(n, types.Member(a), total-against[a])
		if v == nil {
			continue
		}
		if s.verdict == undecided {
			v.certifiers = append(v.certifiers, n)
		}
		if !v.certified.add(n.ref.Author) {
			continue
		}
		v.certStake += d.committee.Stake(n.ref.Author)
		if v.certStake < d.quorum {
			continue
		}
		if s.verdict == skipped || (s.verdict == committed && s.vertex != v) {
			return d.conflict(below.number, types.Member(a), "decided otherwise and then certified by a quorum", v)
		}
		if s.verdict == undecided {
			d.settle(below, s, committed, v, true)
		}
	}
	return nil
}

// votesAgainst sums, for each slot two rounds below the node, the stake of its strong parents that do not vote for the
// slot's first vertex, and the stake of all its strong parents. Few do not, so this is quicker than to count who does.
func (d *dag) votesAgainst(n *node) (against []types.Stake, total types.Stake) {
	against = d.against
	clear(against)
	d.eachStrong(n, nil, func(p *node) {
		stake := d.committee.Stake(p.ref.Author)
		total += stake
		d.all.each(p.strong, func(a types.Member) { against[a] += stake })
	})
	return against, total
}

// certifiedBy is the one vertex of author a, two rounds below, that has the votes of a quorum of n's strong parents;
// votes is the stake of those for the slot's first vertex. There is at most one: two quorums of distinct authors share a
// voter, and a vertex has one parent per author.
func (d *dag) certifiedBy(n *node, a types.Member, votes types.Stake) *node {
	candidates := d.round(n.ref.Round - 2).slots[a].candidates
	if len(candidates) == 0 {
		return nil
	}
	if votes >= d.quorum {
		return candidates[0]
	}
	for _, v := range candidates[1:] {
		var stake types.Stake
		d.eachStrong(n, nil, func(p *node) {
			if d.strongParent(p, a) == v {
				stake += d.committee.Stake(p.ref.Author)
			}
		})
		if stake >= d.quorum {
			return v
		}
	}
	return nil
}

func (d *dag) settle(rs *roundSlots, s *slot, v verdict, vertex *node, direct bool) {
	s.verdict, s.vertex, s.direct = v, vertex, direct
	rs.undecided--
	d.dirty = true
	for _, n := range s.candidates {
		n.certifiers = nil
	}
}

// evaluate applies the indirect rule from the top down. Verdicts are final: what a growing DAG adds never changes one,
// so only slots without a verdict are looked at, and only after some verdict changed.
func (d *dag) evaluate() error {
	if !d.dirty {
		return nil
	}
	d.dirty = false
	var anchors [anchorDistance]anchor // first slots not skipped from rounds r+1, r+2, r+3 on
	for r := d.top(); r >= d.current; r-- {
		rs := d.round(r)
		if rs.undecided > 0 {
			if err := d.evaluateRound(rs, anchors[anchorDistance-1]); err != nil {
				return err
			}
		}
		first := firstOpen(rs)
		if !first.found {
			first = anchors[0]
		}
		anchors[2], anchors[1], anchors[0] = anchors[1], anchors[0], first
	}
	return nil
}

// anchor is the first slot, from some round on, that is not skipped; vertex is nil while it is undecided.
type anchor struct {
	found  bool
	vertex *node
}

func firstOpen(rs *roundSlots) anchor {
	for _, m := range rs.order {
		if s := &rs.slots[m]; s.verdict != skipped {
			return anchor{found: true, vertex: s.vertex}
		}
	}
	return anchor{}
}

func (d *dag) evaluateRound(rs *roundSlots, a anchor) error {
	if a.vertex == nil {
		return nil
	}
	reached := false
	for m := range rs.slots {
		s := &rs.slots[m]
		if s.verdict != undecided {
			continue
		}
		if !reached {
			d.reach(a.vertex, rs.number+2)
			reached = true
		}
		var winner *node
		for _, v := range s.candidates {
			if !d.certifierReached(v) {
				continue
			}
			if winner != nil {
				return d.conflict(rs.number, types.Member(m), "certified twice below one anchor", v)
			}
			winner = v
		}
		if winner != nil {
			d.settle(rs, s, committed, winner, false)
		} else {
			d.settle(rs, s, skipped, nil, false)
		}
	}
	return nil
}

// reach marks the anchor's ancestors down to the round with the current walk number.
func (d *dag) reach(anchor *node, down types.Round) {
	d.ancestors(anchor, nil, func(n *node) bool { return n.ref.Round >= down }, func(*node) {})
}

func (d *dag) certifierReached(v *node) bool {
	for _, c := range v.certifiers {
		if c.visit == d.walk {
			return true
		}
	}
	return false
}

func (d *dag) conflict(r types.Round, a types.Member, what string, v *node) error {
	e := &ConflictError{What: fmt.Sprintf("slot of member %d, round %d: %s", a, r, what)}
	for _, c := range d.round(r).slots[a].candidates {
		e.Vertices = append(e.Vertices, c.v)
	}
	if v != nil {
		e.Vertices = append(e.Vertices, v.v)
	}
	return e
}
