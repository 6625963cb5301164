package node

import (
	"context"
	"errors"
	"fmt"
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
	case errors.Is(err, fraud.ErrEarly) && n.proofs.wait(signed):
		return gossip.Accept // well signed by a prover, only ahead of this peer
	}
	n.log.Debug("assertion not taken", "error", err)
	return gossip.Ignore
}

// take gives an assertion to the tracker and, if it is taken, keeps it and has it compared. A prover that contradicts
// itself is challenged for that.
func (p *proofs) take(signed *fraud.SignedAssertion) error {
	return p.accept(signed, p.tracker.AddAssertion)
}

// order is take for an assertion that the block of a height put on the ledger.
func (p *proofs) order(signed *fraud.SignedAssertion, in types.Height) error {
	return p.accept(signed, func(s *fraud.SignedAssertion) (*fraud.SignedAssertion, types.Height, error) {
		return p.tracker.Order(s, in)
	})
}

func (p *proofs) accept(signed *fraud.SignedAssertion, add func(*fraud.SignedAssertion) (*fraud.SignedAssertion, types.Height, error)) error {
	a := &signed.Assertion
	_ = a.Bind(p.n.digest) // the tracker says what is wrong with it, after the signature
	earlier, at, err := add(signed)
	if err != nil {
		return err
	}
	now := time.Now()
	id := signed.ID()
	if !p.arrives(id, now) {
		return nil
	}
	p.refuteAgain(a)
	if err := p.ledger.addAssertion(signed, id, uint64(now.UnixMilli())); err != nil {
		return err
	}
	p.n.cfg.Watch(Asserted{From: a.ParentHeight + 1, To: a.Last(), Prover: a.Prover})
	if earlier != nil {
		p.challengeContradiction(earlier, signed, at)
	}
	if p.challenger != nil {
		select {
		case p.heard <- signed:
		default:
			p.missed.Store(true)
		}
	}
	return nil
}

// digest is the digest of a header of the own chain.
func (n *Node) digest(h types.Height) (types.Hash, bool) {
	if h == 0 {
		genesis := n.chain.Genesis()
		return genesis.Digest(), true
	}
	ch, ok := n.chain.Header(h)
	return ch.Header.Digest(), ok
}

// challengeContradiction challenges a prover that said two things of the block of a height.
func (p *proofs) challengeContradiction(earlier, signed *fraud.SignedAssertion, at types.Height) {
	top, ok := p.n.chain.Header(max(earlier.Assertion.Last(), signed.Assertion.Last()))
	if !ok {
		return
	}
	below, err := fraud.HeadersBelow(followed{p.n}, top.Header.Height, at)
	if err != nil {
		p.n.log.Warn("contradicting assertions not challenged", "height", at, "error", err)
		return
	}
	p.raise(fraud.NewDoubleAssertion(p.n.payee(), earlier, signed, at, &top, below))
}

// followed gives the headers of the own chain.
type followed struct{ n *Node }

// Header is the header of a height.
func (f followed) Header(h types.Height) (types.Header, error) {
	if h == 0 {
		return f.n.chain.Genesis(), nil
	}
	ch, ok := f.n.chain.Header(h)
	if !ok {
		return types.Header{}, fmt.Errorf("header %d is not kept here", h)
	}
	return ch.Header, nil
}

// refuteAgain tells the tracker, which forgets at a restart, which steps of an assertion were refuted here before.
func (p *proofs) refuteAgain(a *fraud.Assertion) {
	for i := range a.Blocks {
		if !a.Names(i) {
			continue
		}
		if step := a.Step(i); p.ledger.refuted(step) {
			p.tracker.Refute(step, a.Height(i))
		}
	}
}

// mostArrivals bounds the times of arrival that are remembered.
const mostArrivals = 8192

// arrives notes when an assertion came first; false if it came before.
func (p *proofs) arrives(id types.BatchID, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.arrived[id]; known {
		return false
	}
	if len(p.arrived) >= mostArrivals {
		clear(p.arrived)
	}
	p.arrived[id] = now
	return true
}

// Bounds of the assertions that wait for headers: so far above the head, and so many of each prover.
const (
	mostAhead = 64
	mostEarly = 16
)

// wait keeps an assertion of blocks that are not certified here yet until they are; false if it is too far ahead, or its
// prover has too many waiting.
func (p *proofs) wait(signed *fraud.SignedAssertion) bool {
	if signed.Assertion.Last() > p.n.chain.Head().Header.Height+mostAhead {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	same, id := 0, signed.ID()
	for _, s := range p.early {
		if s.Assertion.Prover != signed.Assertion.Prover {
			continue
		}
		if same++; s.ID() == id {
			return true
		}
	}
	if same >= mostEarly {
		return false
	}
	p.early = append(p.early, signed)
	return true
}

// retryEarly takes the assertions whose headers have come.
func (p *proofs) retryEarly() {
	p.mu.Lock()
	waiting := p.early
	p.early = nil
	p.mu.Unlock()
	for _, signed := range waiting {
		err := p.take(signed)
		switch {
		case errors.Is(err, fraud.ErrEarly):
			p.wait(signed)
		case err != nil:
			p.n.log.Debug("early assertion not taken", "error", err)
		}
	}
}

// recall looks again at every assertion in the ledger that covers unsettled blocks: after a restart, and when more came
// at once than wait to be compared. It runs on track's goroutine.
func (p *proofs) recall() {
	for _, encoded := range p.ledger.assertionsAbove(p.tracker.Settled().Height) {
		signed, err := fraud.DecodeAssertion(encoded)
		if err == nil {
			err = signed.Assertion.Bind(p.n.digest)
		}
		if err == nil {
			_, _, err = p.tracker.AddAssertion(signed)
		}
		if err != nil {
			p.n.log.Debug("stored assertion not taken", "error", err)
			continue
		}
		p.arrives(signed.ID(), time.Now())
		p.refuteAgain(&signed.Assertion)
		p.inspect(signed)
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
