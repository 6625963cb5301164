package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/consensus/sim"
	"github.com/etherscale/bedrock/consensus/sim/suite"
)

const (
	shrinkRuns  = 200 // most runs that making a failing manifest smaller may take
	shownEvents = 40
	// keptFailures is how many failing seeds are made smaller and written; the summary names all.
	keptFailures = 5
)

// simFlags are the flags of `bedrock sim`.
type simFlags struct {
	seeds    uint64
	first    uint64
	fresh    bool
	seed     uint64
	manifest string
	workers  int
	out      string
	json     bool
	n        int // members, with --wan or --twins; 0: their default
	wan      bool
	twins    bool
	rounds   int
	sample   uint64
	scenario string
	pin      string
}

func newSimCommand() *cobra.Command {
	var f simFlags
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Simulate the ordering of transactions under crashes, partitions, liars and wrong clocks",
		Long: "sim plays the ordering core in virtual time. Each seed expands to a manifest: the committee, the network, who\n" +
			"crashes, whose clocks are off, who lies and how. Equal manifests give equal traces. Whatever breaks is written\n" +
			"to --out: the manifest, a smaller one that breaks alike, the last events and the graph of\n" +
			"vertices (SVG for a browser, DOT for Graphviz). With --pin the smaller manifest becomes a regression test.\n\n" +
			"  bedrock sim --seeds 300              300 seeds, from 1 on\n" +
			"  bedrock sim --seeds 300 --fresh      300 seeds nobody played before\n" +
			"  bedrock sim --seed 87                one seed, with its manifest\n" +
			"  bedrock sim --manifest FILE          one manifest\n" +
			"  bedrock sim --seeds 200000 --fresh   a night\n" +
			"  bedrock sim --wan --n 50             time to release and bytes over a wide area network\n\n" +
			"--twins plays members that run twice through all partitions into two or three parts, a partition a round:\n\n" +
			"  bedrock sim --twins --n 4 --rounds 3                  all 7076 of them\n" +
			"  bedrock sim --twins --n 7 --rounds 5 --sample 20000   a drawn part of them\n" +
			"  bedrock sim --scenario '{\"members\":4,...}'          one, as a failure prints it",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case f.wan:
				return f.playWAN(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
			case f.scenario != "":
				return f.playScenario(cmd.OutOrStdout())
			case f.twins:
				return f.playTwins(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
			case cmd.Flags().Changed("manifest"):
				text, err := os.ReadFile(f.manifest)
				if err != nil {
					return err
				}
				m, err := sim.Decode(text)
				if err != nil {
					return &exitError{exitUsage, fmt.Errorf("%s: %w", f.manifest, err)}
				}
				return f.playOne(cmd.OutOrStdout(), m)
			case cmd.Flags().Changed("seed"):
				return f.playOne(cmd.OutOrStdout(), sim.Expand(f.seed))
			}
			return f.playMany(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.Uint64Var(&f.seeds, "seeds", 300, "number of seeds to play")
	flags.Uint64Var(&f.first, "first", 1, "first seed")
	flags.BoolVar(&f.fresh, "fresh", false, "take the first seed from the clock")
	flags.Uint64Var(&f.seed, "seed", 0, "play this seed alone")
	flags.StringVar(&f.manifest, "manifest", "", "play this manifest alone")
	flags.IntVar(&f.workers, "workers", runtime.NumCPU(), "seeds played at once")
	flags.StringVar(&f.out, "out", "sim-failures", "directory for what belongs to a failure; made when there is one")
	flags.StringVar(&f.pin, "pin", "", "directory to add manifests that fail to, made smaller: consensus/sim/testdata/seeds is played by the tests")
	flags.BoolVar(&f.json, "json", false, "print the result as JSON")
	flags.BoolVar(&f.wan, "wan", false, "measure time and bytes over a simulated wide area network")
	flags.BoolVar(&f.twins, "twins", false, "play members that run twice through all partitions")
	flags.IntVar(&f.n, "n", 0, "sequencers (--wan: default 50; --twins: 4 to 7, default 4)")
	flags.IntVar(&f.rounds, "rounds", 3, "partitions one after the other (with --twins)")
	flags.Uint64Var(&f.sample, "sample", 0, "play so many drawn scenarios instead of all (with --twins)")
	flags.StringVar(&f.scenario, "scenario", "", "play this scenario of --twins alone: JSON or the name of a file")
	cmd.MarkFlagsMutuallyExclusive("manifest", "twins", "scenario", "wan")
	cmd.MarkFlagsMutuallyExclusive("seed", "manifest")
	cmd.MarkFlagsMutuallyExclusive("first", "fresh")
	return cmd
}

// simSummary is the JSON of many seeds.
type simSummary struct {
	Schema int    `json:"schema"`
	Kind   string `json:"kind"`
	First  uint64 `json:"first"`
	suite.Report
}

func (f *simFlags) playMany(ctx context.Context, out, errOut io.Writer) error {
	cfg := suite.Config{First: f.first, Count: f.seeds, Workers: f.workers}
	if f.fresh {
		cfg.First = uint64(time.Now().UnixMicro())
	}
	if !f.json {
		cfg.Progress = progressBar(errOut, f.seeds, "seeds")
	}
	report := suite.Run(ctx, cfg)
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.json {
		if err := json.NewEncoder(out).Encode(simSummary{1, "sim", cfg.First, report}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(out, "%d seeds from %d on, %d failed; %.0f events/s; %d batches released, %d blocks certified, %d verdicts listed; slowest healing %d ms\n",
			report.Seeds, cfg.First, report.Failed, report.EventsPerS, report.Released, report.Certified, report.Verdicts, report.WorstHeal)
	}
	for i := range report.Failures[:min(len(report.Failures), keptFailures)] {
		if err := f.keep(out, sim.Expand(report.Failures[i].Seed), &report.Failures[i]); err != nil {
			return err
		}
	}
	if report.Failed > 0 {
		return &exitError{exitNegative, fmt.Errorf("%d of %d seeds failed", report.Failed, report.Seeds)}
	}
	return nil
}

// progressBar tells how many were played and how many of them failed.
func progressBar(out io.Writer, total uint64, what string) func(done, failed uint64) {
	bar := bar{out: out}
	return func(done, failed uint64) {
		bar.draw(done, total, fmt.Sprintf("%s, %d failed", what, failed))
	}
}

func (f *simFlags) playOne(out io.Writer, m sim.Manifest) error {
	r := sim.Run(m)
	if f.json {
		err := json.NewEncoder(out).Encode(struct {
			Schema   int          `json:"schema"`
			Kind     string       `json:"kind"`
			Manifest sim.Manifest `json:"manifest"`
			Result   sim.Result   `json:"result"`
		}{1, "simRun", m, r})
		if err != nil {
			return err
		}
	} else {
		text, err := json.MarshalIndent(m, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\ntrace %s, %d events, %d vertices in the sequence, %d batches released, %d blocks, %d certified, healed in %d ms\n",
			text, r.Trace, r.Counted.Events, r.Counted.Appended, r.Counted.Released, r.Counted.Blocks, r.Counted.Certified, r.Counted.HealMs)
	}
	if r.Failure == nil {
		return nil
	}
	return errors.Join(f.keep(out, m, &r), &exitError{exitNegative, r.Failure})
}

// keep writes what belongs to a failure, and shows the end of it.
func (f *simFlags) keep(out io.Writer, m sim.Manifest, r *sim.Result) error {
	small, again := sim.Shrink(m, r.Failure, shrinkRuns)
	if again.Failure == nil {
		return fmt.Errorf("seed %d failed and does not fail again: %w", m.Seed, r.Failure)
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return err
	}
	base := filepath.Join(f.out, fmt.Sprintf("%s-%d", again.Failure.Invariant, m.Seed))
	files := map[string]any{".json": m, "-small.json": small}
	for name, value := range files {
		text, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			return err
		}
		files[name] = string(text) + "\n"
	}
	events := again.Events()
	files[".events"] = strings.Join(events, "\n") + "\n"
	files[".dot"] = again.DOT()
	files[".svg"] = again.SVG()
	for name, text := range files {
		if err := os.WriteFile(base+name, []byte(text.(string)), 0o644); err != nil {
			return err
		}
	}
	if f.pin != "" {
		name := filepath.Join(f.pin, filepath.Base(base)+".json")
		if err := os.WriteFile(name, []byte(files["-small.json"].(string)), 0o644); err != nil {
			return err
		}
	}
	if !f.json {
		fmt.Fprintf(out, "seed %d: %v\n%s", m.Seed, r.Failure, files["-small.json"])
		for _, line := range events[max(0, len(events)-shownEvents):] {
			fmt.Fprintln(out, line)
		}
		fmt.Fprintf(out, "written to %s{.json,-small.json,.events,.dot,.svg}\n", base)
	}
	return nil
}
