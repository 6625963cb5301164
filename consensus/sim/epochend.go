package sim

import (
	"slices"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/internal/brute"
	"github.com/etherscale/bedrock/types"
)

// checkEnd checks, by a second implementation from the definitions, what a header says about the end of its epoch.
func (n *node) checkEnd(c *types.CertifiedHeader) {
	e := n.era
	if e.w.rules.EpochLength == 0 || uint64(c.Header.Height)%e.w.rules.EpochLength != 0 {
		if c.Header.Next != nil {
			n.w.fail(n, "S12", "header %d ends an epoch", c.Header.Height)
		}
		return
	}
	next := c.Header.Next
	if next == nil {
		n.w.fail(n, "S12", "header %d does not end the epoch", c.Header.Height)
		return
	}
	rewards, active, announced := e.service(c.Header.VertexIndex)
	answer := e.answer()
	switch {
	case !slices.Equal(next.Rewards, rewards):
		n.w.fail(n, "S12", "the rewards are %v, by definition %v", next.Rewards, rewards)
	case !slices.Equal(next.Committee, e.successors(answer.Committee, active)):
		n.w.fail(n, "S12", "the next committee is not the one of the state without members that did nothing or were convicted since")
	case next.SettledHeight != answer.SettledHeight || next.SettledClaim != answer.SettledClaim:
		n.w.fail(n, "S12", "the settled claim is not the one of the state")
	case next.RuleVersion != e.upgraded(announced):
		n.w.fail(n, "S12", "the next rule version is %d, by definition %d", next.RuleVersion, e.upgraded(announced))
	}
}

// service counts, over the sequence up to the vertex that closed the last block, each member's vertices (of twins the first)
// made while it signed headers, whether one lies in the second half of the epoch, and the rule version in the last.
func (e *era) service(last uint64) (rewards []uint64, active []bool, announced []uint64) {
	type slot struct {
		author types.Member
		round  types.Round
	}
	rewards, active, announced = make([]uint64, e.committee.Len()), make([]bool, e.committee.Len()), make([]uint64, e.committee.Len())
	seen := map[slot]bool{}
	signing := e.signing(last)
	for i, a := range e.truth.appended[:last+1] {
		s := slot{a.Vertex.Author, a.Vertex.Round}
		if seen[s] {
			continue
		}
		seen[s] = true
		if signing[i] {
			rewards[s.author]++
		}
		announced[s.author] = e.vertex[a.Vertex.Digest].Body().RuleVersion
		closed := uint64(0)
		for closed < uint64(len(e.truth.closed)) && e.truth.closed[closed].Header.VertexIndex < a.Index {
			closed++
		}
		if closed >= 1+e.w.rules.EpochLength/2 {
			active[s.author] = true
		}
	}
	return rewards, active, announced
}

// signing tells of each vertex whether its author signs headers.
func (e *era) signing(last uint64) []bool {
	var sequence []brute.Appended
	for _, a := range e.truth.appended[:last+1] {
		sequence = append(sequence, brute.Appended{Vertex: e.vertex[a.Vertex.Digest]})
	}
	var blocks []brute.Closed
	for i := range e.truth.closed {
		h := &e.truth.closed[i].Header
		blocks = append(blocks, brute.Closed{After: int(h.VertexIndex), Header: h.Digest()})
	}
	return brute.Signing(e.committee, e.parent.Height, sequence, blocks)
}

// successors are the members that the state names, without those with a verdict in the last 8 blocks if 4 are left, and without
// those that did nothing; fewer than 4: the old ones.
func (e *era) successors(named []types.CommitteeMember, active []bool) []types.CommitteeMember {
	var honest, out []types.CommitteeMember
	for _, m := range named {
		convicted := slices.ContainsFunc(e.truth.closed[len(e.truth.closed)-8:], func(c consensus.Closed) bool {
			return slices.ContainsFunc(c.Header.Verdicts, func(v types.Verdict) bool { return v.Accused == m.Key })
		})
		if !convicted {
			honest = append(honest, m)
		}
	}
	if len(honest) < 4 {
		honest = named
	}
	for _, m := range honest {
		if seat, was := e.seats[e.w.byKey[m.Key]]; !was || active[seat] {
			out = append(out, m)
		}
	}
	if len(out) < 4 {
		return e.committee.Members()
	}
	return out
}

// upgraded is the highest version that a quorum announced, or a higher one.
func (e *era) upgraded(announced []uint64) uint64 {
	best := e.w.rules.RuleVersion
	if e.parent.Next != nil {
		best = e.parent.Next.RuleVersion
	}
	for _, version := range announced {
		var stake types.Stake
		for m, other := range announced {
			if other >= version {
				stake += e.committee.Stake(types.Member(m))
			}
		}
		if version > best && stake >= e.committee.Quorum() {
			best = version
		}
	}
	return best
}
