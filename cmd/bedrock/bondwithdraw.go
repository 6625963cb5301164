package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

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
	f.accountFlags.add(cmd, "home directory of the node whose account it is")
	f.queryFlags.add(cmd)
	return cmd
}

// duty is a kind of call that turns into credit what is due.
type duty struct {
	What  string `json:"what"` // release, reward or prize
	Peer  string `json:"peer"` // of whose bond
	Times int    `json:"times"`
}

// dueCall is one such call.
type dueCall struct {
	duty duty
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
	calls, err := s.findDue(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := s.makeDue(ctx, calls); err != nil {
		return nil, err
	}
	for _, c := range calls {
		if n := len(r.Made); n == 0 || r.Made[n-1].What != c.duty.What || r.Made[n-1].Peer != c.duty.Peer {
			r.Made = append(r.Made, c.duty)
		}
		r.Made[len(r.Made)-1].Times++
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

// makeDue sends all calls at once, and what was displaced once more. Anybody may make them: what somebody else, such as the
// account's own running node, made due meanwhile is due all the same.
func (s *sender) makeDue(ctx context.Context, calls []dueCall) error {
	made := make([]*ethtypes.Transaction, len(calls))
	for i, c := range calls {
		tx, err := s.send(ctx, new(big.Int), c.data)
		if err != nil && !isDone(err) {
			return fmt.Errorf("%s of %s: %w", c.duty.What, c.duty.Peer, err)
		}
		made[i] = tx
	}
	for i, tx := range made {
		if tx == nil {
			continue
		}
		_, err := s.await(ctx, tx)
		if errors.Is(err, errDisplaced) {
			_, err = s.call(ctx, new(big.Int), calls[i].data)
		}
		if err != nil && !isDone(err) {
			return fmt.Errorf("%s of %s: %w", calls[i].duty.What, calls[i].duty.Peer, err)
		}
	}
	return s.renew(ctx)
}

// isDone reports whether a call that was due is not any more.
func isDone(err error) bool {
	var refused *refusedError
	return errors.Is(err, errFailed) || errors.As(err, &refused) && (refused.name == "Nothing" || refused.name == "WrongStatus")
}

// findDue finds what can be turned into the account's credit, and notes what can be later.
func (s *sender) findDue(ctx context.Context, r *withdrawReport) (calls []dueCall, err error) {
	t, err := s.terms(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := s.known(ctx)
	if err != nil {
		return nil, err
	}
	var provers []types.PublicKey
	for _, key := range keys {
		bond, err := s.bond(ctx, key)
		if err != nil {
			return nil, err
		}
		if bond.Owner == s.address && bond.Role == types.BondProver {
			provers = append(provers, key)
		}
		switch report := t.report(key, bond); {
		case bond.Status == execution.BondSlashed:
			due, err := s.isRewarded(ctx, key)
			if err != nil {
				return nil, err
			}
			if due {
				calls = append(calls, dueCall{duty{What: "reward", Peer: key.PeerID()}, s.abi.PackReward(key)})
			}
		case bond.Owner != s.address || bond.Status != execution.BondLeaving:
		case report.Releasable != nil && *report.Releasable == 0:
			calls = append(calls, dueCall{duty{What: "release", Peer: key.PeerID()}, s.abi.PackRelease(key)})
		default:
			r.Later = append(r.Later, report)
		}
	}
	prizes, err := s.findPrizes(ctx, provers)
	slices.SortStableFunc(prizes, func(a, b dueCall) int { return strings.Compare(a.duty.Peer, b.duty.Peer) })
	return append(calls, prizes...), err
}

// isRewarded reports whether a slashed bond's tenth is the account's and no rival can come before it any more.
func (s *sender) isRewarded(ctx context.Context, accused types.PublicKey) (bool, error) {
	escrow, err := view(ctx, s.bondBook, s.abi.PackEscrowOf(accused), s.abi.UnpackEscrowOf)
	return err == nil && escrow.Payee == s.address && escrow.Amount.Sign() > 0 && uint64(s.block) >= escrow.Until, err
}

// findPrizes finds the steps that the account's provers supported and have not collected.
func (s *sender) findPrizes(ctx context.Context, provers []types.PublicKey) (calls []dueCall, err error) {
	if len(provers) == 0 {
		return nil, nil
	}
	queue, err := view(ctx, s.bondBook, s.abi.PackQueue(), s.abi.UnpackQueue)
	if err != nil {
		return nil, err
	}
	for i := max(queue.First, collectSteps) - collectSteps; i < queue.First; i++ {
		number := new(big.Int).SetUint64(i)
		step, err := view(ctx, s.bondBook, s.abi.PackStepAt(number), s.abi.UnpackStepAt)
		if err != nil {
			return nil, err
		}
		for _, key := range provers {
			if step.Status != stepSettled || step.Prize.Sign() == 0 || !slices.Contains(step.Supporters, [32]byte(key)) {
				continue
			}
			data := s.abi.PackCollect(number, key)
			if _, err := s.estimate(ctx, new(big.Int), data); err == nil { // else collected already, or too late for a part
				calls = append(calls, dueCall{duty{What: "prize", Peer: key.PeerID()}, data})
			}
		}
	}
	return calls, nil
}

func (r *withdrawReport) print(out io.Writer) {
	for _, d := range r.Made {
		fmt.Fprintf(out, "%-8s %s", d.What, d.Peer)
		if d.Times > 1 {
			fmt.Fprintf(out, ", %d times", d.Times)
		}
		fmt.Fprintln(out)
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
