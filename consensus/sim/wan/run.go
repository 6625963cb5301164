package wan

import (
	"fmt"
	"slices"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// Fault is what goes wrong in a run.
type Fault string

// The faults; see the package's documentation. Idle is a run without batches.
const (
	None          Fault = ""
	Crashed       Fault = "crashed"
	HalfPublished Fault = "halfPublished"
	Slow          Fault = "slow"
	Clock         Fault = "clock"
	Idle          Fault = "idle"
)

// Config says what is measured.
type Config struct {
	N       int           // members, all of equal stake
	Seed    uint64        // of everything random
	Jitter  float64       // sigma of the log-normal factor of delays
	Measure time.Duration // for how long batches are submitted whose time counts
	Pacing  consensus.Pacing
}

const (
	// Jitter is the default of Config.Jitter.
	Jitter = 0.05
	// Measure is the default of Config.Measure.
	Measure = 8 * time.Second

	warmUp  = 6 * time.Second
	crashAt = 2 * time.Second
	coolOff = 10 * time.Second // at most, for the last batches to be released
)

// Traffic counts bytes that all members sent.
type Traffic struct {
	Own     int // own vertices
	Others  int // vertices of others, sent along
	Gossip  int // bodies by gossip
	Pushed  int // bodies with vertices
	Fetched int // requests and answers
}

func (t Traffic) minus(u Traffic) Traffic {
	return Traffic{t.Own - u.Own, t.Others - u.Others, t.Gossip - u.Gossip, t.Pushed - u.Pushed, t.Fetched - u.Fetched}
}

func (t Traffic) sum() int { return t.Own + t.Others + t.Gossip + t.Pushed + t.Fetched }

// Result is what one run measured.
type Result struct {
	Delay      time.Duration // d
	P50, P99   float64       // submit to released at the entry, in units of d
	Batches    int
	Unreleased int
	RoundMs    float64 // mean time of a round
	Indirect   float64 // share of slots that were not decided directly
	Sent       Traffic // while figures were taken
	Payload    int     // bytes of the batches submitted meanwhile
	Measured   time.Duration
}

// Run plays one fault.
func Run(cfg Config, fault Fault) (Result, error) {
	w, err := newWorld(cfg, fault)
	if err != nil {
		return Result{}, fmt.Errorf("wan: %w", err)
	}
	for _, n := range w.nodes {
		n.step(consensus.Start{})
	}
	from, until := begin.Add(warmUp), begin.Add(warmUp+cfg.Measure)
	if fault != Idle {
		w.submit(until)
	}
	w.run(begin.Add(crashAt))
	for _, n := range w.nodes {
		n.crashed = n.faulty && fault == Crashed
	}
	w.run(from)
	before, sent := w.observer().core.Status().Round, w.sent
	counted := w.observer().core.Counters()
	w.run(until)
	r := Result{Delay: w.geo.mean(), Sent: w.sent.minus(sent), Measured: cfg.Measure}
	rounds := w.observer().core.Status().Round - before
	r.RoundMs = float64(cfg.Measure.Milliseconds()) / float64(max(rounds, 1))
	r.Indirect = indirectShare(counted, w.observer().core.Counters())
	for end := w.now.Add(coolOff); w.now < end && w.waiting() > 0 && w.err == nil; {
		w.run(w.now.Add(coolOff / 20))
	}
	w.times(&r, from)
	return r, w.err
}

// observer is a member without a fault.
func (w *world) observer() *node {
	for _, n := range w.nodes {
		if !n.faulty {
			return n
		}
	}
	return w.nodes[0]
}

func indirectShare(a, b consensus.Counters) float64 {
	direct := b.DirectCommit + b.DirectSkip - a.DirectCommit - a.DirectSkip
	indirect := b.IndirectCommit + b.IndirectSkip - a.IndirectCommit - a.IndirectSkip
	return float64(indirect) / float64(max(direct+indirect, 1))
}

func (w *world) waiting() int {
	waiting := 0
	for _, b := range w.batches {
		if b.released == 0 {
			waiting++
		}
	}
	return waiting
}

// times takes the quantiles over the batches submitted from the given time on.
func (w *world) times(r *Result, from types.Time) {
	var took []float64
	for _, b := range w.batches {
		if b.submitted >= from {
			r.Payload += batchBytes
		}
		if b.submitted < from || w.nodes[b.entry].faulty {
			continue
		}
		released := b.released
		if released == 0 {
			released = w.now
			r.Unreleased++
		}
		took = append(took, float64(released-b.submitted)/float64(r.Delay.Microseconds()))
	}
	r.Batches = len(took)
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	r.P50, r.P99 = took[len(took)/2], took[len(took)*99/100]
}
