package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/dht/swarm"
)

const (
	minSimHosts = 10
	maxSimHosts = 1000
	simulated   = "The peers are real libp2p hosts with the DHT that nodes run, in one process; the wire is simulated: round trips\n" +
		"of 20 to 120 ms, 20 Mbit/s up and down at each peer. Times are virtual and leave out computing.\n"
)

// benchFlags are common to the benchmarks on a simulated network.
type benchFlags struct {
	hosts int
	seed  uint64
	json  bool
}

func (f *benchFlags) register(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.hosts, "hosts", 100, "servers of the network, the committee of four included")
	cmd.Flags().Uint64Var(&f.seed, "seed", 1, "seed of identities, places and delays")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the result as JSON")
}

func (f *benchFlags) check() error {
	if f.hosts < minSimHosts || f.hosts > maxSimHosts {
		return &exitError{exitUsage, fmt.Errorf("--hosts %d: %d to %d can be simulated", f.hosts, minSimHosts, maxSimHosts)}
	}
	return nil
}

// progress draws a bar on errOut, unless the result is for a program.
func (f *benchFlags) progress(errOut io.Writer, what string) func(done, total int) {
	if f.json {
		return nil
	}
	b := bar{out: errOut}
	return func(done, total int) { b.draw(uint64(done), uint64(total), what) }
}

// finish prints a result as JSON or in words.
func (f *benchFlags) finish(out io.Writer, summary any, words func()) error {
	if f.json {
		return json.NewEncoder(out).Encode(summary)
	}
	words()
	return nil
}

// checkShare refuses what is no percentage below 100.
func checkShare(flag string, v int) error {
	if v < 0 || v > 99 {
		return &exitError{exitUsage, fmt.Errorf("--%s %d: a percentage from 0 to 99", flag, v)}
	}
	return nil
}

func newBenchSamplingCommand() *cobra.Command {
	f, cfg := benchFlags{}, swarm.SamplingConfig{}
	cmd := &cobra.Command{
		Use:   "sampling",
		Short: "Measure how long light clients take to find a block available, and what it costs them",
		Long: "sampling has light clients sample a block in a simulated network, part of which falls silent as they begin.\n" + simulated +
			"A client has run for a minute, so it knows the network, but has no connection open and does not know who is dead.\n" +
			"100 hosts and 200 trials take about two minutes.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if err := checkShare("dead", cfg.Dead); err != nil {
				return err
			}
			if cfg.Trials < 1 || cfg.Size < 1 || cfg.Size > 32<<20 {
				return &exitError{exitUsage, fmt.Errorf("--trials %d, --bytes %d: at least one of each, and at most 32 MiB", cfg.Trials, cfg.Size)}
			}
			cfg.Hosts, cfg.Seed, cfg.Progress = f.hosts, f.seed, f.progress(cmd.ErrOrStderr(), "trials")
			return f.benchSampling(cmd.Context(), cmd.OutOrStdout(), cfg)
		},
	}
	f.register(cmd)
	cmd.Flags().IntVar(&cfg.Dead, "dead", 20, "percent of the servers that fall silent as a trial begins")
	cmd.Flags().IntVar(&cfg.Trials, "trials", 200, "blocks sampled")
	cmd.Flags().IntVar(&cfg.Size, "bytes", 8<<20, "bytes of the block")
	return cmd
}

// samplingSummary is the JSON of `bedrock bench sampling`.
type samplingSummary struct {
	Schema int    `json:"schema"`
	Kind   string `json:"kind"`
	Hosts  int    `json:"hosts"`
	Dead   int    `json:"deadPercent"`
	swarm.SamplingReport
}

func (f *benchFlags) benchSampling(ctx context.Context, out io.Writer, cfg swarm.SamplingConfig) error {
	r, err := swarm.Sampling(ctx, cfg)
	if err != nil {
		return err
	}
	return f.finish(out, samplingSummary{1, "benchSampling", cfg.Hosts, cfg.Dead, r}, func() {
		fmt.Fprintf(out, "%d hosts, %d %% of them silent: %d of %d clients found the block of %d KiB available\n",
			cfg.Hosts, cfg.Dead, r.Accepted, r.Trials, cfg.Size>>10)
		fmt.Fprintf(out, "time to the verdict: p50 %.0f ms, p95 %.0f ms (virtual)\n", r.P50Ms, r.P95Ms)
		fmt.Fprintf(out, "bytes received: %d of rows and openings on average, p95 %d; %d with handshakes and all else; sent: %d\n",
			r.Bytes, r.BytesP95, r.Wire, r.Sent)
		fmt.Fprintf(out, "rows that came: %.1f %% of those asked for; %d clients asked for more than the first %d\n",
			100*r.Answered, r.Escalated, swarm.FirstSamples)
	})
}

func newBenchSurvivalCommand() *cobra.Command {
	f, cfg := benchFlags{}, swarm.SurvivalConfig{}
	cmd := &cobra.Command{
		Use:   "survival",
		Short: "Take most peers away at once and rebuild every block from what is left",
		Long: "survival publishes blocks of 40 KB, 128 KiB and 1 MiB in simulated networks, silences most of the peers of each at once,\n" +
			"the whole committee among them, and rebuilds every block over the wire from the rows that are left.\n" + simulated +
			"20 networks of 100 hosts take some ten minutes on two cores.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if err := checkShare("lost", cfg.Lost); err != nil {
				return err
			}
			if cfg.Seeds < 1 {
				return &exitError{exitUsage, fmt.Errorf("--seeds %d: at least one", cfg.Seeds)}
			}
			cfg.Hosts, cfg.Seed, cfg.Progress = f.hosts, f.seed, f.progress(cmd.ErrOrStderr(), "networks")
			return f.benchSurvival(cmd.Context(), cmd.OutOrStdout(), cfg)
		},
	}
	f.register(cmd)
	cmd.Flags().IntVar(&cfg.Lost, "lost", 80, "percent of the servers that vanish")
	cmd.Flags().IntVar(&cfg.Seeds, "seeds", 20, "networks, each with a seed of its own from --seed on")
	return cmd
}

// survivalSummary is the JSON of `bedrock bench survival`.
type survivalSummary struct {
	Schema int    `json:"schema"`
	Kind   string `json:"kind"`
	Hosts  int    `json:"hosts"`
	Lost   int    `json:"lostPercent"`
	swarm.SurvivalReport
}

func (f *benchFlags) benchSurvival(ctx context.Context, out io.Writer, cfg swarm.SurvivalConfig) error {
	r, err := swarm.Survival(ctx, cfg)
	if err != nil {
		return err
	}
	err = f.finish(out, survivalSummary{1, "benchSurvival", cfg.Hosts, cfg.Lost, r}, func() {
		fmt.Fprintf(out, "%d networks of %d hosts, %d %% silenced at once: %d of %d blocks rebuilt\n", r.Seeds, cfg.Hosts, cfg.Lost, r.Rebuilt, r.Blocks)
		fmt.Fprintf(out, "at least %.0f %% of the rows of each had a holder left (25 %% are needed); the slowest rebuild took %.1f s (virtual)\n",
			100*r.Rows, r.SlowestMs/1000)
	})
	if err == nil && r.Rebuilt < r.Blocks {
		err = &exitError{exitNegative, errors.New("not every block could be rebuilt")}
	}
	return err
}

func newBenchSeedingCommand() *cobra.Command {
	f, cfg := benchFlags{}, swarm.SeedingConfig{}
	cmd := &cobra.Command{
		Use:   "seeding",
		Short: "Measure how long a committee takes to bring a block's rows to their holders",
		Long: "seeding has the four members of a committee publish one block together, and looks at the disks of all until every row\n" +
			"has its three holders. The bound it compares with is all rows once over the members' lines.\n" + simulated +
			"About a minute.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if cfg.Size < 1 || cfg.Size > 32<<20 {
				return &exitError{exitUsage, fmt.Errorf("--bytes %d: 1 to 32 MiB", cfg.Size)}
			}
			cfg.Hosts, cfg.Seed, cfg.Progress = f.hosts, f.seed, f.progress(cmd.ErrOrStderr(), "rows at all their holders")
			return f.benchSeeding(cmd.Context(), cmd.OutOrStdout(), cfg)
		},
	}
	f.register(cmd)
	cmd.Flags().IntVar(&cfg.Size, "bytes", 8<<20, "bytes of the block")
	return cmd
}

// seedingSummary is the JSON of `bedrock bench seeding`.
type seedingSummary struct {
	Schema int    `json:"schema"`
	Kind   string `json:"kind"`
	Hosts  int    `json:"hosts"`
	Bytes  int    `json:"bytes"`
	swarm.SeedingReport
}

func (f *benchFlags) benchSeeding(ctx context.Context, out io.Writer, cfg swarm.SeedingConfig) error {
	r, err := swarm.Seeding(ctx, cfg)
	if err != nil {
		return err
	}
	return f.finish(out, seedingSummary{1, "benchSeeding", cfg.Hosts, cfg.Size, r}, func() {
		fmt.Fprintf(out, "%d rows of a block of %d KiB to %d hosts; all of them once over the members' lines would take %.0f ms\n",
			r.Rows, cfg.Size>>10, cfg.Hosts, r.LineMs)
		fmt.Fprintf(out, "every row has a holder after %.0f ms (%.2f of that), all its holders after %.0f ms (%.2f); virtual time\n",
			r.OneMs, r.OneRatio, r.AllMs, r.Ratio)
		fmt.Fprintf(out, "members sent %.1f MB, the others %.1f MB\n", float64(r.MemberSent)/1e6, float64(r.OtherSent)/1e6)
	})
}
