package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

func newInitCommand() *cobra.Command {
	var role, genesisPath, home string
	var settings config.Settings
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Create a home directory with a fresh identity",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			parsed, err := config.ParseRole(role)
			if err != nil {
				return &exitError{exitUsage, err}
			}
			settings.Role = parsed
			file, err := os.ReadFile(genesisPath)
			if err != nil {
				return fmt.Errorf("read genesis: %w", err)
			}
			genesis, err := types.DecodeGenesis(file)
			if err != nil {
				return fmt.Errorf("%s: %w", genesisPath, err)
			}
			h, err := config.InitHome(home, genesis, config.Identity{}, settings)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s  %s %s\n  account 0x%x pays for what the node posts: give it some gas money if it is to prove or to sequence\nnext: bedrock run --home %s --bootstrap MULTIADDR\n",
				home, role, config.PublicKeyOf(h.Key).PeerID(), account.AddressOf(h.Account), home)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&role, "role", string(config.Peer), "bootstrap, sequencer, prover, peer or light")
	flags.StringVar(&genesisPath, "genesis", "", "the network's genesis.json")
	flags.StringVar(&home, "home", "", "directory to create")
	flags.StringSliceVar(&settings.Bootstrap, "bootstrap", nil, "addresses of nodes to join by, kept in config.toml")
	flags.StringVar(&settings.Checkpoint, "checkpoint", "", "HEIGHT:DIGEST of an epoch's last header, kept in config.toml")
	flags.StringVar(&settings.Sampling, "sampling", "", "default or strict, kept in config.toml")
	flags.StringVar(&settings.RPC, "rpc", "", "address for JSON-RPC, kept in config.toml")
	_ = cmd.MarkFlagRequired("genesis")
	_ = cmd.MarkFlagRequired("home")
	return cmd
}
