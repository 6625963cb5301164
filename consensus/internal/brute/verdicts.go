package brute

import (
	"slices"

	"github.com/etherscale/bedrock/types"
)

// Verdicts is what authors stated about challenges, as a function of the committed sequence alone.
type Verdicts struct {
	committee *types.Committee
	said      map[types.Member][]types.Verdict // what is not due, oldest first
	Due       []types.Verdict
	Listed    int // of those, the first ones
}

// NewVerdicts starts with nothing stated.
func NewVerdicts(c *types.Committee) *Verdicts {
	return &Verdicts{committee: c, said: map[types.Member][]types.Verdict{}}
}

// Append takes the next vertex of the sequence; excluded are those who have two of a round in it, this one included.
func (d *Verdicts) Append(v *types.Vertex, excluded map[types.Member]bool) {
	a := v.Author()
	if excluded[a] {
		delete(d.said, a)
		return
	}
	for _, s := range v.Body().Verdicts {
		if d.over(s) || len(d.Due)-d.Listed >= 1024 || slices.Contains(d.said[a], s) {
			continue
		}
		d.said[a] = append(d.said[a], s)
		d.said[a] = d.said[a][max(0, len(d.said[a])-256):]
		if d.stakeFor(s) >= d.committee.Quorum() {
			for m := range d.said {
				d.said[m] = slices.DeleteFunc(d.said[m], func(x types.Verdict) bool { return x == s })
			}
			d.Due = append(d.Due, s)
		}
	}
}

// over: it is due, or 16 others on the same key are.
func (d *Verdicts) over(s types.Verdict) bool {
	same := 0
	for _, x := range d.Due {
		if x.Accused == s.Accused {
			same++
		}
	}
	return same >= 16 || slices.Contains(d.Due, s)
}

func (d *Verdicts) stakeFor(s types.Verdict) (sum types.Stake) {
	for m, said := range d.said {
		if slices.Contains(said, s) {
			sum += d.committee.Stake(m)
		}
	}
	return sum
}

// List is what the next block lists.
func (d *Verdicts) List() []types.Verdict {
	n := min(64, len(d.Due)-d.Listed)
	d.Listed += n
	return d.Due[d.Listed-n : d.Listed]
}
