package main

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/spf13/cobra"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// stepSettled is the state of a settled step, and collectSteps how many of the newest decided ones are looked at for prizes.
const (
	stepSettled  = 2
	collectSteps = 256
)

func newWithdrawCommand() *cobra.Command {
	var f struct {
		queryFlags
		accountFlags
	}
	cmd := &cobra.Command{
		Use:   "withdraw",
		Short: "Pay out what an account is owed: released stakes, rewards, prizes",
		Long: "First makes due what can be: stakes of the account's bonds whose delay is over, the account's part of slashed bonds, and the\n" +
			"prizes of its provers in the newest 256 decided steps; then pays out all credit.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := openSender(cmd.Context(), &f.queryFlags, &f.accountFlags)
			if err != nil {
				return err
			}
			report, err := s.withdrawAll(cmd.Context())
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), "withdraw", report)
			}
			report.print(cmd.OutOrStdout())
			return nil
		},
	}
	f.queryFlags.add(cmd)
	f.accountFlags.add(cmd, "home directory of the node whose account it is")
	return cmd
}

// duty is a call that turns into credit what is due.
type duty struct {
	What string `json:"what"`
	Peer string `json:"peer"`
	data []byte
}

// withdrawReport is what was paid.
type withdrawReport struct {
	*sent
	Account common.Address `json:"account"`
	Amount  string         `json:"amount"` // ether
	Made    []duty         `json:"made"`   // what was made due first
	Later   []bondReport   `json:"later"`  // own bonds that are leaving and not due yet
}

func (s *sender) withdrawAll(ctx context.Context) (*withdrawReport, error) {
	r := &withdrawReport{Account: s.address, Made: []duty{}, Later: []bondReport{}}
	if err := s.findDue(ctx, r); err != nil {
		return nil, err
	}
	var made []*ethtypes.Transaction
	for _, d := range r.Made {
		tx, err := s.send(ctx, new(big.Int), d.data)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", d.What, d.Peer, err)
		}
		made = append(made, tx)
	}
	for _, tx := range made {
		if _, err := s.await(ctx, tx); err != nil {
			return nil, err
		}
	}
	credit, err := view(ctx, s.bondBook, s.abi.PackCredit(s.address), s.abi.UnpackCredit)
	if err != nil {
		return nil, err
	}
	if r.Amount = formatEther(credit); credit.Sign() == 0 {
		return r, nil
	}
	r.sent, err = s.call(ctx, new(big.Int), s.abi.PackWithdraw())
	return r, err
}

// findDue finds what can be turned into the account's credit.
func (s *sender) findDue(ctx context.Context, r *withdrawReport) error {
	t, err := s.terms(ctx)
	if err != nil {
		return err
	}
	keys, err := s.known(ctx)
	if err != nil {
		return err
	}
	var provers []types.PublicKey
	for _, key := range keys {
		bond, err := s.bond(ctx, key)
		if err != nil {
			return err
		}
		if bond.Status == execution.BondSlashed {
			if err := s.findReward(ctx, r, key); err != nil {
				return err
			}
			continue
		}
		if bond.Owner != s.address {
			continue
		}
		if bond.Role == types.BondProver {
			provers = append(provers, key)
		}
		if bond.Status != execution.BondLeaving {
			continue
		}
		if report := t.report(key, bond); report.Releasable != nil && *report.Releasable == 0 {
			r.Made = append(r.Made, duty{"release", key.PeerID(), s.abi.PackRelease(key)})
		} else {
			r.Later = append(r.Later, report)
		}
	}
	return s.findPrizes(ctx, r, provers)
}

// findReward looks whether a slashed bond's tenth is the account's and no rival can come before it any more.
func (s *sender) findReward(ctx context.Context, r *withdrawReport, accused types.PublicKey) error {
	escrow, err := view(ctx, s.bondBook, s.abi.PackEscrowOf(accused), s.abi.UnpackEscrowOf)
	if err == nil && escrow.Payee == s.address && escrow.Amount.Sign() > 0 && uint64(s.block) >= escrow.Until {
		r.Made = append(r.Made, duty{"reward", accused.PeerID(), s.abi.PackReward(accused)})
	}
	return err
}

// findPrizes looks for steps that the account's provers supported and have not collected.
func (s *sender) findPrizes(ctx context.Context, r *withdrawReport, provers []types.PublicKey) error {
	if len(provers) == 0 {
		return nil
	}
	queue, err := view(ctx, s.bondBook, s.abi.PackQueue(), s.abi.UnpackQueue)
	if err != nil {
		return err
	}
	for i := max(queue.First, collectSteps) - collectSteps; i < queue.First; i++ {
		number := new(big.Int).SetUint64(i)
		step, err := view(ctx, s.bondBook, s.abi.PackStepAt(number), s.abi.UnpackStepAt)
		if err != nil {
			return err
		}
		for _, key := range provers {
			if step.Status != stepSettled || step.Prize.Sign() == 0 || !slices.Contains(step.Supporters, [32]byte(key)) {
				continue
			}
			data := s.abi.PackCollect(number, key)
			if _, err := s.estimate(ctx, new(big.Int), data); err == nil { // else collected already, or too late for a part
				r.Made = append(r.Made, duty{"prize", key.PeerID(), data})
			}
		}
	}
	return nil
}

func (r *withdrawReport) print(out io.Writer) {
	for _, d := range r.Made {
		fmt.Fprintf(out, "%-8s %s\n", d.What, d.Peer)
	}
	if r.sent == nil {
		fmt.Fprintf(out, "nothing is due to %s\n", r.Account)
	} else {
		fmt.Fprintf(out, "%s got %s ether (transaction %s, block %d)\n", r.Account, r.Amount, r.Transaction, r.Block)
	}
	for _, b := range r.Later {
		when := "once its service is over and the delay has passed"
		if b.Releasable != nil {
			when = releasable(*b.Releasable)
		}
		fmt.Fprintf(out, "later: %s ether of %s: %s\n", b.Stake, b.PeerID, when)
	}
}
