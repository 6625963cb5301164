package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/store"
)

// runFlags are the flags of a verb that runs a node which are no settings: they hold for one run.
type runFlags struct {
	home    string
	length  time.Duration
	json    bool
	verbose bool
}

func (f *runFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.home, "home", "", "directory of the node; made when missing; default: one for each network in the user's data directory")
	flags.DurationVar(&f.length, "for", 0, "stop after this time; 0 runs until Ctrl-C")
	flags.BoolVar(&f.json, "json", false, "print one line of JSON when the node is up; the log goes to standard error")
	flags.BoolVar(&f.verbose, "verbose", false, "log details, as --log-level debug")
}

func newRunCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run a node",
		Long: "Runs a node of a network. Its home is made at the first start. What the node does is its role, and may be another one at the\n" +
			"next start, in the same home.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := openHome(cmd, f.home)
			if err != nil {
				return err
			}
			return runNode(cmd, home, f, nil)
		},
	}
	f.add(cmd)
	addSettings(cmd, "asserted")
	return cmd
}

func newBootstrapCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "bootstrap",
		Short: "Run a node that others join by: it relays for homes behind routers, and keeps rows",
		Long: "Runs a node with the role bootstrap and the profile bootstrap. It needs an address that strangers can dial: a public one of the\n" +
			"machine's own, or --announce. See docs/bootstrap.md.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := openHome(cmd, f.home)
			if err != nil {
				return err
			}
			if err := home.Layers.Set("role", []string{string(config.Bootstrap)}, "bedrock bootstrap"); err != nil {
				return err
			}
			return runNode(cmd, home, f, nil)
		},
	}
	f.add(cmd)
	addSettings(cmd, "role", "asserted", "sampling", "sampling_rate", "password_file")
	return cmd
}

// running is what `run --json` prints when the node is up.
type running struct {
	Schema int         `json:"schema"`
	Role   config.Role `json:"role"`
	PeerID string      `json:"peerId"`
	// Account is the node's Ethereum account; empty at nodes that post nothing.
	Account string   `json:"account,omitempty"`
	Addrs   []string `json:"addrs"`
	RPC     string   `json:"rpc,omitempty"`
	Metrics string   `json:"metrics,omitempty"`
}

// runNode runs the node of a home until it is told to stop. While it runs, watch says what happens on the output.
func runNode(cmd *cobra.Command, home *config.Home, f runFlags, watch func(context.Context, io.Writer, *node.Node, bool)) (err error) {
	if home.Layers.Settings.Role.Executes() || home.Layers.Settings.Role == "" { // the others post nothing
		if err := unlock(home, "--password-file", home.Layers.Settings.PasswordFile); err != nil {
			return err
		}
	}
	cfg := node.ConfigOf(home)
	defaultAddresses(&cfg)
	if err := cfg.Validate(); err != nil {
		return &exitError{exitUsage, err}
	}
	if cfg.Sandbox, err = sandboxCommand(); err != nil {
		return err
	}
	s := home.Layers.Settings
	cfg.Logger = newLog(cmd.ErrOrStderr(), logLevel(s.LogLevel, cfg.Role, f.verbose), s.LogFormat)
	for _, warning := range home.Layers.Warnings {
		cfg.Logger.Warn(warning)
	}
	n, err := node.Open(cfg)
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("%w%s", err, whoRuns(home.Dir))
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	withdraw, err := announce(home, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, withdraw()) }()
	out := cmd.OutOrStdout()
	if err := sayRunning(out, n, home, f.json); err != nil {
		return err
	}
	defer releaseStart(cfg.Logger)()
	ctx, cancel := runFor(cmd.Context(), f.length)
	defer cancel()
	told := make(chan struct{})
	go func() {
		defer close(told)
		if watch != nil {
			watch(ctx, out, n, f.json)
			return
		}
		screen := out
		if f.json { // the output is for programs
			screen = io.Discard
		}
		showCatchUp(ctx, screen, cfg.Logger, n)
	}()
	err = n.Run(ctx)
	cancel()
	<-told
	return err
}

// defaultAddresses fills in where a node answers and listens. An address that nobody asked for may be another when it is taken.
func defaultAddresses(cfg *node.Config) {
	if cfg.RPC == "" {
		cfg.RPC, cfg.RPCMayMove = config.DefaultRPC(cfg.Role), true
	}
	if cfg.RPC == config.Off {
		cfg.RPC = ""
	}
	if cfg.Metrics == "" {
		cfg.Metrics, cfg.MetricsMayMove = config.DefaultMetrics, true
	}
	if cfg.Metrics == config.Off {
		cfg.Metrics = ""
	}
	if len(cfg.Listen) == 0 && cfg.Role == config.Light {
		cfg.Listen = slices.Clone(lightListen)
	}
}

// lightListen is where a light client listens unless told otherwise: nobody needs to find it, so any port will do.
var lightListen = []string{"/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1"}

func sayRunning(out io.Writer, n *node.Node, home *config.Home, asJSON bool) error {
	r := running{Schema: 1, Role: n.Role(), PeerID: n.PeerID(), Addrs: n.Addrs()}
	if a, ok := n.Account(); ok {
		r.Account = fmt.Sprintf("0x%x", a)
	}
	if n.RPCAddr() != "" {
		r.RPC = "http://" + n.RPCAddr()
	}
	if n.MetricsAddr() != "" {
		r.Metrics = "http://" + n.MetricsAddr() + "/metrics"
	}
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	fmt.Fprintf(out, "%s %s of network %s, %s\n  home       %s", r.Role, r.PeerID, n.NetworkName(), n.Version(), home.Dir)
	if home.New {
		fmt.Fprint(out, ", made now: its keys are in node.key and account.json, which you alone can read")
	}
	fmt.Fprintln(out)
	if checkpoint := node.ConfigOf(home).Checkpoint; checkpoint != "" {
		height, _, _ := strings.Cut(checkpoint, ":")
		from := "the network file"
		if home.Layers.IsSet("checkpoint") {
			from = "your settings"
		}
		fmt.Fprintf(out, "  trusts     block %s, the checkpoint of %s\n", height, from)
	}
	for _, addr := range r.Addrs {
		fmt.Fprintf(out, "  listens on %s\n", addr)
	}
	if r.Account != "" {
		fmt.Fprintf(out, "  account    %s", r.Account)
		if !home.Secured {
			fmt.Fprint(out, ", without a password (`bedrock keys password`)")
		}
		fmt.Fprintln(out)
	}
	if r.RPC != "" {
		fmt.Fprintf(out, "  JSON-RPC   %s\n", r.RPC)
	}
	if r.Metrics != "" {
		fmt.Fprintf(out, "  metrics    %s\n", r.Metrics)
	}
	_, err := fmt.Fprintln(out, "ctrl-c stops cleanly; `bedrock status` in another terminal says how it goes")
	return err
}
