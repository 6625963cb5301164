package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/types"
)

type lightFlags struct {
	network    string
	home       string
	rpc        string
	listen     []string
	bootstrap  []string
	checkpoint string
	asserted   bool
	length     time.Duration
	json       bool
	verbose    bool
}

// lightListen is where a light client listens unless told otherwise: nobody needs to find it, so any port will do.
func lightListen() []string { return []string{"/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1"} }

func newLightCommand() *cobra.Command {
	var f lightFlags
	cmd := &cobra.Command{
		Use:   "light",
		Short: "Run a light client that answers a wallet with proofs",
		Long: "Joins the network of a network file, samples its blocks, follows what provers claim and verifies challenges. Its JSON-RPC\n" +
			"answers are proven against a settled claim (with --asserted: against the newest one that stands); what cannot be\n" +
			"proven is an error. See docs/light.md.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runLight(cmd, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.network, "network", "", "the network file, as `bedrock devnet` writes it")
	flags.StringVar(&f.home, "home", "", "directory of the client; made when missing; default: one for each network below the user's configuration directory")
	flags.StringVar(&f.rpc, "rpc", "127.0.0.1:8546", "address of the JSON-RPC server; port 0 takes any free port")
	flags.StringSliceVar(&f.listen, "listen", lightListen(), "multiaddr to listen on (repeatable)")
	flags.StringSliceVar(&f.bootstrap, "bootstrap", nil, "multiaddr with /p2p/ of a node to join by, beside those of the network file (repeatable)")
	flags.StringVar(&f.checkpoint, "checkpoint", "", "HEIGHT:DIGEST of an epoch's last header, in place of the network file's")
	flags.BoolVar(&f.asserted, "asserted", false, "let the tag latest stand for the newest asserted state instead of the newest settled one")
	flags.DurationVar(&f.length, "for", 0, "stop after this time; 0 runs until Ctrl-C")
	flags.BoolVar(&f.json, "json", false, "print one line of JSON when the RPC listens and one for each change; the log goes to standard error")
	flags.BoolVar(&f.verbose, "verbose", false, "log details")
	_ = cmd.MarkFlagRequired("network")
	return cmd
}

func runLight(cmd *cobra.Command, f lightFlags) (err error) {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	cfg.Logger = logTo(cmd, slog.LevelWarn, f.verbose)
	n, err := node.Open(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	out := cmd.OutOrStdout()
	if err := sayRunning(out, n, f.json); err != nil {
		return err
	}
	ctx, cancel := runFor(cmd.Context(), f.length)
	defer cancel()
	told := make(chan struct{})
	go func() {
		defer close(told)
		sayProgress(ctx, out, n, f.json)
	}()
	err = n.Run(ctx)
	cancel()
	<-told
	return err
}

// config reads the network file and opens the home, or makes it.
func (f lightFlags) config() (node.Config, error) {
	network, err := node.ReadNetwork(f.network)
	if err != nil {
		return node.Config{}, err
	}
	id, err := network.Genesis.NetworkID()
	if err != nil {
		return node.Config{}, err
	}
	if f.home == "" {
		base, err := os.UserConfigDir()
		if err != nil {
			return node.Config{}, &exitError{exitUsage, fmt.Errorf("no directory for the client is known, name one with --home: %w", err)}
		}
		f.home = filepath.Join(base, "bedrock", "light-"+id.String()[:16])
	}
	home, err := openLightHome(f.home, network.Genesis, id)
	if err != nil {
		return node.Config{}, err
	}
	cfg := home.Config()
	cfg.RPC, cfg.Listen, cfg.LatestAsserted = f.rpc, f.listen, f.asserted
	if cfg.Bootstrap = append(f.bootstrap, network.Bootstrap...); len(cfg.Bootstrap) == 0 {
		return node.Config{}, &exitError{exitUsage, fmt.Errorf("%s names no node to join by: name one with --bootstrap", f.network)}
	}
	if cfg.Checkpoint = network.Checkpoint; f.checkpoint != "" {
		cfg.Checkpoint = f.checkpoint
	}
	if err := cfg.Validate(); err != nil {
		return node.Config{}, &exitError{exitUsage, err}
	}
	cfg.Sandbox, err = sandboxCommand()
	return cfg, err
}

// openLightHome loads the home of a light client of this network, or makes it.
func openLightHome(dir string, genesis *types.Genesis, id types.NetworkID) (*node.Home, error) {
	if !node.IsHome(dir) {
		if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
			return nil, fmt.Errorf("home: %w", err)
		}
		return node.InitHome(dir, genesis, node.Identity{}, node.Settings{Role: node.Light})
	}
	home, err := node.LoadHome(dir)
	if err != nil {
		return nil, err
	}
	known, err := home.Genesis.NetworkID()
	if err != nil {
		return nil, err
	}
	if known != id {
		return nil, fmt.Errorf("%s is the home of a node of network %s, the network file is of %s: choose another --home", dir, known, id)
	}
	if home.Settings.Role != node.Light {
		return nil, fmt.Errorf("%s is the home of a %s: choose another --home, or use `bedrock run`", dir, home.Settings.Role)
	}
	return home, nil
}

// progressEvery is how often a light client looks whether there is something to say.
const progressEvery = 250 * time.Millisecond

// sayProgress prints a line whenever another block is asserted or settled, or the node stopped following.
func sayProgress(ctx context.Context, out io.Writer, n *node.Node, asJSON bool) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	var said node.Progress
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := n.Progress()
		if now.Asserted == said.Asserted && now.Settled == said.Settled && now.Stopped == said.Stopped {
			continue
		}
		said = now
		if asJSON {
			_ = json.NewEncoder(out).Encode(now)
			continue
		}
		fmt.Fprintf(out, "certified %d  sampled %d  asserted %d  settled %d\n", now.Certified, now.Sampled, now.Asserted, now.Settled)
		if now.Stopped != "" {
			fmt.Fprintf(out, "STOPPED: %s\n", now.Stopped)
		}
	}
}
