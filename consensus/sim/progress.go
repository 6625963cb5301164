package sim

import "github.com/etherscale/bedrock/types"

const (
	// HealRounds is within how many rounds of the core, from when all of it keeps pace, what is new has left fair order.
	// After 8 rounds without a decision everybody is waited for, and the wait doubles every 3 rounds, 6 times: 26. From there
	// on honest slots are decided in 3 rounds and the others by an anchor 3 above, which is honest but for a chance of one
	// in three: 7 times 3 rounds leave 3^-7. A batch is listed in 1 round, counts for who did not list it 2 above the commit
	// that opened it, and theta passes it when these are committed: 3 + 2 + 3 and 1 for the wait of the slowest. That makes 57.
	// With f silent, a batch that one honest member lists and no other holds theta until it is void, 64 rounds of slots later.
	HealRounds = 128
	// paceRounds is how far apart the own rounds of members that keep pace may be, in two looks.
	paceRounds = 3
	// healStep is how often the second phase looks, in milliseconds.
	healStep = 250
)

// progress counts the rounds that the whole core made together while something new was waiting.
type progress struct {
	epoch  types.Epoch
	low    types.Round // at the last look, if all kept pace; else 0
	rounds int
}

// countRounds looks at the core, and demands that it releases what is new in time.
func (w *world) countRounds() {
	p := &w.progress
	e := w.newest()
	low, together := e.slowest()
	if !together || !w.waiting() {
		p.low = 0
		return
	}
	switch {
	case p.epoch != e.epoch:
		p.rounds = 0 // what held theta in the epoch before may do so again
	case p.low > 0:
		p.rounds += int(low - p.low)
	}
	p.epoch, p.low = e.epoch, low
	if p.rounds > HealRounds {
		w.fail(nil, "L1", "new batches are not released within %d rounds of the core: %s", HealRounds, w.whatIsMissing())
	}
}

// slowest is the lowest own round of the core's members of the epoch, and whether all keep pace.
func (e *era) slowest() (low types.Round, together bool) {
	var high types.Round
	low = 1 << 60
	for _, m := range e.w.core() {
		if _, seated := e.seats[m.person]; !seated {
			continue
		}
		n := m.nodes[e.epoch]
		if n == nil || !n.alive {
			return 0, false
		}
		round := n.core.Status().Round
		low, high = min(low, round), max(high, round)
	}
	return low, high <= low+paceRounds
}

// waiting reports whether a new batch was submitted and not released.
func (w *world) waiting() bool {
	for _, b := range w.batches {
		if b.after && !b.released {
			return true
		}
	}
	return false
}
