package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"time"

	"github.com/etherscale/bedrock/consensus/sim/suite"
	"github.com/etherscale/bedrock/consensus/sim/twins"
)

const (
	defaultTwinsMembers = 4
	shownFailures       = 5
)

// twinsSummary is the JSON of `sim --twins`.
type twinsSummary struct {
	Schema  int    `json:"schema"`
	Kind    string `json:"kind"`
	Members int    `json:"members"`
	Rounds  int    `json:"rounds"`
	Sampled bool   `json:"sampled"` // else all scenarios there are, up to renaming
	suite.TwinsReport
}

// playTwins plays all scenarios of so many members and rounds, or a drawn part of them.
func (f *simFlags) playTwins(ctx context.Context, out, errOut io.Writer) error {
	members := f.n
	if members == 0 {
		members = defaultTwinsMembers
	}
	space, err := twins.NewSpace(members, f.rounds)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	scenarios, total := space.All(), uint64(math.MaxUint64)
	if f.sample > 0 {
		seed := f.first
		if f.fresh {
			seed = uint64(time.Now().UnixMicro())
		}
		scenarios, total = firstOf(space.Sample(seed), f.sample), f.sample
	} else if !f.json {
		total = space.Count()
	}
	cfg := suite.TwinsConfig{Scenarios: scenarios, Workers: f.workers}
	if !f.json {
		cfg.Progress = progressBar(errOut, total, "scenarios")
	}
	report := suite.Twins(ctx, cfg)
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.json {
		err = json.NewEncoder(out).Encode(twinsSummary{1, "simTwins", members, f.rounds, f.sample > 0, report})
	} else {
		err = f.showTwins(out, &report)
	}
	if err == nil && report.Failed > 0 {
		err = &exitError{exitNegative, fmt.Errorf("%d of %d scenarios failed", report.Failed, report.Scenarios)}
	}
	return err
}

func (f *simFlags) showTwins(out io.Writer, report *suite.TwinsReport) error {
	fmt.Fprintf(out, "%d scenarios, %d failed\n", report.Scenarios, report.Failed)
	for _, failure := range report.Failures[:min(len(report.Failures), shownFailures)] {
		text, err := json.Marshal(failure.Scenario)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%v\n  bedrock sim --scenario '%s'\n", failure, text)
	}
	return nil
}

// playScenario plays one scenario, given as JSON or as the name of a file.
func (f *simFlags) playScenario(out io.Writer) error {
	text := []byte(f.scenario)
	if len(text) > 0 && text[0] != '{' {
		var err error
		if text, err = os.ReadFile(f.scenario); err != nil {
			return err
		}
	}
	s, err := twins.Decode(text)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	failure := twins.Play(s)
	if f.json {
		if err := json.NewEncoder(out).Encode(struct {
			Schema  int            `json:"schema"`
			Kind    string         `json:"kind"`
			Failure *twins.Failure `json:"failure"`
		}{1, "simScenario", failure}); err != nil {
			return err
		}
	}
	if failure != nil {
		return &exitError{exitNegative, failure}
	}
	if !f.json {
		fmt.Fprintln(out, "nothing failed")
	}
	return nil
}

func firstOf[T any](all iter.Seq[T], count uint64) iter.Seq[T] {
	return func(yield func(T) bool) {
		left := count
		for x := range all {
			if left == 0 || !yield(x) {
				return
			}
			left--
		}
	}
}
