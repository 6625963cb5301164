package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/devnet"
	"github.com/etherscale/bedrock/types"
)

func newGenesisCommand() *cobra.Command {
	cmd := group(&cobra.Command{Use: "genesis", Short: "Make the genesis file of a new network"})
	cmd.AddCommand(newGenesisNewCommand())
	return cmd
}

type genesisFlags struct {
	sequencers int
	candidates int
	handovers  []string
	epoch      uint64
	interval   time.Duration
	heartbeat  time.Duration
	absence    time.Duration
	out        string
	name       string
	chainID    uint64
	payload    string
	window     time.Duration
}

func newGenesisNewCommand() *cobra.Command {
	var f genesisFlags
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Write genesis.json and one home directory for each sequencer and for one prover",
		Long: "Draws the keys of the first committee and of one prover, writes DIR/genesis.json, which commits to every parameter\n" +
			"of the network, and DIR/sequencer-0 ... and DIR/prover-0 as home directories for `bedrock run`. The ten development\naccounts are funded, and those of the homes, which own the bonds.\n\n" +
			"The committee may change at the end of an epoch. --candidates draws keys of sequencers that are not in the first one, and\n" +
			"--handover EPOCH:NUMBER,NUMBER=STAKE,... names who begins an epoch, by the numbers of the home directories (stake 1\n" +
			"where none is given): `--candidates 1 --handover 1:1,2,3,4 --handover 2:0,1=2,2,3`. Where none is named, the committee stays.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return newNetwork(cmd, f) },
	}
	flags := cmd.Flags()
	flags.IntVar(&f.sequencers, "sequencers", 4, "size of the first committee")
	flags.IntVar(&f.candidates, "candidates", 0, "further sequencers, outside the first committee")
	flags.StringArrayVar(&f.handovers, "handover", nil, "committee that begins an epoch, EPOCH:NUMBER,NUMBER=STAKE,... (repeatable, ascending)")
	flags.Uint64Var(&f.epoch, "epoch-length", 10_000_000, "blocks of an epoch, above 64")
	flags.DurationVar(&f.interval, "block-interval", 500*time.Millisecond, "time between two blocks, 10 ms or more")
	flags.DurationVar(&f.heartbeat, "heartbeat", 10*time.Second, "after how much idle time an empty block closes, at least the block interval")
	flags.DurationVar(&f.absence, "light-absence", 14*24*time.Hour, "how long a light client may be away; stake stays bonded so much longer than a window and an epoch")
	flags.StringVar(&f.out, "out", "", "directory to create")
	flags.StringVar(&f.name, "name", "bedrock-dev", "name of the network")
	flags.Uint64Var(&f.chainID, "chain-id", config.DevnetChainID, "Ethereum chain id")
	flags.StringVar(&f.payload, "payload", string(types.PayloadEthereum), "ethereum, or opaque for benchmarks without execution")
	flags.DurationVar(&f.window, "challenge-window", 10*time.Second, "how long an assertion can be refuted, in header time")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func newNetwork(cmd *cobra.Command, f genesisFlags) error {
	if f.sequencers < 1 || f.sequencers > types.MaxCommittee {
		return &exitError{exitUsage, fmt.Errorf("--sequencers %d is not in 1..%d", f.sequencers, types.MaxCommittee)}
	}
	if total := f.sequencers + f.candidates; f.candidates < 0 || total > types.MaxCommittee {
		return &exitError{exitUsage, fmt.Errorf("--candidates %d: a network file describes at most %d sequencers", f.candidates, types.MaxCommittee)}
	}
	if p := types.Payload(f.payload); p != types.PayloadEthereum && p != types.PayloadOpaque {
		return &exitError{exitUsage, fmt.Errorf("--payload %q is neither %s nor %s", f.payload, types.PayloadEthereum, types.PayloadOpaque)}
	}
	if _, err := os.Stat(filepath.Join(f.out, "genesis.json")); err == nil {
		return fmt.Errorf("%s has a genesis.json already: choose another directory", f.out)
	}
	homes := f.sequencers + f.candidates
	ids := make([]config.Identity, homes+1)
	options := config.GenesisOptions{
		Name: f.name, ChainID: f.chainID, Time: time.Now(), Payload: types.Payload(f.payload), ChallengeWindow: f.window,
		EpochLength: f.epoch, BlockInterval: f.interval, Heartbeat: f.heartbeat, LightAbsence: f.absence, Accounts: devnet.Addresses(), Balance: devnet.Balance(),
	}
	for i := range ids {
		id, err := config.NewIdentity()
		if err != nil {
			return err
		}
		ids[i] = id
		owner, key := fmt.Sprintf("0x%x", account.AddressOf(id.Account)), config.PublicKeyOf(id.Key)
		switch {
		case i < f.sequencers:
			options.Committee, options.Owners = append(options.Committee, key), append(options.Owners, owner)
		case i == homes:
			options.Provers, options.Owners = append(options.Provers, key), append(options.Owners, owner)
		default: // a candidate: its account holds what it may bond
			options.Accounts = append(options.Accounts, owner)
		}
	}
	for _, text := range f.handovers {
		h, err := parseHandover(text, ids[:homes])
		if err != nil {
			return &exitError{exitUsage, fmt.Errorf("--handover %s: %w", text, err)}
		}
		options.Handovers = append(options.Handovers, h)
	}
	genesis, err := config.NewGenesis(options)
	if err != nil {
		return err
	}
	return writeNetwork(cmd, f, genesis, ids)
}

func writeNetwork(cmd *cobra.Command, f genesisFlags, genesis *types.Genesis, ids []config.Identity) error {
	for i, id := range ids {
		role, dir := config.Sequencer, filepath.Join(f.out, fmt.Sprintf("sequencer-%d", i))
		if i == f.sequencers+f.candidates {
			role, dir = config.Prover, filepath.Join(f.out, "prover-0")
		}
		if _, err := config.InitHome(dir, genesis, id, config.Settings{Role: role}); err != nil {
			return err
		}
	}
	encoded, err := genesis.Encode()
	if err != nil {
		return err
	}
	path := filepath.Join(f.out, "genesis.json")
	if err := os.WriteFile(path, encoded, 0o644); err != nil {
		return fmt.Errorf("write genesis: %w", err)
	}
	network := config.Network{Genesis: genesis} // where its nodes are reached is not known yet
	if err := network.Write(filepath.Join(f.out, "network.json")); err != nil {
		return err
	}
	id, err := genesis.NetworkID()
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s  network %s, %d sequencers\nnext: bedrock run --home %s\n", path, id, f.sequencers, filepath.Join(f.out, "sequencer-0"))
	return nil
}
