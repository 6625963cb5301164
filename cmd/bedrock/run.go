package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/types"
)

type runFlags struct {
	home      string
	bootstrap []string
	listen    []string
	rpc       string
	from      string
	sampling  string
	rate      int64
	upload    string
	budget    string
	length    time.Duration
	json      bool
	verbose   bool
}

func newRunCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the node of a home directory",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return runNode(cmd, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.home, "home", "", "home directory made by `bedrock init` or `bedrock genesis new`")
	flags.StringSliceVar(&f.bootstrap, "bootstrap", nil, "multiaddr with /p2p/ of a node to join by (repeatable)")
	flags.StringSliceVar(&f.listen, "listen", nil, "multiaddr to listen on (repeatable); default: TCP and QUIC on port 4848")
	flags.StringVar(&f.rpc, "rpc", "", "address of the JSON-RPC server; port 0 takes any free port; default: that of config.toml, or none")
	flags.StringVar(&f.from, "checkpoint", "", "HEIGHT:DIGEST of an epoch's last header, from somebody you trust (see docs/checkpoints.md)")
	flags.StringVar(&f.sampling, "sampling", "", "default or strict: how sure the node makes of each block's data (see docs/availability.md)")
	flags.Int64Var(&f.rate, "sampling-rate", 0, "bytes a second that sampling may receive; default: 524288 at light clients, no bound at others")
	flags.StringVar(&f.upload, "upload", "", "limit on what is sent to place rows at other peers, as 10Mbit; for home lines, a tenth below what the line carries; default: upload_mbit of config.toml, or none")
	flags.StringVar(&f.budget, "row-budget", "", "disk space for rows of the network's blocks, as 4GiB; default: shard_mib of config.toml, or 4GiB")
	flags.DurationVar(&f.length, "for", 0, "stop after this time; 0 runs until Ctrl-C")
	flags.BoolVar(&f.json, "json", false, "print one line of JSON when ready; the log goes to standard error")
	flags.BoolVar(&f.verbose, "verbose", false, "log details")
	_ = cmd.MarkFlagRequired("home")
	return cmd
}

// running is what `run --json` prints when the node is up.
type running struct {
	Schema int       `json:"schema"`
	Role   node.Role `json:"role"`
	PeerID string    `json:"peerId"`
	// Account is the node's Ethereum account; empty at nodes that post nothing.
	Account string   `json:"account,omitempty"`
	Addrs   []string `json:"addrs"`
	RPC     string   `json:"rpc,omitempty"`
}

func runNode(cmd *cobra.Command, f runFlags) (err error) {
	home, err := node.LoadHome(f.home)
	if err != nil {
		return err
	}
	cfg := home.Config()
	if err := f.apply(&cfg); err != nil {
		return &exitError{exitUsage, err}
	}
	if cfg.Sandbox, err = sandboxCommand(); err != nil {
		return err
	}
	cfg.Logger = logTo(cmd, slog.LevelInfo, f.verbose)
	n, err := node.Open(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if err := sayRunning(cmd.OutOrStdout(), n, f.json); err != nil {
		return err
	}
	ctx, cancel := runFor(cmd.Context(), f.length)
	defer cancel()
	return n.Run(ctx)
}

// logTo is a log on standard error, from a level up; with all details if verbose.
func logTo(cmd *cobra.Command, level slog.Level, verbose bool) *slog.Logger {
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
}

// apply lets what flags say go before config.toml.
func (f runFlags) apply(cfg *node.Config) error {
	if len(f.bootstrap) > 0 {
		cfg.Bootstrap = f.bootstrap
	}
	if len(f.listen) > 0 {
		cfg.Listen = f.listen
	}
	if f.rpc != "" {
		cfg.RPC = f.rpc
	}
	if f.from != "" {
		if _, err := types.ParseCheckpoint(f.from); err != nil {
			return err
		}
		cfg.Checkpoint = f.from
	}
	if f.sampling != "" || f.rate != 0 {
		if f.sampling != "" {
			cfg.Sampling = f.sampling
		}
		if f.rate != 0 {
			cfg.SamplingRate = f.rate
		}
		if err := cfg.Validate(); err != nil {
			return err
		}
	}
	return f.applyLine(cfg)
}

// applyLine is apply for what the line carries and the disk gives.
func (f runFlags) applyLine(cfg *node.Config) error {
	upload, err := node.ParseUpload(f.upload)
	if err != nil {
		return err
	}
	budget, err := node.ParseRowBudget(f.budget)
	if err != nil {
		return err
	}
	if upload != 0 {
		cfg.Upload = upload
	}
	if budget != 0 {
		cfg.ShardBudget = budget
	}
	return nil
}

func sayRunning(out io.Writer, n *node.Node, asJSON bool) error {
	r := running{Schema: 1, Role: n.Role(), PeerID: n.PeerID(), Addrs: n.Addrs()}
	if a, ok := n.Account(); ok {
		r.Account = fmt.Sprintf("0x%x", a)
	}
	if n.RPCAddr() != "" {
		r.RPC = "http://" + n.RPCAddr()
	}
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	fmt.Fprintf(out, "%s %s\n", r.Role, r.PeerID)
	for _, addr := range r.Addrs {
		fmt.Fprintf(out, "  listens on %s\n", addr)
	}
	if r.Account != "" {
		fmt.Fprintf(out, "  account    %s\n", r.Account)
	}
	if r.RPC != "" {
		fmt.Fprintf(out, "  JSON-RPC   %s\n", r.RPC)
	}
	return nil
}
