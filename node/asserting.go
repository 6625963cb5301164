package node

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// onAssertion judges an assertion from the assertion topic.
func (n *Node) onAssertion(_ context.Context, _ peer.ID, encoded []byte) gossip.Verdict {
	signed, err := fraud.DecodeAssertion(encoded)
	if err != nil {
		return gossip.Reject
	}
	err = n.proofs.take(signed)
	switch {
	case err == nil:
		return gossip.Accept
	case errors.Is(err, fraud.ErrAssertion):
		return gossip.Reject
	case errors.Is(err, fraud.ErrEarly):
		return gossip.Accept // well signed by a prover, only ahead of this peer; peers ask each other for it later
	}
	n.log.Debug("assertion not taken", "error", err)
	return gossip.Ignore
}

// take gives an assertion to the tracker and, if it is taken, keeps it and has it compared. A prover that contradicts
// itself is challenged for that.
func (p *proofs) take(signed *fraud.SignedAssertion) error {
	earlier, at, err := p.tracker.AddAssertion(signed)
	if err != nil {
		return err
	}
	now := time.Now()
	id := signed.ID()
	p.mu.Lock()
	_, known := p.arrived[id]
	if !known {
		p.arrived[id] = now
		for i := range signed.Assertion.Blocks {
			if h := signed.Assertion.Height(i); !p.heights[h] {
				p.heights[h] = false
			}
		}
		p.forgetArrivals()
	}
	p.mu.Unlock()
	if known {
		return nil
	}
	if err := p.ledger.addAssertion(signed, id, uint64(now.UnixMilli())); err != nil {
		return err
	}
	a := &signed.Assertion
	p.n.cfg.Watch(Asserted{From: a.Parent.Height + 1, To: a.Last(), Prover: a.Prover})
	if earlier != nil {
		p.raise(fraud.NewDoubleAssertion(PayeeOf(p.n.key), earlier, signed, at))
	}
	if p.challenger != nil {
		select {
		case p.heard <- signed:
		default:
			p.n.log.Warn("assertion not compared: too many wait", "prover", a.Prover.PeerID())
		}
	}
	return nil
}

// mostArrivals bounds the times of arrival that are remembered.
const mostArrivals = 8192

// forgetArrivals keeps the maps small; mu is held.
func (p *proofs) forgetArrivals() {
	if len(p.arrived) > mostArrivals {
		clear(p.arrived)
	}
	if len(p.heights) > mostArrivals {
		settled := p.tracker.Settled().Height
		for h := range p.heights {
			if h <= settled {
				delete(p.heights, h)
			}
		}
	}
}

// sinceAssertion is how long ago an assertion arrived; 0 if it did not.
func (p *proofs) sinceAssertion(cid string) time.Duration {
	id, err := types.ParseBatchID(cid)
	if err != nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if at, ok := p.arrived[id]; ok {
		return time.Since(at)
	}
	return 0
}

const (
	inquireEvery  = time.Second
	inquirePeers  = 8  // how many are asked for challenges before a value may settle
	inquireBlocks = 32 // heights looked at in one turn
	inquireLag    = 2  // blocks without an assertion before peers are asked for one
)

// inquire asks peers directly for what pubsub did not bring: assertions of blocks that lack one, and challenges against
// values that are about to settle.
func (p *proofs) inquire(ctx context.Context) error {
	tick := time.NewTicker(inquireEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			p.askAssertions(ctx)
			p.askChallenges(ctx)
		}
	}
}

func (p *proofs) askAssertions(ctx context.Context) {
	next, head := p.tracker.Asserted().Height+1, p.n.chain.Head().Header
	if next+inquireLag > head.Height {
		return
	}
	found, err := p.n.gossip.Assertions(ctx, next, inquirePeers)
	if err != nil {
		return
	}
	for _, encoded := range found {
		signed, err := fraud.DecodeAssertion(encoded)
		if err == nil {
			err = p.take(signed)
		}
		if err != nil {
			p.n.log.Debug("assertion of a peer not taken", "height", next, "error", err)
		}
	}
}

func (p *proofs) askChallenges(ctx context.Context) {
	from := p.tracker.Settled().Height + 1
	for h := from; h < from+inquireBlocks && ctx.Err() == nil; h++ {
		p.mu.Lock()
		asked, asserted := p.heights[h]
		p.mu.Unlock()
		if asked || !asserted {
			continue
		}
		ids, _, err := p.n.gossip.ChallengeIDs(ctx, h, inquirePeers)
		if err != nil {
			return // nobody answers: nothing settles on silence
		}
		for _, id := range ids {
			if encoded, err := p.fetchChallenge(ctx, id); err == nil {
				err = p.court.judge(ctx, encoded)
				p.n.log.Debug("challenge learnt by asking", "height", h, "challenge", id, "error", err)
			}
		}
		p.mu.Lock()
		p.heights[h] = true
		p.mu.Unlock()
	}
}

func (p *proofs) fetchChallenge(ctx context.Context, id types.BatchID) ([]byte, error) {
	if known, ok := p.ledger.challenge(id); ok {
		return known, nil
	}
	return p.n.gossip.Challenge(ctx, id)
}

// proofHandlers serves and hears assertions and challenges.
func (n *Node) proofHandlers(h *gossip.Handlers) {
	if n.proofs == nil {
		return
	}
	h.Assertion, h.Challenge = n.onAssertion, n.onChallenge
	h.ChallengeBody, h.ChallengeIDs, h.Assertions = n.proofs.ledger.challenge, n.proofs.ledger.challengeIDs, n.proofs.ledger.assertionBodies
}

// Assertions implements rpc.Bedrock.
func (s *service) Assertions(_ context.Context, h types.Height) ([]rpc.Assertion, error) {
	p := s.n.proofs
	if p == nil {
		return nil, nil
	}
	entries, err := p.ledger.assertions(h)
	if err != nil {
		return nil, err
	}
	own := s.ownValue(h)
	out := make([]rpc.Assertion, len(entries))
	for i, e := range entries {
		out[i] = e.Claim
		switch {
		case p.ledger.refuted(e.Step):
			out[i].State = "refuted"
		case h <= s.n.settled():
			out[i].State = "settled"
		default:
			out[i].State = "asserted"
		}
		if own != nil {
			matches := *own == types.Hash(e.Step.Value)
			out[i].Matches = &matches
		}
	}
	return out, nil
}

// ownValue is the value of a height that this node computed itself; nil if it did not.
func (s *service) ownValue(h types.Height) *types.Hash {
	if s.n.exec == nil {
		return nil
	}
	parent, err := fraud.OwnParent(s.n.exec, h)
	if err != nil {
		return nil
	}
	value := types.Hash(parent.Value())
	return &value
}

// Challenges implements rpc.Bedrock.
func (s *service) Challenges(_ context.Context, from, to types.Height) ([]rpc.Challenge, error) {
	if s.n.proofs == nil {
		return nil, nil
	}
	return s.n.proofs.ledger.challenges(from, to)
}
