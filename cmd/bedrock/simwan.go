package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/etherscale/bedrock/consensus/sim/wan"
)

// defaultWANMembers is the committee of `bedrock sim --wan` without --n.
const defaultWANMembers = 50

// wanSummary is the JSON of a simulated wide area network.
type wanSummary struct {
	Schema int    `json:"schema"`
	Kind   string `json:"kind"`
	wan.Report
}

func (f *simFlags) playWAN(ctx context.Context, out, errOut io.Writer) error {
	cfg := wan.Config{N: f.n, Seed: f.seed}.Defaults()
	if cfg.N == 0 {
		cfg.N = defaultWANMembers
	}
	if cfg.N < wan.MinMembers || cfg.N > wan.MaxMembers {
		return &exitError{exitUsage, fmt.Errorf("--n %d: %d to %d sequencers can be simulated", cfg.N, wan.MinMembers, wan.MaxMembers)}
	}
	report, err := wan.Measured(ctx, cfg, func(fault wan.Fault) {
		if !f.json {
			fmt.Fprintf(errOut, "playing %d sequencers: %s\n", cfg.N, faultNames[fault])
		}
	})
	if err != nil {
		return err
	}
	if f.json {
		return json.NewEncoder(out).Encode(wanSummary{1, "simWan", report})
	}
	return printWAN(out, &report)
}

var faultNames = map[wan.Fault]string{
	wan.None: "no fault", wan.Crashed: "f crashed", wan.HalfPublished: "f half-publish each round",
	wan.Slow: "one 10 times slower", wan.Clock: "one clock 2 s ahead", wan.Idle: "nothing to order",
}

func printWAN(out io.Writer, r *wan.Report) error {
	fmt.Fprintf(out, "%d sequencers, one-way delays 20 to 120 ms, mean d = %.1f ms; from submission to release at the entry sequencer:\n\n",
		r.N, r.DelayMs)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tp50\tp99\tp50 ratio\tround ms\tindirect slots\tunreleased\t")
	row := func(f wan.Fault, x wan.Faulty) {
		fmt.Fprintf(t, "%s\t%.2f d\t%.2f d\t%.2f\t%.0f\t%.2f %%\t%d\t\n", faultNames[f], x.P50, x.P99, x.RatioP50, x.RoundMs,
			100*x.IndirectSlots, x.Unreleased)
	}
	row(wan.None, wan.Faulty{P50: r.P50, P99: r.P99, RatioP50: 1, RoundMs: r.RoundMs, IndirectSlots: r.IndirectSlots, Unreleased: r.Unreleased})
	row(wan.Crashed, r.Crashed)
	row(wan.HalfPublished, r.HalfPublished)
	row(wan.Slow, r.Slow)
	row(wan.Clock, r.Clock)
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nbytes that one sequencer sends:")
	t = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\town vertices\tothers' vertices\tbodies by gossip\tbodies pushed\tfetches\ttotal\t")
	for _, x := range []struct {
		what  string
		bytes wan.Bytes
	}{{"per payload byte ordered", r.PerPayloadByte}, {"a second, idle", r.IdlePerSecond}} {
		fmt.Fprintf(t, "%s\t%.3g\t%.3g\t%.3g\t%.3g\t%.3g\t%.4g\t\n", x.what, x.bytes.Vertices, x.bytes.Others, x.bytes.Gossip,
			x.bytes.Pushed, x.bytes.Fetched, x.bytes.Total)
	}
	return t.Flush()
}
