package node

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// Gas of a challenger's calls: several times what they take.
const (
	commitGas = 150_000
	rewardGas = 200_000
)

// Challengers tell of an own challenge again, by name, where it was not listed meanwhile: peers that had no place for it ask for
// it then. The second time lies beyond what pubsub remembers.
const (
	tellAgainAfter = 3 * time.Second
	tellAgainEvery = 40 * time.Second
)

// askAgainAfter is when a reward that is still due is asked for again: the call may have been lost, as when the owner's own
// transaction took its nonce.
const askAgainAfter = time.Minute

// ownClaim is a challenge that this node made, until its reward is paid or somebody else's.
type ownClaim struct {
	Verdict types.Verdict
	Size    int       // bytes of the challenge
	Told    time.Time // last
	Again   bool      // it was told twice
	Asked   time.Time // for the reward, last
}

func claimKey(v *types.Verdict) []byte {
	return append(append([]byte{keyClaim}, v.Accused[:]...), v.Challenge[:]...)
}

func (l ledger) claims() (out []ownClaim) {
	_ = l.db.Scan(store.SpaceFraud, store.Range{From: []byte{keyClaim}, To: []byte{keyClaim + 1}}, func(_, value []byte) error {
		var claim ownClaim
		if json.Unmarshal(value, &claim) == nil {
			out = append(out, claim)
		}
		return nil
	})
	return out
}

func (l ledger) keepClaim(claim *ownClaim) error {
	encoded, err := json.Marshal(claim)
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	return l.db.Set(store.SpaceFraud, claimKey(&claim.Verdict), encoded, store.Synced)
}

func (l ledger) dropClaim(v *types.Verdict) error {
	batch := l.db.Batch()
	batch.Delete(store.SpaceFraud, claimKey(v))
	return batch.Commit(store.Unsynced)
}

// claim does what a challenger does for its reward once its challenge is out: it commits, which of those who show one lie
// decides who is paid, and asks for the reward later. It needs gas and nothing else; without, the challenge is out all the same.
func (c *court) claim(ctx context.Context, v types.Verdict, size int) {
	if !c.isBonded() {
		return
	}
	if err := c.p.ledger.keepClaim(&ownClaim{Verdict: v, Size: size, Told: time.Now()}); err != nil {
		c.n.log.Error("claim of a reward not stored", "error", err)
	}
	if c.n.account == nil {
		return
	}
	_, err := c.n.account.Send(ctx, c.n.exec.Rules().Vault, nil, execution.CommitCall(execution.Commitment(v.Payee, v.Challenge)), commitGas)
	if err != nil {
		c.n.log.Warn("no commitment to a challenge was sent; another challenger may be paid for it", "challenge", v.Challenge, "error", err)
	}
}

// mayDisplace reports whether a verdict, listed now, would make its payee the one who is paid for a bond that is slashed
// already: its commitment is older than that of the present payee, and young enough for the contract.
func (c *court) mayDisplace(v *types.Verdict) bool {
	escrow, err := c.n.exec.Escrow(v.Accused)
	next := c.n.exec.Height() + 1
	if err != nil || escrow.Amount.Sign() == 0 || next > escrow.Until || escrow.Payee == v.Payee {
		return false
	}
	order, in, err := c.n.exec.Committed(execution.Commitment(v.Payee, v.Challenge))
	return err == nil && in != 0 && in+execution.CommitBlocks >= next && order.Cmp(escrow.Order) < 0
}

// pursue looks after the own challenges' rewards until ctx ends.
func (c *court) pursue(ctx context.Context) error {
	if !c.isBonded() {
		return nil
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			for _, claim := range c.p.ledger.claims() {
				c.pursueOne(ctx, claim)
			}
		}
	}
}

func (c *court) pursueOne(ctx context.Context, claim ownClaim) {
	v := &claim.Verdict
	bond, err := c.n.exec.Bond(v.Accused)
	if err != nil {
		return
	}
	switch bond.Status {
	case execution.BondActive, execution.BondLeaving:
		c.tellAgain(ctx, &claim)
		return
	case execution.BondSlashed:
	default:
		c.giveUp(v)
		return
	}
	escrow, err := c.n.exec.Escrow(v.Accused)
	switch {
	case err != nil:
	case escrow.Amount.Sign() == 0: // paid
		c.giveUp(v)
	case escrow.Payee == v.Payee && c.n.exec.Height() >= escrow.Until:
		c.askReward(ctx, &claim, escrow.Amount)
	case escrow.Payee == v.Payee:
	case c.mayDisplace(v):
		c.tellAgain(ctx, &claim)
	case c.n.exec.Height() > escrow.Until:
		c.giveUp(v)
	}
}

func (c *court) giveUp(v *types.Verdict) {
	if err := c.p.ledger.dropClaim(v); err != nil {
		c.n.log.Warn("claim of a reward not dropped", "error", err)
	}
}

// tellAgain announces an own challenge that is not listed.
func (c *court) tellAgain(ctx context.Context, claim *ownClaim) {
	every := tellAgainAfter
	if claim.Again {
		every = tellAgainEvery
	}
	if time.Since(claim.Told) < every {
		return
	}
	claim.Again, claim.Told = true, time.Now()
	if err := c.p.ledger.keepClaim(claim); err != nil {
		c.n.log.Warn("claim of a reward not stored", "error", err)
	}
	announcement := types.ChallengeAnnouncement{Challenge: claim.Verdict.Challenge, Size: uint64(claim.Size), Holder: c.n.key}
	if err := c.n.gossip.PublishChallenge(ctx, announcement.Encode()); err != nil && ctx.Err() == nil {
		c.n.log.Warn("challenge not announced", "error", err)
	}
}

// askReward has the contract credit the challenger's part; whoever owns the payee's account withdraws it.
func (c *court) askReward(ctx context.Context, claim *ownClaim, amount *big.Int) {
	if time.Since(claim.Asked) < askAgainAfter || c.n.account == nil {
		return
	}
	if _, err := c.n.account.Send(ctx, c.n.exec.Rules().Vault, nil, execution.RewardCall(claim.Verdict.Accused), rewardGas); err != nil {
		c.n.log.Warn("reward of a challenge not asked for; trying again", "error", err)
		return
	}
	c.n.log.Info("the reward of a challenge is due and asked for", "accused", claim.Verdict.Accused.PeerID(), "wei", amount)
	claim.Asked = time.Now()
	if err := c.p.ledger.keepClaim(claim); err != nil {
		c.n.log.Warn("claim of a reward not stored", "error", err)
	}
}
