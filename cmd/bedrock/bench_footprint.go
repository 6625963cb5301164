package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// footprintConfig says how `bedrock bench footprint` measures.
type footprintConfig struct {
	hosts          int // peers of the network beside those that are measured
	settle, window time.Duration
}

// footprint is what one idle program costs.
type footprint struct {
	RSSMB     float64 `json:"rssMB"`     // largest resident memory seen (VmRSS), in 10^6 bytes: pages of the program's file are counted
	RSSAnonMB float64 `json:"rssAnonMB"` // largest part of it that is no file's (RssAnon)
	CPUPct    float64 `json:"cpuPct"`    // of one core, user and system
	BytesPerS float64 `json:"bytesPerS"` // in and out, as the kernel counts frames at the program's only interface

	Connections int     `json:"connections"` // at the end: peers that it is connected to
	ListenMs    float64 `json:"listenMs"`    // from exec to the line that says where it listens
}

// footprintSummary is the JSON of `bedrock bench footprint`.
type footprintSummary struct {
	Light footprint `json:"light"`
	Peer  footprint `json:"peer"`
	// FirstSampleMs is from exec of `bedrock light` with an empty home to its first verified sample.
	FirstSampleMs float64 `json:"firstSampleMs"`
}

func newBenchFootprintCommand() *cobra.Command {
	var cfg footprintConfig
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "footprint",
		Short: "Measure what an idle light client and an idle home peer cost: memory, CPU, bytes (Linux, root)",
		Long: "footprint runs a network of home peers with a heartbeat block every 10 s, and in it a light client and a home peer that\n" +
			"are measured, each a process as a user starts it. Each has a network namespace with a public address, so that the kernel\n" +
			"counts the bytes of each: headers, handshakes and acknowledgements included. CPU and memory are those of /proc; the\n" +
			"program's file is read from the disk, as after a start of the machine. About 7 minutes and 4 GB of memory. Without root:\n" +
			"unshare --map-root-user --net --mount sh -c 'mount -t tmpfs none /run && bedrock bench footprint'.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return benchFootprint(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), cfg, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&cfg.hosts, "hosts", 44, "peers in the network beside a bootstrap node, 4 sequencers, a prover and the measured ones")
	flags.DurationVar(&cfg.settle, "settle", 4*time.Minute, "time between the start and the measurement")
	flags.DurationVar(&cfg.window, "window", 2*time.Minute, "length of the measurement")
	flags.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

func benchFootprint(ctx context.Context, out, progress io.Writer, cfg footprintConfig, asJSON bool) (err error) {
	if cfg.hosts < 1 || cfg.hosts > 64 || cfg.window < time.Second {
		return &exitError{exitUsage, errors.New("--hosts is 1 to 64, --window at least 1s")}
	}
	dir, err := os.MkdirTemp("", "bedrock-footprint-")
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	lab, err := newFootprintLab(ctx, dir, cfg.hosts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.close()) }()
	summary, err := measureFootprint(ctx, lab, cfg, progress)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(summary)
	}
	return printFootprint(out, summary)
}

// measureFootprint starts the network, then what is measured, lets all come to rest, and measures.
func measureFootprint(ctx context.Context, lab *footprintLab, cfg footprintConfig, progress io.Writer) (*footprintSummary, error) {
	fmt.Fprintf(progress, "starting a network of %d nodes\n", cfg.hosts+6)
	swarm, err := lab.start(ctx, labSwarm, "bench", footprintSwarmVerb, "--dir", filepath.Join(lab.dir, "swarm"))
	if err != nil {
		return nil, err
	}
	var network footprintNetwork
	if err := swarm.next(ctx, &network); err != nil {
		return nil, err
	}
	everybody, err := startHomes(ctx, lab, network, cfg.hosts)
	if err != nil {
		return nil, err
	}
	if err := waitForBlocks(ctx, swarm); err != nil {
		return nil, err
	}
	light, err := lab.start(ctx, labLight, "light", "--json", "--home", filepath.Join(lab.dir, "light"), "--network", network.Network)
	if err != nil {
		return nil, err
	}
	summary := new(footprintSummary)
	if summary.Light.ListenMs, summary.FirstSampleMs, err = firstSample(ctx, light); err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "light client: listens after %.0f ms, first sample after %.0f ms\n", summary.Light.ListenMs, summary.FirstSampleMs)
	peer, err := startPeer(ctx, lab, network.Network, everybody)
	if err != nil {
		return nil, err
	}
	summary.Peer.ListenMs = peer.age()
	fmt.Fprintf(progress, "peer: listens after %.0f ms; waiting %s, measuring %s\n", summary.Peer.ListenMs, cfg.settle, cfg.window)
	if err := pause(ctx, cfg.settle); err != nil {
		return nil, err
	}
	return summary, measureIdle(ctx, cfg.window, map[*footprintProcess]*footprint{light: &summary.Light, peer: &summary.Peer})
}

// footprintNetwork is what the swarm says of itself first.
type footprintNetwork struct {
	Network string // its file
	Nodes   []struct{ Addrs []string }
}

// startHomes starts the network's other peers, and returns where all its nodes listen.
func startHomes(ctx context.Context, lab *footprintLab, network footprintNetwork, count int) (everybody []string, err error) {
	for _, n := range network.Nodes {
		everybody = append(everybody, n.Addrs...)
	}
	for i := range count {
		name := homeName(i)
		home, err := lab.start(ctx, name, "run", "--json", "--home", filepath.Join(lab.dir, name), "--network", network.Network, "--rpc", "off", "--metrics", "off")
		if err != nil {
			return nil, err
		}
		var up running
		if err := home.next(ctx, &up); err != nil {
			return nil, err
		}
		everybody = append(everybody, up.Addrs...)
	}
	return everybody, nil
}

// startPeer starts the home peer, and returns when it listens. It joins by everybody: so it is connected to everybody, which are
// as many as a home's peer may be.
func startPeer(ctx context.Context, lab *footprintLab, network string, everybody []string) (*footprintProcess, error) {
	peer, err := lab.start(ctx, labPeer, "run", "--json", "--home", filepath.Join(lab.dir, "peer"), "--network", network, "--bootstrap", strings.Join(everybody, ","))
	if err != nil {
		return nil, err
	}
	var up running
	return peer, peer.next(ctx, &up)
}

// measureIdle fills in what each process costs from now on for a time.
func measureIdle(ctx context.Context, length time.Duration, of map[*footprintProcess]*footprint) error {
	begin := time.Now()
	first := make(map[*footprintProcess]usageReading)
	for p := range of {
		var err error
		if first[p], err = p.usage(); err != nil {
			return err
		}
	}
	for time.Since(begin) < length {
		if err := pause(ctx, min(time.Second, length)); err != nil {
			return err
		}
		for p, f := range of {
			u, err := p.usage()
			if err != nil {
				return err
			}
			seconds := u.at.Sub(first[p].at).Seconds()
			f.RSSMB, f.RSSAnonMB = max(f.RSSMB, float64(u.rss)/1e6), max(f.RSSAnonMB, float64(u.anonymous)/1e6)
			f.CPUPct = 100 * (u.cpu - first[p].cpu).Seconds() / seconds
			f.BytesPerS = float64(u.bytes-first[p].bytes) / seconds
		}
	}
	for p, f := range of {
		var err error
		if f.Connections, err = p.connections(ctx); err != nil {
			return err
		}
	}
	return nil
}

func printFootprint(out io.Writer, s *footprintSummary) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tlight client\thome peer")
	row := func(what, format string, of func(f footprint) any) {
		fmt.Fprintf(t, "%s\t"+format+"\t"+format+"\n", what, of(s.Light), of(s.Peer))
	}
	row("connections", "%d", func(f footprint) any { return f.Connections })
	row("memory", "%.0f MB", func(f footprint) any { return f.RSSMB })
	row("of it no file's", "%.0f MB", func(f footprint) any { return f.RSSAnonMB })
	row("CPU, of a core", "%.2f %%", func(f footprint) any { return f.CPUPct })
	row("bytes, in and out", "%.0f B/s", func(f footprint) any { return f.BytesPerS })
	row("listens after", "%.0f ms", func(f footprint) any { return f.ListenMs })
	fmt.Fprintf(t, "first sample after\t%.0f ms\t\n", s.FirstSampleMs)
	return t.Flush()
}
