package main

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

func newBondsCommand() *cobra.Command {
	var f queryFlags
	cmd := &cobra.Command{
		Use:   "bonds",
		Short: "List who is bonded, as what, and who orders now and next",
		Long:  "Reads the bonding contract through a running node. See docs/bonds.md for the life of a bond.",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := openBonds(cmd.Context(), &f)
			if err != nil {
				return err
			}
			report, err := b.report(cmd.Context())
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), "bonds", report)
			}
			report.print(cmd.OutOrStdout())
			return nil
		},
	}
	f.add(cmd)
	return cmd
}

// bondsReport is what the verb prints. Amounts are ether in decimal.
type bondsReport struct {
	Block   rpc.Height      `json:"block"` // after which all of this is so
	Epoch   types.Epoch     `json:"epoch"`
	Minimum string          `json:"minimum"`
	Bonds   []bondReport    `json:"bonds"`
	Waiting []requestReport `json:"waiting"` // for the next block, which checks their proofs; the first few
	Credits []creditReport  `json:"credits"` // what owners can withdraw
}

// bondReport is one bond.
type bondReport struct {
	Key        types.PublicKey `json:"key"`
	PeerID     string          `json:"peerId"`
	Role       string          `json:"role"`
	State      string          `json:"state"`
	Stake      string          `json:"stake"`
	Owner      common.Address  `json:"owner"`
	Operator   common.Address  `json:"operator"`
	Serves     bool            `json:"serves"`             // is in the committee of this epoch
	Next       bool            `json:"next"`               // would be in the next one, as the bonds stand
	ReadyFor   types.Epoch     `json:"readyFor,omitempty"` // newest epoch for which it announced to be ready
	Releasable *float64        `json:"releasableIn,omitempty"`
	Reward     *rewardReport   `json:"reward,omitempty"` // of a slashed bond, until it is asked for
}

// rewardReport is the part of a slashed bond that waits for who showed the fault.
type rewardReport struct {
	Payee  common.Address `json:"payee"` // unless an earlier commitment comes up
	Amount string         `json:"amount"`
	After  rpc.Height     `json:"after"` // this block it can be asked for
}

// requestReport is a bond that is asked for.
type requestReport struct {
	Key   types.PublicKey `json:"key"`
	Role  string          `json:"role"`
	Stake string          `json:"stake"`
	Owner common.Address  `json:"owner"`
}

// creditReport is what an address can withdraw.
type creditReport struct {
	Owner  common.Address `json:"owner"`
	Amount string         `json:"amount"`
}

func roleName(role types.BondRole) string {
	switch role {
	case types.BondSequencer:
		return "sequencer"
	case types.BondProver:
		return "prover"
	}
	return ""
}

// terms are what a bond's report is read against.
type terms struct {
	epoch         types.Epoch
	clock         uint64
	serving, next map[types.PublicKey]bool
	delay         uint64
}

func (b *bondBook) terms(ctx context.Context) (t terms, err error) {
	epoch, err := view(ctx, b, b.abi.PackEpoch(), b.abi.UnpackEpoch)
	if err != nil {
		return t, err
	}
	t.epoch = types.Epoch(epoch)
	if t.clock, err = view(ctx, b, b.abi.PackClock(), b.abi.UnpackClock); err != nil {
		return t, err
	}
	if t.serving, err = b.committee(ctx); err != nil {
		return t, err
	}
	t.next, err = b.next(ctx)
	t.delay = b.genesis.UnbondingDelay
	return t, err
}

func (t terms) report(key types.PublicKey, bond execution.Bond) bondReport {
	r := bondReport{Key: key, PeerID: key.PeerID(), Role: roleName(bond.Role), State: bond.Status.String(), Stake: formatEther(bond.Stake),
		Owner: bond.Owner, Operator: bond.Operator, Serves: t.serving[key], Next: t.next[key], ReadyFor: bond.ReadyFor}
	if bond.Status == execution.BondLeaving && bond.Served <= t.epoch {
		left := max(float64(bond.Until+t.delay)-float64(t.clock), 0) / 1e6
		r.Releasable = &left
	}
	return r
}

// report gathers everything.
func (b *bondBook) report(ctx context.Context) (*bondsReport, error) {
	t, err := b.terms(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := b.known(ctx)
	if err != nil {
		return nil, err
	}
	minimum := new(big.Int).Mul(new(big.Int).SetUint64(b.genesis.Bonding.StakeUnit), new(big.Int).SetUint64(uint64(b.genesis.Bonding.MinStake)))
	r := &bondsReport{Block: b.block, Epoch: t.epoch, Minimum: formatEther(minimum), Bonds: []bondReport{}, Waiting: []requestReport{}, Credits: []creditReport{}}
	owners := map[common.Address]bool{}
	for _, key := range keys {
		bond, err := b.bond(ctx, key)
		if err != nil {
			return nil, err
		}
		listed := t.report(key, bond)
		if bond.Status == execution.BondSlashed {
			if listed.Reward, err = b.reward(ctx, key); err != nil {
				return nil, err
			}
		}
		r.Bonds = append(r.Bonds, listed)
		if owners[bond.Owner] {
			continue
		}
		owners[bond.Owner] = true
		credit, err := view(ctx, b, b.abi.PackCredit(bond.Owner), b.abi.UnpackCredit)
		if err != nil {
			return nil, err
		}
		if credit.Sign() > 0 {
			r.Credits = append(r.Credits, creditReport{bond.Owner, formatEther(credit)})
		}
	}
	requests, err := view(ctx, b, b.abi.PackWaiting(), b.abi.UnpackWaiting)
	for _, q := range requests {
		r.Waiting = append(r.Waiting, requestReport{q.Key, roleName(types.BondRole(q.Role)), formatEther(q.Value), q.Owner})
	}
	return r, err
}

// reward is what waits of a slashed bond; nil when nothing does.
func (b *bondBook) reward(ctx context.Context, accused types.PublicKey) (*rewardReport, error) {
	escrow, err := view(ctx, b, b.abi.PackEscrowOf(accused), b.abi.UnpackEscrowOf)
	if err != nil || escrow.Amount.Sign() == 0 {
		return nil, err
	}
	return &rewardReport{escrow.Payee, formatEther(escrow.Amount), rpc.Height(escrow.Until)}, nil
}

func (r *bondsReport) print(out io.Writer) {
	fmt.Fprintf(out, "after block %d, epoch %d; the smallest bond is %s ether\n\n", r.Block, r.Epoch, r.Minimum)
	fmt.Fprintf(out, "%-52s  %-9s  %-8s  %12s  %-9s  %s\n", "peer", "role", "state", "ether", "committee", "owner")
	for _, b := range r.Bonds {
		fmt.Fprintf(out, "%-52s  %-9s  %-8s  %12s  %-9s  %s", b.PeerID, b.Role, b.State, b.Stake, placeOf(b.Serves, b.Next), b.Owner)
		if b.Releasable != nil {
			fmt.Fprintf(out, "  %s", releasable(*b.Releasable))
		}
		if b.Reward != nil {
			fmt.Fprintf(out, "  %s ether are %s's after block %d", b.Reward.Amount, b.Reward.Payee, b.Reward.After)
		}
		fmt.Fprintln(out)
	}
	for _, q := range r.Waiting {
		fmt.Fprintf(out, "%-52s  %-9s  %-8s  %12s  %-9s  %s\n", q.Key.PeerID(), q.Role, "waits", q.Stake, "", q.Owner)
	}
	for _, c := range r.Credits {
		fmt.Fprintf(out, "\n%s can withdraw %s ether\n", c.Owner, c.Amount)
	}
}

// placeOf says when a bond's key orders.
func placeOf(serves, next bool) string {
	switch {
	case serves && next:
		return "now, next"
	case serves:
		return "now"
	case next:
		return "next"
	}
	return ""
}

// releasable says when a leaving bond's stake can be had back.
func releasable(seconds float64) string {
	if seconds == 0 {
		return "can be withdrawn"
	}
	return fmt.Sprintf("can be withdrawn in %s", (time.Duration(seconds) * time.Second).String())
}
