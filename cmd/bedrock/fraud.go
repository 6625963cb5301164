package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

func newFraudCommand() *cobra.Command {
	cmd := group(&cobra.Command{Use: "fraud", Short: "List, fetch and verify challenges"})
	cmd.AddCommand(newFraudListCommand(), newFraudGetCommand(), newFraudVerifyCommand())
	return cmd
}

func newFraudListCommand() *cobra.Command {
	var f queryFlags
	var onlyFalse bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the sequencers that were proven dishonest, and the verdicts that were listed falsely, as a node knows them",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.dial(cmd.Context())
			if err != nil {
				return err
			}
			var wrong []rpc.FalseVerdict
			if err := c.ask(cmd.Context(), &wrong, "bedrock_getFalseVerdicts"); err != nil {
				return err
			}
			if onlyFalse && f.json {
				return printJSON(cmd.OutOrStdout(), "falseVerdicts", wrong)
			}
			printFalse := func() { printFalse(cmd.OutOrStdout(), wrong) }
			if onlyFalse {
				printFalse()
				return nil
			}
			var list []rpc.Conviction
			if err := c.ask(cmd.Context(), &list, "bedrock_getConvictions"); err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), "convictions", list)
			}
			for _, v := range list {
				fmt.Fprintf(cmd.OutOrStdout(), "%-14s  block %-8d  %s  %s\n", v.Kind, v.Height, v.Sequencer, v.Challenge)
			}
			printFalse()
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&onlyFalse, "false", false, "only verdicts in certified headers that their challenges do not bear out")
	return cmd
}

func newFraudGetCommand() *cobra.Command {
	var f queryFlags
	var out string
	cmd := &cobra.Command{
		Use:   "get CID",
		Short: "Fetch a challenge that a node upheld, for `bedrock fraud verify`",
		Args:  oneArg("the challenge's CID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := f.dial(cmd.Context())
			if err != nil {
				return err
			}
			var encoded *hexutil.Bytes
			if err := c.ask(cmd.Context(), &encoded, "bedrock_getChallenge", args[0]); err != nil {
				return err
			}
			if encoded == nil {
				return unknown("%s upheld no challenge %s", c.url, args[0])
			}
			return os.WriteFile(out, *encoded, 0o644)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&out, "out", "", "file to write")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

// newFraudVerifyCommand verifies a challenge from a file. With --stdin it is the child process in which a node verifies
// strangers' challenges; that limits itself before it reads anything.
func newFraudVerifyCommand() *cobra.Command {
	var f queryFlags
	var fromStdin bool
	var genesis, height string
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Verify a challenge with the genesis file alone",
		Long: "verify checks a challenge completely: signatures, certificates, and the fault itself. It trusts the genesis file only.\n" +
			"For a challenge of a later epoch it needs --rpc, to follow the committees by their signed headers; and for one of a prover\n" +
			"that bonded later, to learn which account speaks for it: this it takes on the node's word.\n" +
			"With --listed it also says whether the certified header of that height lists the challenge truly.",
		Args: func(cmd *cobra.Command, args []string) error {
			if fromStdin {
				return noArgs(cmd, args)
			}
			return oneArg("the file of the challenge")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if fromStdin {
				if code := fraud.VerifyMain(cmd.InOrStdin(), cmd.OutOrStdout(), fraud.Limits{}); code != exitOK {
					return &exitError{code, nil}
				}
				return nil
			}
			if genesis == "" {
				return &exitError{exitUsage, fmt.Errorf("`bedrock fraud verify FILE` needs --genesis")}
			}
			if height != "" {
				at, err := parseHeight(height)
				if err != nil {
					return err
				}
				finding, err := verifyListed(cmd.Context(), f, args[0], genesis, types.Height(at))
				if err != nil {
					return err
				}
				return tellListed(cmd.OutOrStdout(), finding, f.json)
			}
			finding, err := verifyChallenge(cmd.Context(), f, args[0], genesis)
			if errors.Is(err, fraud.ErrInvalid) {
				return &exitError{exitNegative, err}
			}
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), "finding", finding)
			}
			printFinding(cmd.OutOrStdout(), finding)
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&fromStdin, "stdin", false, "verify one job from standard input (used by nodes on themselves)")
	cmd.Flags().StringVar(&genesis, "genesis", "", "genesis file of the network")
	cmd.Flags().StringVar(&height, "listed", "", "height of a block: compare with what its header lists")
	return cmd
}

// verifyChallenge judges the challenge in a file, what it makes execute in a child process.
func verifyChallenge(ctx context.Context, f queryFlags, file, genesisFile string) (*fraud.Finding, error) {
	encoded, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	challenge, err := fraud.DecodeChallenge(encoded)
	if err != nil {
		return nil, err
	}
	a, err := newAuditor(ctx, nil, genesisFile, types.Hash{})
	if err != nil {
		return nil, err
	}
	rules, err := execution.RulesOf(a.genesis)
	if err != nil {
		return nil, err
	}
	trust := &fraud.Trust{Rules: rules, Committee: a.committeeOf(ctx, f),
		Bond: bondOf(ctx, f, a.genesis)}
	command, err := sandboxCommand()
	if err != nil {
		return nil, err
	}
	box := &fraud.Sandbox{Exe: command[0], Args: command[1:]}
	return box.Judge(ctx, challenge, trust)
}

// bondOf finds who speaks for a prover: the genesis file says it of the first ones, of others the node's state, on its word.
func bondOf(ctx context.Context, f queryFlags, g *types.Genesis) func(types.PublicKey) (fraud.Bond, bool) {
	return func(key types.PublicKey) (fraud.Bond, bool) {
		if bond, ok := fraud.GenesisBond(g, key); ok || g.Bonding == nil {
			return bond, ok
		}
		book, err := openBonds(ctx, &f)
		if err != nil {
			return fraud.Bond{}, false
		}
		bond, err := book.bond(ctx, key)
		return fraud.Bond{Owner: bond.Owner, Operator: bond.Operator}, err == nil && bond.Role == types.BondProver
	}
}

// committeeOf finds committees by their epoch: the genesis file names the first, a node shows the signed headers that lead to
// later ones.
func (a *auditor) committeeOf(ctx context.Context, f queryFlags) func(types.Epoch) *types.Committee {
	return func(e types.Epoch) *types.Committee {
		if e > a.epoch && a.client == nil {
			c, err := f.dial(ctx)
			if err != nil {
				return nil
			}
			a.client = c
		}
		if e < a.epoch || a.follow(e) != nil {
			return nil
		}
		return a.committee
	}
}

func printFinding(out io.Writer, f *fraud.Finding) {
	fmt.Fprintf(out, "valid: %s at block %d", f.Kind, f.Height)
	for _, d := range f.Differences {
		fmt.Fprintf(out, "\n  %s", d)
	}
	fmt.Fprintln(out)
	for _, key := range f.Accused {
		fmt.Fprintf(out, "  convicts %s\n", key.PeerID())
	}
}
