package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// find is the key of the bond that is meant: named by --key, else the home's.
func (s *sender) find(ctx context.Context, named string) (types.PublicKey, error) {
	if named != "" {
		return s.resolve(ctx, named)
	}
	return config.PublicKeyOf(s.home.Key), nil
}

// changeReport is what a call about one bond came to.
type changeReport struct {
	*sent
	Bond bondReport `json:"bond"`
	Next string     `json:"next"` // in words
}

func (r *changeReport) print(out io.Writer) {
	if r.sent != nil {
		fmt.Fprintf(out, "transaction %s, block %d\n", r.Transaction, r.Block)
	}
	fmt.Fprintf(out, "%s is %s with %s ether\nnext: %s\n", r.Bond.PeerID, r.Bond.State, r.Bond.Stake, r.Next)
}

// newChangeCommand is a verb about one bond.
func newChangeCommand(use, short, long string, change func(*sender, context.Context, types.PublicKey, execution.Bond) (*changeReport, error)) *cobra.Command {
	var f struct {
		queryFlags
		accountFlags
		key string
	}
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.home == "" && f.key == "" {
				return &exitError{exitUsage, errors.New("say which bond is meant: --home DIR for that of a node, or --key PEERID")}
			}
			s, err := openSender(cmd.Context(), &f.queryFlags, &f.accountFlags)
			if err != nil {
				return err
			}
			key, err := s.find(cmd.Context(), f.key)
			if err != nil {
				return err
			}
			bond, err := s.bond(cmd.Context(), key)
			if err != nil {
				return err
			}
			if err := s.mayChange(key, bond); err != nil {
				return err
			}
			report, err := change(s, cmd.Context(), key, bond)
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), use, report)
			}
			report.print(cmd.OutOrStdout())
			return nil
		},
	}
	f.accountFlags.add(cmd, "home directory of the node whose bond it is")
	f.queryFlags.add(cmd)
	cmd.Flags().StringVar(&f.key, "key", "", "peer ID or key (hex) of the bond, where it is not that of --home")
	return cmd
}

// mayChange says why the account can do nothing with a bond.
func (s *sender) mayChange(key types.PublicKey, bond execution.Bond) error {
	switch {
	case bond.Status == 0:
		return unknown("%s has no bond: `bedrock bond` asks for one", key.PeerID())
	case bond.Status != execution.BondActive:
		return fmt.Errorf("the bond of %s is %s: this is for active ones", key.PeerID(), bond.Status)
	case bond.Owner != s.address && bond.Operator != s.address:
		return fmt.Errorf("%s is neither owner (%s) nor operator (%s) of the bond of %s: use another --keystore", s.address, common.Address(bond.Owner), common.Address(bond.Operator), key.PeerID())
	}
	return nil
}

func newReadyCommand() *cobra.Command {
	return newChangeCommand("ready", "Announce that a bonded sequencer is there to serve in the next epoch",
		"A bonded sequencer that does not serve yet enters the next committee only if it was announced ready in the epoch before.\nA running node announces itself where its own account is the bond's owner or operator. See docs/bonds.md.",
		(*sender).announce)
}

func (s *sender) announce(ctx context.Context, key types.PublicKey, bond execution.Bond) (*changeReport, error) {
	if bond.Role != types.BondSequencer {
		return nil, fmt.Errorf("%s is bonded as a prover: only sequencers announce that they are ready", key.PeerID())
	}
	t, err := s.terms(ctx)
	if err != nil {
		return nil, err
	}
	if t.serving[key] {
		return &changeReport{nil, t.report(key, bond), "nothing: it serves, and stays as long as it does"}, nil
	}
	done, err := s.call(ctx, new(big.Int), s.abi.PackReady(key))
	if err != nil {
		return nil, err
	}
	r, err := s.changed(ctx, key, done)
	if err != nil {
		return nil, err
	}
	switch last := s.decided(done.Block); {
	case done.Block > last:
		r.Next = fmt.Sprintf("announce it again in the next epoch: block %d decided the coming committee, and this came after it", last)
	case !r.Bond.Next:
		r.Next = "add stake: the next committee is full of larger bonds"
	default:
		r.Next = fmt.Sprintf("keep its node running: it enters the committee of epoch %d unless larger bonds come before block %d", r.Bond.ReadyFor, last)
	}
	return r, nil
}

// changed reports what a bond is after a call.
func (s *sender) changed(ctx context.Context, key types.PublicKey, done *sent) (*changeReport, error) {
	bond, err := s.bond(ctx, key)
	if err != nil {
		return nil, err
	}
	t, err := s.terms(ctx)
	return &changeReport{sent: done, Bond: t.report(key, bond)}, err
}

func newUnbondCommand() *cobra.Command {
	return newChangeCommand("unbond", "Ask for a bond's stake back",
		"Takes a bond out of every later choice. Its stake still answers for what the key signs until its service is over and the\nunbonding delay has passed; then `bedrock withdraw` pays it out. See docs/bonds.md.",
		(*sender).unbond)
}

func (s *sender) unbond(ctx context.Context, key types.PublicKey, _ execution.Bond) (*changeReport, error) {
	done, err := s.call(ctx, new(big.Int), s.abi.PackUnbond(key))
	if err != nil {
		return nil, err
	}
	r, err := s.changed(ctx, key, done)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Bond.Serves:
		r.Next = fmt.Sprintf("keep its node running until the epoch ends with block %d: it serves until then; the delay counts from there", rpc.Height(s.genesis.EpochLength)*((done.Block-1)/rpc.Height(s.genesis.EpochLength)+1))
	case r.Bond.Releasable != nil:
		r.Next = "`bedrock withdraw`: " + releasable(*r.Bond.Releasable)
	}
	return r, nil
}
