package sim

import (
	"fmt"

	"github.com/etherscale/bedrock/types"
)

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
	HealMs    int    `json:"healMs"` // from healing to full service
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
	result.Counted.HealMs = w.heal()
	if w.failure == nil {
		w.checkEnd()
	}
	return result
}

func (w *world) counts(c Counts) Counts {
	c.Events, c.Appended, c.Released = w.trace.events, len(w.truth.appended), len(w.truth.released)
	c.Blocks, c.Certified = len(w.truth.closed), len(w.truth.certified)
	return c
}

// plan schedules the manifest.
func (w *world) plan() {
	for _, n := range w.nodes {
		w.after(ms(w.work.IntN(20)), func() { n.start() })
	}
	for i := range w.m.Crashes {
		c := &w.m.Crashes[i]
		w.at(c.At, func() { w.doom(c) })
	}
	for _, c := range w.m.Clocks {
		for _, n := range w.nodes {
			if int(n.member) == c.Member {
				w.at(c.At, func() { n.setClock(c.By) })
			}
		}
	}
	w.after(ms(30), func() { w.loadOn(begin.Add(ms(w.m.Safety))) })
}

// doom makes the node crash at its point of work, or now if it is at rest; a point that does not come within a second
// is left out.
func (w *world) doom(c *Crash) {
	for _, n := range w.nodes {
		if int(n.member) != c.Member || !n.alive || w.healed {
			continue
		}
		if c.Point == AtRest {
			n.crash(c)
			continue
		}
		n.doom = c
		life := n.life
		w.after(ms(1000), func() {
			if n.life == life && n.doom == c {
				n.doom = nil
			}
		})
	}
}

func (n *node) setClock(by int) {
	n.offset = ms(by)
	n.w.blurIfFar(by)
	if n.alive {
		n.step(tick)
	}
}

// heal ends the faults and demands service: everybody not counted as faulty is up, and releases and certifies what is
// new. It returns after how many milliseconds that was so.
func (w *world) heal() int {
	w.healed = true
	for _, n := range w.nodes {
		n.doom = nil
		switch {
		case n.dead():
			n.alive = false
		case !n.alive:
			n.comeBack()
		}
	}
	start := w.now
	for _, n := range w.core() {
		if n.alive {
			for _, m := range n.core.Status().Equivocators {
				w.proven[m] = true
			}
		}
	}
	w.after(ms(100), w.fresh)
	for w.now < start.Add(ms(w.m.Heal)) && w.failure == nil {
		w.run(w.now.Add(ms(250)))
		if w.served() {
			return int(w.now-start) / 1000
		}
	}
	if w.failure == nil {
		w.fail(nil, "L1", "no full service %d ms after healing: %s", w.m.Heal, w.whatIsMissing())
	}
	return int(w.now-start) / 1000
}

// fresh submits the batches that have to be served.
func (w *world) fresh() {
	for i := range freshBatches {
		w.after(ms(20*i), func() {
			b := w.newBatch()
			b.after = true
			core := w.core()
			if len(core) > 0 {
				w.gossip(b, int(core[i%len(core)].member), false)
			}
		})
	}
}

// core lists the nodes of which service is demanded.
func (w *world) core() (out []*node) {
	faulty := w.m.faulty()
	for _, n := range w.nodes {
		if n.honest && !faulty[int(n.member)] {
			out = append(out, n)
		}
	}
	return out
}

func (w *world) served() bool {
	after := 0
	for _, b := range w.batches {
		if b.after {
			after++
		}
	}
	if after < freshBatches {
		return false
	}
	place, last := w.places()
	for _, b := range w.batches {
		if b.after && place[b.id] == 0 {
			return false
		}
	}
	for _, n := range w.core() {
		if !n.alive || n.view.released <= last || n.view.certified < w.heightOf(last) {
			return false
		}
	}
	return true
}

// places are the places of all released batches, from 1, and the last one of a fresh batch, from 0.
func (w *world) places() (place map[types.BatchID]int, last int) {
	place = map[types.BatchID]int{}
	for i := range w.truth.released {
		id := w.truth.released[i].Batch
		place[id] = i + 1
		if w.byID[id].after {
			last = i
		}
	}
	return place, last
}

// heightOf is the number of blocks whose certification serves everything up to the release: those up to its boundary.
func (w *world) heightOf(release int) int {
	t := w.truth.released[release].FairTime
	for i := range w.truth.closed {
		if w.truth.closed[i].Header.Time > t {
			return i + 1
		}
	}
	return len(w.truth.closed) + 1
}

func (w *world) whatIsMissing() string {
	place, _ := w.places()
	missing := 0
	for _, b := range w.batches {
		if b.after && place[b.id] == 0 {
			missing++
		}
	}
	text := fmt.Sprintf("%d of %d new batches are released nowhere", missing, freshBatches)
	for _, n := range w.core() {
		if !n.alive {
			text += fmt.Sprintf("; node %d is down", n.index)
			continue
		}
		s := n.core.Status()
		text += fmt.Sprintf("; node %d: round %d, decided %d, heard %d, sequenced %d, released %d, height %d, certified %d, missing %d", n.index, s.Round,
			s.DecidedRound, s.HeardRound, s.Sequenced, n.view.released, s.Height, s.CertifiedHeight, s.Missing)
	}
	return text
}
