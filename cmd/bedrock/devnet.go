package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/devnet"
	"github.com/etherscale/bedrock/types"
)

func newDevnetCommand() *cobra.Command {
	cfg := devnet.Config{Payload: types.PayloadEthereum, ChallengeWindow: 10 * time.Second}
	var length time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "devnet",
		Short: "Run a whole swarm on this machine, ready for a wallet",
		Long: "Runs a bootstrap node, sequencers, provers, peers and light clients on loopback in this process, each with its own\n" +
			"identity, directory and libp2p host, and prints one line for every block. With --data-dir it resumes where it stopped.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cfg.Validate(); err != nil {
				return &exitError{exitUsage, err}
			}
			ctx, cancel := runFor(cmd.Context(), length)
			defer cancel()
			return runDevnet(ctx, cmd.OutOrStdout(), cfg, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&cfg.Sequencers, "sequencers", 4, "number of sequencers")
	flags.IntVar(&cfg.Provers, "provers", 1, "number of honest provers")
	flags.IntVar(&cfg.Peers, "peers", 4, "number of home peers")
	flags.IntVar(&cfg.Lights, "lights", 1, "number of light clients")
	flags.BoolVar(&cfg.DishonestProver, "dishonest-prover", false, "add a prover that lies about one chunk of every block")
	flags.StringVar(&cfg.Dir, "data-dir", "", "directory to keep everything in and to resume from; without it nothing is kept")
	flags.StringVar(&cfg.RPC, "rpc", "127.0.0.1:8545", "address of the JSON-RPC server; port 0 takes any free port")
	flags.DurationVar(&length, "for", 0, "stop after this time, for example 60s; 0 runs until Ctrl-C")
	flags.BoolVar(&asJSON, "json", false, "print one line of JSON when ready, nothing else")
	return cmd
}

// runFor bounds a context by a run time; 0 means no bound.
func runFor(ctx context.Context, length time.Duration) (context.Context, context.CancelFunc) {
	if length > 0 {
		return context.WithTimeout(ctx, length)
	}
	return context.WithCancel(ctx)
}

func runDevnet(ctx context.Context, out io.Writer, cfg devnet.Config, asJSON bool) (err error) {
	sandbox, err := sandboxCommand()
	if err != nil {
		return err
	}
	cfg.Sandbox = sandbox
	net, err := devnet.Open(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, net.Close()) }()
	withdraw, err := publishDevnet(net)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, withdraw()) }()
	screen, terminal := out, isTerminal(out)
	if asJSON {
		screen = nil
		if err := json.NewEncoder(out).Encode(net.Ready()); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return net.Run(ctx, screen, terminal)
}

// publishDevnet leaves the network file where this user's other programs look for it; the function it returns takes it back,
// unless another devnet has left its own there meanwhile.
func publishDevnet(net *devnet.Devnet) (func() error, error) {
	path := config.DevnetFile()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("network file: %w", err)
	}
	network := net.Network()
	if err := network.Write(path); err != nil {
		return nil, err
	}
	written, err := network.Encode()
	if err != nil {
		return nil, err
	}
	return func() error {
		found, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(found, written) {
			return nil // another's, or gone: not ours to remove
		}
		return os.Remove(path)
	}, nil
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(interface{ Fd() uintptr })
	return ok && isatty.IsTerminal(file.Fd())
}

// sandboxCommand is how this program runs itself to verify one challenge.
func sandboxCommand() ([]string, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program's own file: %w", err)
	}
	return []string{exe, "fraud", "verify", "--stdin"}, nil
}
