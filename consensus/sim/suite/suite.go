// Package suite plays many seeds of the simulator at once. The simulator itself has no goroutine; this package gives each
// worker whole runs, so a seed's result does not depend on how many workers there are.
package suite

import (
	"context"
	"sync"
	"time"

	"github.com/etherscale/bedrock/consensus/sim"
)

// Config says which seeds to play.
type Config struct {
	First   uint64
	Count   uint64
	Workers int
	// StopAt ends the suite after so many failures; 0: never.
	StopAt int
	// Progress is called after every seed, from one goroutine at a time; nil: not.
	Progress func(done, failed uint64)
}

// Report sums a suite up.
type Report struct {
	Seeds      uint64  `json:"seeds"`
	Failed     uint64  `json:"failed"`
	EventsPerS float64 `json:"eventsPerS"`
	Seconds    float64 `json:"seconds"`
	Released   int     `json:"released"`
	Certified  int     `json:"certified"`
	Verdicts   int     `json:"verdicts"` // in blocks
	WorstHeal  int     `json:"worstHealMs"`
	Epochs     int     `json:"epochs"` // that began
	// Beyond counts runs that ended early: members left out had made the faulty ones more than the protocol stands.
	Beyond int `json:"beyond"`
	// Failures are in order of seed.
	Failures []sim.Result `json:"failures,omitempty"`
}

// Run plays the seeds. It ends early when the context does, or at the failure that StopAt names.
func Run(ctx context.Context, cfg Config) Report {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seeds := make(chan uint64)
	results := make(chan sim.Result)
	var workers sync.WaitGroup
	for range max(1, cfg.Workers) {
		workers.Go(func() {
			for seed := range seeds {
				results <- sim.Run(sim.Expand(seed))
			}
		})
	}
	go func() {
		defer close(seeds)
		for i := range cfg.Count {
			select {
			case seeds <- cfg.First + i:
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() {
		workers.Wait()
		close(results)
	}()
	return gather(results, cfg, cancel)
}

func gather(results <-chan sim.Result, cfg Config, cancel func()) Report {
	var report Report
	var events uint64
	start := time.Now()
	for r := range results {
		report.Seeds++
		events += r.Counted.Events
		report.Released += r.Counted.Released
		report.Certified += r.Counted.Certified
		report.Verdicts += r.Counted.Verdicts
		report.Epochs += r.Counted.Epochs
		if r.Counted.Beyond {
			report.Beyond++
		}
		report.WorstHeal = max(report.WorstHeal, r.Counted.HealMs)
		if r.Failure != nil {
			report.Failed++
			report.insert(r)
			if cfg.StopAt > 0 && int(report.Failed) >= cfg.StopAt {
				cancel()
			}
		}
		if cfg.Progress != nil {
			cfg.Progress(report.Seeds, report.Failed)
		}
	}
	report.Seconds = time.Since(start).Seconds()
	report.EventsPerS = float64(events) / report.Seconds
	return report
}

// insert keeps the failures in order of seed, so that a report does not depend on which worker was faster.
func (r *Report) insert(result sim.Result) {
	at := len(r.Failures)
	for at > 0 && r.Failures[at-1].Seed > result.Seed {
		at--
	}
	r.Failures = append(r.Failures, sim.Result{})
	copy(r.Failures[at+1:], r.Failures[at:])
	r.Failures[at] = result
}
