package main

import (
	"context"
	"fmt"
	"io"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

type bondFlags struct {
	queryFlags
	accountFlags
	role     string
	stake    string
	operator string
	more     bool
}

func newBondCommand() *cobra.Command {
	var f bondFlags
	cmd := &cobra.Command{
		Use:   "bond",
		Short: "Bond a home's key as a sequencer or prover, or add to its bond",
		Long: "Locks a stake for the key of a home directory, which signs that this account is to own its bond. The network checks that\n" +
			"signature in the next block; what it refuses is paid back. The stake answers for what the key signs: see docs/bonds.md.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			plan, err := f.plan()
			if err != nil {
				return err
			}
			s, err := openSender(cmd.Context(), &f.queryFlags, &f.accountFlags)
			if err != nil {
				return err
			}
			report, err := s.bondKey(cmd.Context(), plan)
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), "bond", report)
			}
			report.print(cmd.OutOrStdout())
			return nil
		},
	}
	f.accountFlags.add(cmd, "home directory of the node whose key is bonded")
	f.queryFlags.add(cmd)
	cmd.Flags().StringVar(&f.role, "role", "", "sequencer or prover; default: the home's own role")
	cmd.Flags().StringVar(&f.stake, "stake", "", "ether to lock, as 1 or 32.5")
	cmd.Flags().StringVar(&f.operator, "operator", "", "address that may also announce readiness, assert and unbond; default: the home's own account")
	cmd.Flags().BoolVar(&f.more, "add", false, "add to the bond that the key has")
	_ = cmd.MarkFlagRequired("home")
	_ = cmd.MarkFlagRequired("stake")
	return cmd
}

// bondPlan is what the command line asks for.
type bondPlan struct {
	role     types.BondRole
	wei      *big.Int
	operator *common.Address
	more     bool
}

func (f *bondFlags) plan() (p bondPlan, err error) {
	if p.wei, err = parseEther(f.stake); err != nil {
		return p, &exitError{exitUsage, fmt.Errorf("--stake: %w", err)}
	}
	if f.operator != "" {
		if !common.IsHexAddress(f.operator) {
			return p, &exitError{exitUsage, fmt.Errorf("--operator %q is no address: want 0x and 40 hex digits", f.operator)}
		}
		operator := common.HexToAddress(f.operator)
		p.operator = &operator
	}
	switch f.role {
	case "", roleName(types.BondSequencer), roleName(types.BondProver):
	default:
		return p, &exitError{exitUsage, fmt.Errorf("--role %q: only sequencers and provers are bonded", f.role)}
	}
	home, err := config.LoadHome(f.home)
	if p.more = f.more; err != nil || p.more {
		return p, err
	}
	if f.role == "" {
		f.role = string(home.Layers.Settings.Role)
	}
	switch f.role {
	case roleName(types.BondSequencer):
		p.role = types.BondSequencer
	case roleName(types.BondProver):
		p.role = types.BondProver
	default:
		return p, &exitError{exitUsage, fmt.Errorf("%s is the home of a %s: say what the bond is for, --role sequencer or --role prover", f.home, f.role)}
	}
	return p, nil
}

// bondedReport is what bonding came to.
type bondedReport struct {
	sent
	Accepted bool       `json:"accepted"`
	Bond     bondReport `json:"bond"`
	Next     string     `json:"next"` // in words: what to do now
}

func (s *sender) bondKey(ctx context.Context, p bondPlan) (*bondedReport, error) {
	key := config.PublicKeyOf(s.home.Key)
	bond, err := s.bond(ctx, key)
	if err != nil {
		return nil, err
	}
	if err := p.check(key, bond); err != nil {
		return nil, err
	}
	if p.more {
		done, err := s.call(ctx, p.wei, s.abi.PackAdd(key))
		if err != nil {
			return nil, err
		}
		return s.bonded(ctx, key, done, true)
	}
	operator := common.Address(account.AddressOf(s.home.Account))
	if p.operator != nil {
		operator = *p.operator
	}
	statement := types.BondStatement{Contract: s.contract, Owner: s.address, Operator: operator, Role: p.role}
	proof := types.SignDigest(s.home.Key, statement.Digest(s.network))
	done, err := s.call(ctx, p.wei, s.abi.PackBond(key, uint8(p.role), operator, [32]byte(proof[:32]), [32]byte(proof[32:])))
	if err != nil {
		return nil, err
	}
	accepted, err := s.admitted(ctx, key)
	if err != nil {
		return nil, err
	}
	return s.bonded(ctx, key, done, accepted)
}

// check refuses what the network would refuse only after it took the stake.
func (p *bondPlan) check(key types.PublicKey, bond execution.Bond) error {
	switch {
	case bond.Status == execution.BondSlashed:
		return fmt.Errorf("%s was slashed and never bonds again: make a new home", key.PeerID())
	case bond.Status == execution.BondLeaving:
		return fmt.Errorf("the bond of %s is leaving: `bedrock withdraw` when its delay is over, then bond again", key.PeerID())
	case bond.Status == execution.BondActive && !p.more:
		return fmt.Errorf("%s is bonded already, as a %s of %s with %s ether: add to it with --add", key.PeerID(), roleName(bond.Role), common.Address(bond.Owner), formatEther(bond.Stake))
	case bond.Status != execution.BondActive && p.more:
		return fmt.Errorf("%s has no bond to add to: leave out --add", key.PeerID())
	}
	return nil
}

// admitted waits until the network has decided the account's request for a key.
func (s *sender) admitted(ctx context.Context, key types.PublicKey) (bool, error) {
	asked := s.block
	for {
		bond, err := s.bond(ctx, key)
		if err != nil {
			return false, err
		}
		if bond.Status == execution.BondActive {
			return bond.Owner == s.address, nil
		}
		waiting, err := view(ctx, s.bondBook, s.abi.PackWaiting(), s.abi.UnpackWaiting)
		if err != nil {
			return false, err
		}
		undecided := len(waiting) == 16 // it may be behind those
		for _, r := range waiting {
			undecided = undecided || types.PublicKey(r.Key) == key && r.Owner == s.address
		}
		if s.block > asked && !undecided {
			return false, nil
		}
		if err := pause(ctx, askAgainAfter); err != nil {
			return false, err
		}
		if err := s.renew(ctx); err != nil {
			return false, err
		}
	}
}

// bonded reports what the key's bond is now.
func (s *sender) bonded(ctx context.Context, key types.PublicKey, done *sent, accepted bool) (*bondedReport, error) {
	bond, err := s.bond(ctx, key)
	if err != nil {
		return nil, err
	}
	t, err := s.terms(ctx)
	if err != nil {
		return nil, err
	}
	r := &bondedReport{sent: *done, Accepted: accepted, Bond: t.report(key, bond)}
	switch {
	case !accepted:
		r.Next = "the network refused it (another bond of this key came first); the stake is credited to the account: `bedrock withdraw`"
	case bond.Role == types.BondProver:
		r.Next = "it may assert from now on: run its node with role prover"
	case r.Bond.Serves:
		r.Next = "it serves in this epoch"
	default:
		r.Next = fmt.Sprintf("run its node as a sequencer; announced ready by block %d, by the node or by `bedrock ready`, it may serve from the next epoch on", rpc.Height(s.decided(s.block)))
	}
	return r, nil
}

func (r *bondedReport) print(out io.Writer) {
	word := "bonded"
	if !r.Accepted {
		word = "NOT bonded"
	}
	fmt.Fprintf(out, "%s  %s as a %s with %s ether (transaction %s, block %d)\nnext: %s\n", word, r.Bond.PeerID, r.Bond.Role, r.Bond.Stake, r.Transaction, r.Block, r.Next)
}
