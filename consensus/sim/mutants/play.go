package main

import (
	"context"
	"encoding/json"
	"iter"
	"os"

	"github.com/etherscale/bedrock/consensus/sim/suite"
	"github.com/etherscale/bedrock/consensus/sim/twins"
)

// played is what a program with a planted bug answers.
type played struct {
	Failed    bool   `json:"failed"`
	Played    uint64 `json:"played"` // up to the first failure, or all
	Invariant string `json:"invariant,omitempty"`
	What      string `json:"what,omitempty"`
}

func (p played) print() error { return json.NewEncoder(os.Stdout).Encode(p) }

// twinsPerSeed is how many scenarios of twins, of 4 members over 10 rounds, belong to a seed here: what counts a member's two
// vertices twice shows where a quorum lacks just one, which partitions bring about and seeds hardly ever.
const twinsPerSeed = 20

// playSeeds plays seeds one after the other up to the first failure; then, if there was none, the scenarios of the seeds.
func playSeeds(ctx context.Context, first, seeds uint64) error {
	report := suite.Run(ctx, suite.Config{First: first, Count: seeds, Workers: 1, StopAt: 1})
	if len(report.Failures) == 0 {
		return playTwinsOf(first, seeds)
	}
	r := &report.Failures[0]
	return played{true, r.Seed - first + 1, r.Failure.Invariant, r.Failure.What}.print()
}

func playTwinsOf(first, seeds uint64) error {
	space, err := twins.NewSpace(4, 10)
	if err != nil {
		return err
	}
	for seed := range seeds {
		left := twinsPerSeed
		for s := range space.Sample(first + seed) {
			if left--; left < 0 {
				break
			}
			if failure := twins.Play(s); failure != nil {
				return played{true, seed + 1, "T", failure.What}.print()
			}
		}
	}
	return played{Played: seeds}.print()
}

// playTwins plays scenarios of package twins up to the first failure.
func playTwins(ctx context.Context) error {
	scenarios, err := twinsScenarios()
	if err != nil {
		return err
	}
	report := suite.Twins(ctx, suite.TwinsConfig{Scenarios: scenarios, Workers: 1, StopAt: 1})
	if report.Failed == 0 {
		return played{Played: report.Scenarios}.print()
	}
	return played{true, report.FirstFailed, "T", report.Failures[0].What}.print()
}

// twinsScenarios are all of four members over three rounds, then a drawn part of longer and larger ones.
func twinsScenarios() (iter.Seq[twins.Scenario], error) {
	small, err := twins.NewSpace(4, 3)
	if err != nil {
		return nil, err
	}
	long, err := twins.NewSpace(4, 10)
	if err != nil {
		return nil, err
	}
	large, err := twins.NewSpace(7, 8)
	if err != nil {
		return nil, err
	}
	return func(yield func(twins.Scenario) bool) {
		for s := range small.All() {
			if !yield(s) {
				return
			}
		}
		for _, drawn := range []struct {
			from  *twins.Space
			count int
		}{{long, 5000}, {large, 2000}} {
			left := drawn.count
			for s := range drawn.from.Sample(1) {
				if left--; left < 0 {
					break
				}
				if !yield(s) {
					return
				}
			}
		}
	}, nil
}
