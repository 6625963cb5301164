package sim

import (
	"slices"

	"github.com/etherscale/bedrock/types"
)

// checkRules is a second implementation of the rules about an accepted vertex, from the definitions. Of a vertex whose
// parents the node does not all hold the rules cannot be checked by it.
func (n *node) checkRules(v *types.Vertex) {
	t := &n.era.truth
	if t.checked[v.Digest()] {
		return
	}
	parents := append(v.StrongParents(), v.Body().Weak...)
	for _, p := range parents {
		if n.disk.vertices[p.Digest] == nil {
			return
		}
	}
	t.checked[v.Digest()] = true
	if why := n.era.broken(v, parents); why != "" {
		n.w.fail(n, "S5", "round %d of member %d is accepted: %s", v.Round(), v.Author(), why)
	}
}

func (e *era) broken(v *types.Vertex, parents []types.VertexRef) string {
	previous := e.parent.Time
	var stake types.Stake
	var times []stakedTime
	seen := map[types.Member]bool{}
	for _, ref := range parents {
		p := e.vertex[ref.Digest]
		switch {
		case p == nil:
			return "a parent does not exist"
		case p.Ref() != ref:
			return "a parent has another place"
		case seen[ref.Author]:
			return "two parents of one member"
		}
		seen[ref.Author] = true
		if ref.Author == v.Author() {
			previous = p.Time()
		}
		if ref.Round+1 == v.Round() {
			stake += e.committee.Stake(ref.Author)
			times = append(times, stakedTime{p.Time(), e.committee.Stake(ref.Author)})
		}
	}
	if v.Round() > 1 && 3*stake <= 2*e.committee.Total() {
		return "no quorum of parents"
	}
	return brokenTimes(v, previous, times, e.committee.F())
}

type stakedTime struct {
	time  types.Time
	stake types.Stake
}

func brokenTimes(v *types.Vertex, previous types.Time, parents []stakedTime, f types.Stake) string {
	slices.SortFunc(parents, func(a, b stakedTime) int { return int(int64(a.time) - int64(b.time)) })
	var below types.Stake
	for _, p := range parents {
		if below += p.stake; below > f {
			if v.Time() < p.time {
				return "its time is before the parents' quantile"
			}
			break
		}
	}
	if v.Time() <= previous {
		return "its time is not after its previous one"
	}
	last := previous
	for _, r := range v.Body().Receipts {
		if r.Time <= previous || r.Time > v.Time() || r.Time < last {
			return "a receipt's time is outside"
		}
		last = r.Time
	}
	return ""
}
