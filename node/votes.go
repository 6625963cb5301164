package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// mostRivals bounds the challenges against one bond that this node says are valid: who is paid is found among them. Beyond it
// the smallest ids count, at everybody alike, so that sequencers agree on one whatever order they heard them in.
const mostRivals = 8

// isOrdered reports whether challenges of a kind are ordered by verdict. What convicts a quorum stops the network instead.
func isOrdered(k fraud.Kind) bool { return k != fraud.KindBadEncoding && k != fraud.KindDoubleHeader }

func voteKey(v *types.Verdict) []byte {
	return append(append([]byte{keyVote}, v.Accused[:]...), v.Challenge[:]...)
}

// votes are the statements that are not listed yet, of one accused or (nil) of all.
func (l ledger) votes(accused *types.PublicKey) (out []types.Verdict) {
	those := store.Range{From: []byte{keyVote}, To: []byte{keyVote + 1}}
	if accused != nil {
		those.From = append(those.From, accused[:]...)
		those.To = append(slices.Clone(those.From), 0xff) // no CID begins with this
	}
	_ = l.db.Scan(store.SpaceFraud, those, func(_, value []byte) error {
		var v types.Verdict
		if json.Unmarshal(value, &v) == nil {
			out = append(out, v)
		}
		return nil
	})
	return out
}

func (l ledger) addVote(v *types.Verdict) error {
	encoded, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("verdict: %w", err)
	}
	return l.db.Set(store.SpaceFraud, voteKey(v), encoded, store.Synced)
}

func (l ledger) dropVote(v *types.Verdict) error {
	batch := l.db.Batch()
	batch.Delete(store.SpaceFraud, voteKey(v))
	return batch.Commit(store.Unsynced)
}

// isBonded reports whether there is a ledger here that has bonds to lose.
func (c *court) isBonded() bool { return c.n.exec != nil && c.n.cfg.Genesis.Bonding != nil }

// contends reports whether a further challenge of what is proven already may still decide who is paid.
func (c *court) contends(accused types.PublicKey, id types.BatchID) bool {
	if !c.isBonded() {
		return false
	}
	bond, err := c.n.exec.Bond(accused)
	if err != nil || bond.Status != execution.BondActive && bond.Status != execution.BondLeaving {
		return false
	}
	votes := c.p.ledger.votes(&accused)
	if len(votes) < mostRivals {
		return true
	}
	return slices.ContainsFunc(votes, func(v types.Verdict) bool { return bytes.Compare(id[:], v.Challenge[:]) < 0 })
}

// adopt keeps and votes for a valid challenge that proves nothing new, if it may decide who is paid.
func (c *court) adopt(challenge *fraud.Challenge, encoded []byte, f *fraud.Finding, records []rpc.Challenge) bool {
	id := types.BatchIDOf(encoded)
	if len(f.Accused) != 1 || !isOrdered(f.Kind) || !c.decidesPay(f.Accused[0], id, challenge.Payee) {
		return false
	}
	if err := c.p.ledger.addChallenge(id, encoded, records, f); err != nil {
		c.n.log.Error("challenge not stored", "challenge", id, "error", err)
	}
	c.noteVotes(challenge, id, f)
	return true
}

// decidesPay reports whether another challenge against a key whose fault is proven may decide who is paid for it.
func (c *court) decidesPay(accused types.PublicKey, id types.BatchID, payee [20]byte) bool {
	return c.contends(accused, id) || c.isBonded() && c.mayDisplace(&types.Verdict{Challenge: id, Accused: accused, Payee: payee})
}

// noteVotes keeps what this node has to say of a challenge that it verified, until it is listed.
func (c *court) noteVotes(challenge *fraud.Challenge, id types.BatchID, f *fraud.Finding) {
	if !c.isBonded() || !isOrdered(f.Kind) {
		return
	}
	for _, accused := range f.Accused {
		v := types.Verdict{Challenge: id, Kind: uint64(f.Kind), Accused: accused, Payee: challenge.Payee}
		if err := c.p.ledger.addVote(&v); err != nil {
			c.n.log.Error("verdict not stored", "challenge", id, "error", err)
		}
		c.counts.noteStated()
		if votes := c.p.ledger.votes(&accused); len(votes) > mostRivals {
			last := slices.MaxFunc(votes, func(a, b types.Verdict) int { return bytes.Compare(a.Challenge[:], b.Challenge[:]) })
			_ = c.p.ledger.dropVote(&last)
		}
	}
	select {
	case c.voting <- struct{}{}:
	default:
	}
}

// offerEvery is how often a verdict is said again until it is listed: members drop what they say at an epoch's end.
const offerEvery = 2 * time.Second

// vote says what this node verified in its vertices, as a sequencer, until a header lists it or the bond is gone.
func (c *court) vote(ctx context.Context) error {
	if !c.isBonded() {
		return nil
	}
	tick := time.NewTicker(offerEvery)
	defer tick.Stop()
	for {
		for _, v := range c.p.ledger.votes(nil) {
			c.offer(v)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-c.voting:
		}
	}
}

func (c *court) offer(v types.Verdict) {
	bond, err := c.n.exec.Bond(v.Accused)
	if err != nil {
		c.n.log.Warn("bond of an accused not read", "accused", v.Accused.PeerID(), "error", err)
		return
	}
	switch bond.Status {
	case execution.BondActive, execution.BondLeaving:
	case execution.BondSlashed:
		if c.mayDisplace(&v) {
			break
		}
		fallthrough
	default:
		if err := c.p.ledger.dropVote(&v); err != nil {
			c.n.log.Warn("verdict not dropped", "error", err)
		}
		return
	}
	if c.n.order != nil {
		c.n.order.Verdict(v) // false: it is offered again anyway
	}
}
