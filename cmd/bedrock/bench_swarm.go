package main

import (
	"context"
	"encoding/json"
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
		fmt.Fprintf(out, "bytes received: %d on average, p95 %d; sent: %d\n", r.Bytes, r.BytesP95, r.Sent)
		fmt.Fprintf(out, "rows that came: %.1f %% of those asked for; %d clients asked for more than the first %d\n",
			100*r.Answered, r.Escalated, swarm.FirstSamples)
	})
}
