package sim

import "fmt"

// Result is what came of a run.
type Result struct {
	Seed    uint64   `json:"seed"`
	Failure *Failure `json:"failure,omitempty"`
	Trace   string   `json:"trace"` // hash of all events
	Counted Counts   `json:"counted"`

	world *world
}

// Counts say how much happened.
type Counts struct {
	Events    uint64 `json:"events"`
	Appended  int    `json:"appended"`
	Released  int    `json:"released"`
	Blocks    int    `json:"blocks"`
	Certified int    `json:"certified"`
	HealMs    int    `json:"healMs"`   // from healing to full service
	Verdicts  int    `json:"verdicts"` // in blocks
	Epochs    int    `json:"epochs"`   // that began
	// Beyond: members left out made the faulty ones more than the protocol stands, and the run ended there.
	Beyond bool `json:"beyond,omitempty"`
}

// freshBatches is how many batches are submitted after healing; all of them have to be served.
const freshBatches = 12

// Run plays a manifest. It is deterministic, and does not fail but by Result.Failure.
func Run(m Manifest) (result Result) {
	result.Seed = m.Seed
	w, err := newWorld(&m)
	if err != nil {
		result.Failure = &Failure{Invariant: "S9", What: "the manifest makes no committee: " + err.Error(), Node: -1}
		return result
	}
	result.world = w
	defer func() {
		if p := recover(); p != nil {
			w.fail(nil, "S9", "panic: %v", p)
		}
		result.Failure = w.failure
		result.Trace = fmt.Sprintf("%016x", w.trace.sum)
		result.Counted = w.counts(result.Counted)
	}()
	w.plan()
	w.run(begin.Add(ms(m.Safety)))
	if w.failure != nil {
		return result
	}
	if !w.beyond {
		result.Counted.HealMs = w.heal()
	}
	if w.failure == nil {
		w.checkEnd()
	}
	return result
}

func (w *world) counts(c Counts) Counts {
	c.Events, c.Epochs, c.Beyond = w.trace.events, len(w.eras), w.beyond
	for _, e := range w.eras {
		c.Appended += len(e.truth.appended)
		c.Released += len(e.truth.released)
		c.Blocks += len(e.truth.closed)
		c.Certified += len(e.truth.certified)
		for i := range e.truth.closed {
			c.Verdicts += len(e.truth.closed[i].Header.Verdicts)
		}
	}
	return c
}

// plan schedules the manifest.
func (w *world) plan() {
	for _, m := range w.machines {
		w.after(ms(w.work.IntN(20)), m.start)
	}
	for i := range w.m.Crashes {
		c := &w.m.Crashes[i]
		w.at(c.At, func() { w.doom(c) })
	}
	for _, c := range w.m.Clocks {
		for _, m := range w.machines {
			if m.person == c.Member {
				w.at(c.At, func() { m.setClock(c.By) })
			}
		}
	}
	w.after(ms(40), func() { w.challengeOn(stream(w.m.Seed, "challenged"), begin.Add(ms(w.m.Safety))) })
	w.after(ms(30), func() { w.loadOn(begin.Add(ms(w.m.Safety))) })
}

// doom makes the machine crash at its point of work, or now if it is at rest; a point that does not come within a second
// is left out.
func (w *world) doom(c *Crash) {
	for _, m := range w.machines {
		if m.person != c.Member || !m.up || w.healed {
			continue
		}
		if c.Point == AtRest {
			m.crash(c)
			continue
		}
		m.doom = c
		power := m.powered()
		w.after(ms(1000), func() {
			if power() && m.doom == c {
				m.doom = nil
			}
		})
	}
}
