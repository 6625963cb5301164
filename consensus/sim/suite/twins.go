package suite

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/etherscale/bedrock/consensus/sim/twins"
)

// TwinsConfig says which scenarios of package twins to play.
type TwinsConfig struct {
	Scenarios iter.Seq[twins.Scenario]
	Workers   int
	StopAt    int // as in Config
	// Progress is called after every scenario, from one goroutine at a time; nil: not.
	Progress func(done, failed uint64)
}

// TwinsReport sums them up.
type TwinsReport struct {
	Scenarios uint64  `json:"scenarios"`
	Failed    uint64  `json:"failed"`
	Seconds   float64 `json:"seconds"`
	// Failures are in order of the scenarios; FirstFailed is the number, from 1, of the first.
	Failures    []*twins.Failure `json:"failures,omitempty"`
	FirstFailed uint64           `json:"firstFailed,omitempty"`
}

type twinsResult struct {
	number  uint64
	failure *twins.Failure
}

// Twins plays the scenarios. It ends early when the context does, or at the failure that StopAt names.
func Twins(ctx context.Context, cfg TwinsConfig) TwinsReport {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type job struct {
		number   uint64
		scenario twins.Scenario
	}
	jobs, results := make(chan job), make(chan twinsResult)
	var workers sync.WaitGroup
	for range max(1, cfg.Workers) {
		workers.Go(func() {
			for j := range jobs {
				results <- twinsResult{j.number, twins.Play(j.scenario)}
			}
		})
	}
	go func() {
		defer close(jobs)
		number := uint64(0)
		for s := range cfg.Scenarios {
			number++
			select {
			case jobs <- job{number, s}:
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() {
		workers.Wait()
		close(results)
	}()
	return gatherTwins(results, cfg, cancel)
}

func gatherTwins(results <-chan twinsResult, cfg TwinsConfig, cancel func()) TwinsReport {
	var report TwinsReport
	var failed []twinsResult
	start := time.Now()
	for r := range results {
		report.Scenarios++
		if r.failure != nil {
			report.Failed++
			at := len(failed)
			for at > 0 && failed[at-1].number > r.number {
				at--
			}
			failed = append(failed[:at], append([]twinsResult{r}, failed[at:]...)...)
			if cfg.StopAt > 0 && int(report.Failed) >= cfg.StopAt {
				cancel()
			}
		}
		if cfg.Progress != nil {
			cfg.Progress(report.Scenarios, report.Failed)
		}
	}
	for _, r := range failed {
		report.Failures = append(report.Failures, r.failure)
	}
	if len(failed) > 0 {
		report.FirstFailed = failed[0].number
	}
	report.Seconds = time.Since(start).Seconds()
	return report
}
