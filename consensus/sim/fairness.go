package sim

import "github.com/etherscale/bedrock/types"

// blurIfFar: order by time is not judged while a clock is off by more than the tolerated skew.
func (w *world) blurIfFar(by int) {
	if by > FarClock || by < -FarClock {
		w.blur()
	}
}

// slack is what receipts in one vertex are raised by, besides skew.
const slack = types.Time(20_000)

// never is later than every time of a run.
const never = begin * 2

// skew is how far honest clocks may be apart.
func (w *world) skew() types.Time {
	var low, high int
	for _, c := range w.m.Clocks {
		low, high = min(low, c.By), max(high, c.By)
	}
	return types.Time(high-low) * 1000
}

func judged(b *batch) bool { return b.plain && !b.blurred }

// span is when the first and the last honest member could list the batch, in true time; ok says that all could.
func (e *era) span(b *batch) (low, high types.Time, ok bool) {
	ok = true
	low = never
	for _, n := range e.nodes {
		if !n.honest || n.dead() && b.after {
			continue
		}
		at := b.listable[n.person]
		if at == 0 {
			ok = false
			continue
		}
		low, high = min(low, at), max(high, at)
	}
	return low, high, ok
}

// checkFairTimes: a fair time lies inside the honest receive times, up to skew.
func (e *era) checkFairTimes() {
	w := e.w
	skew := w.skew()
	for i := range e.truth.released {
		r := &e.truth.released[i]
		b := w.byID[r.Batch]
		if !judged(b) {
			continue
		}
		low, high, all := e.span(b)
		if r.FairTime+skew < low || all && r.FairTime > high+skew+slack {
			w.fail(nil, "S6", "the fair time %d of release %d lies outside %d..%d", r.FairTime-begin, i, low-begin, high-begin)
		}
	}
}

// checkLinear: what all honest members had before any had the next comes first, up to skew.
func (e *era) checkLinear() {
	w := e.w
	skew := w.skew()
	soonest := never
	for i := len(e.truth.released) - 1; i >= 0; i-- {
		b := w.byID[e.truth.released[i].Batch]
		if !judged(b) {
			continue
		}
		low, high, all := e.span(b)
		if low != never && soonest+2*skew+slack < low {
			w.fail(nil, "S6", "release %d, first received at %d, comes before one that all had at %d", i, low-begin, soonest-begin)
		}
		if all {
			soonest = min(soonest, high)
		}
	}
}
