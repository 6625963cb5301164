package consensus

import (
	"container/heap"
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// raiseTheta computes theta = min(Q(watermarks), min over incomplete batches of Q(entry, else watermark)): whatever is
// not complete yet, or not even seen, will get a fair time at or above it.
//
// The bound of a batch never falls: watermarks only rise, an entry is at or above its author's watermark, and an
// excluded author counts as infinitely late. So a heap over the bounds as last computed is enough: only those at its
// head are computed anew.
func (o *fairOrder) raiseTheta() error {
	theta := o.lowerBound(nil)
	for len(o.bounds) > 0 {
		t := o.bounds[0]
		if !t.incomplete() {
			heap.Pop(&o.bounds)
			continue
		}
		if bound := o.lowerBound(t); bound != t.bound {
			t.bound = bound
			heap.Fix(&o.bounds, 0)
			continue
		}
		theta = min(theta, t.bound)
		break
	}
	if theta < o.theta {
		return &ConflictError{What: fmt.Sprintf("theta fell from %d to %d", o.theta, theta)}
	}
	o.theta = theta
	return nil
}

// lowerBound is Q over all members of the batch's entry or else the watermark; nil stands for a batch nobody listed yet.
func (o *fairOrder) lowerBound(t *tally) types.Time {
	values := o.scratch[:0]
	for a, w := range o.watermark {
		m := types.Member(a)
		at := w
		if t != nil && t.present.has(m) {
			at = t.entries[a].Time
		}
		values = append(values, weighted{uint64(at), o.committee.Stake(m)})
	}
	return types.Time(quantile(values, o.f))
}

// boundHeap orders incomplete batches by their bound as last computed.
type boundHeap []*tally

func (h boundHeap) Len() int           { return len(h) }
func (h boundHeap) Less(i, j int) bool { return h[i].bound < h[j].bound }
func (h boundHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *boundHeap) Push(x any)        { *h = append(*h, x.(*tally)) }
func (h *boundHeap) Pop() any          { return popLast((*[]*tally)(h)) }
