package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// Verification of strangers' challenges may take a tenth of a core in the long run, after a first allowance.
const (
	courtShare     = 0.1
	courtAllowance = 20 * time.Second
)

// court verifies challenges one at a time in a child process.
type court struct {
	n       *Node
	p       *proofs
	sandbox *fraud.Sandbox
	bench   chan struct{} // capacity 1: who verifies

	mu     sync.Mutex
	spent  time.Duration // of the allowance
	since  time.Time     // when spent was brought up to date
	judged map[types.BatchID]bool
	proven map[offence]bool
	// hearing counts the challenges of each step that are being looked at.
	hearing map[fraud.Step]int
}

func newCourt(n *Node, p *proofs) *court {
	c := &court{n: n, p: p, bench: make(chan struct{}, 1), since: time.Now(), judged: map[types.BatchID]bool{}, proven: map[offence]bool{}, hearing: map[fraud.Step]int{}}
	if len(n.cfg.Sandbox) > 0 {
		c.sandbox = &fraud.Sandbox{Exe: n.cfg.Sandbox[0], Args: n.cfg.Sandbox[1:]}
	}
	return c
}

// errRefuted says that the claim fell to an earlier challenge; this one is not verified.
var errRefuted = errors.New("the claim is refuted already")

// hear notes that a challenge of a step is being looked at, until the returned function is called.
func (c *court) hear(step fraud.Step) (done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hearing[step]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.hearing[step]--; c.hearing[step] == 0 {
			delete(c.hearing, step)
		}
	}
}

// isHearing reports whether somebody's challenge of the step is being looked at.
func (c *court) isHearing(step fraud.Step) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hearing[step] > 0
}

// errBusy says that the share of processor time for challenges is used up.
var errBusy = errors.New("the share of processor time for challenges is used up")

// judge verifies an encoded challenge. A nil error means that it is valid and was acted upon, now or before.
func (c *court) judge(ctx context.Context, encoded []byte) error {
	id := types.BatchIDOf(encoded)
	if _, known := c.p.ledger.challenge(id); known {
		return nil
	}
	if c.wasJudged(id) {
		return fmt.Errorf("challenge %s was found invalid before: %w", id, fraud.ErrInvalid)
	}
	challenge, err := fraud.DecodeChallenge(encoded)
	if err != nil {
		return err
	}
	step, isState := fraud.Accuses(challenge)
	if isState && c.p.tracker.Refuted(step) {
		return errRefuted
	}
	if err := fraud.Check(challenge, c.p.trust); err != nil { // before it waits for its turn
		return err
	}
	if c.n.exec != nil {
		if err := fraud.Foresee(c.n.exec, challenge); err != nil {
			return err
		}
	}
	if isState {
		defer c.hear(step)()
	}
	select {
	case c.bench <- struct{}{}:
		defer func() { <-c.bench }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if isState && c.p.tracker.Refuted(step) {
		return errRefuted
	}
	if !c.affords() {
		return errBusy
	}
	start := time.Now()
	finding, err := c.verify(ctx, challenge)
	took := time.Since(start)
	c.pay(took)
	if errors.Is(err, fraud.ErrInvalid) {
		c.remember(id)
	}
	if err != nil {
		return err
	}
	if !c.uphold(challenge, encoded, finding, took) {
		return errRefuted
	}
	return nil
}

// decided reports whether what judge said is the last word on a challenge here.
func decided(err error) bool {
	return err == nil || errors.Is(err, fraud.ErrInvalid) || errors.Is(err, errRefuted) || errors.Is(err, fraud.ErrForeignParent) ||
		errors.Is(err, fraud.ErrUnknownCommittee) // of no block that could settle here
}

// verify runs the child process where it must; a node without one verifies no strangers' challenges of wrong states.
func (c *court) verify(ctx context.Context, challenge *fraud.Challenge) (*fraud.Finding, error) {
	if challenge.Kind != fraud.KindWrongState { // nothing of a stranger's is executed
		return fraud.Verify(challenge, c.p.trust)
	}
	if c.sandbox == nil {
		return nil, fmt.Errorf("no command for the verification process is configured: %w", fraud.ErrSandbox)
	}
	return c.sandbox.Judge(ctx, challenge, c.p.trust)
}

// uphold acts on a valid challenge: the value falls, the challenge is kept and told. False if it proves nothing new.
func (c *court) uphold(challenge *fraud.Challenge, encoded []byte, f *fraud.Finding, took time.Duration) bool {
	p := c.p
	if !c.isNews(f) {
		return false
	}
	if err := c.n.convictQuorum(f); err != nil {
		c.n.log.Warn("a quorum's misconduct has no consequence here", "challenge", types.BatchIDOf(encoded), "reason", err)
		return false
	}
	p.tracker.Convict(f)
	id := types.BatchIDOf(encoded)
	since := p.sinceAssertion(f.Assertion)
	var records []rpc.Challenge
	for _, accused := range f.Accused {
		records = append(records, rpc.Challenge{Height: rpc.Height(f.Height), Kind: f.Kind.String(), Accused: accused.PeerID(),
			Challenger: c.n.nameOf(challenge.Payee), Verdict: "valid", Ms: uint64(since.Milliseconds())})
	}
	if err := p.ledger.addChallenge(id, encoded, records, f); err != nil {
		c.n.log.Error("challenge not stored", "challenge", id, "error", err)
	}
	for _, accused := range f.Accused {
		c.n.cfg.Watch(Refuted{Height: f.Height, Kind: f.Kind.String(), Accused: accused, Challenger: challenge.Payee, Took: since,
			Size: len(encoded), Verify: took, Differences: f.Differences})
	}
	return true
}

// offence is what a challenge other than of a wrong state proves: of an author's contradictions one is enough, and of
// what a quorum signed one for each height. Each pair of contradicting messages would else be another challenge.
type offence struct {
	kind    fraud.Kind
	accused types.PublicKey
	height  types.Height
}

// isNews notes what a finding proves; false if it was proven before.
func (c *court) isNews(f *fraud.Finding) bool {
	if f.Refuted != nil {
		return !c.p.tracker.Refuted(*f.Refuted)
	}
	what := offence{kind: f.Kind, height: f.Height}
	if (f.Kind == fraud.KindDoubleAssertion || f.Kind == fraud.KindDoubleVertex) && len(f.Accused) > 0 {
		what = offence{kind: f.Kind, accused: f.Accused[0]}
	}
	if len(f.Signed) > 0 && !c.p.ledger.takesConviction(f) {
		return false // of an earlier run, or one too many
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proven[what] {
		return false
	}
	if len(c.proven) >= mostJudged {
		clear(c.proven)
	}
	c.proven[what] = true
	return true
}

// nameOf is the peer ID of the node that a payee stands for, as far as it is known here, else the account.
func (n *Node) nameOf(payee [20]byte) string {
	for _, id := range n.host.Peerstore().Peers() {
		if key, err := gossip.KeyOf(id); err == nil && PayeeOf(key) == payee {
			return key.PeerID()
		}
	}
	return fmt.Sprintf("0x%x", payee)
}

func (c *court) affords() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.spent = max(0, c.spent-time.Duration(courtShare*float64(now.Sub(c.since))))
	c.since = now
	return c.spent < courtAllowance
}

func (c *court) pay(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spent += d
}

// mostJudged bounds the invalid challenges remembered.
const mostJudged = 4096

func (c *court) remember(id types.BatchID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.judged) >= mostJudged {
		clear(c.judged)
	}
	c.judged[id] = true
}

func (c *court) wasJudged(id types.BatchID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.judged[id]
}

// onChallenge judges a challenge, or the announcement of a large one, from the challenge topic.
func (n *Node) onChallenge(ctx context.Context, _ peer.ID, encoded []byte) gossip.Verdict {
	if announced, err := types.DecodeChallengeAnnouncement(encoded); err == nil {
		if announced.Size <= announceAbove || announced.Size > fraud.MaxChallengeBytes {
			return gossip.Reject
		}
		if n.proofs.court.wasJudged(announced.Challenge) {
			return gossip.Ignore
		}
		if encoded, err = n.proofs.fetchChallenge(ctx, announced.Challenge); err != nil {
			return gossip.Ignore
		}
	}
	err := n.proofs.court.judge(ctx, encoded)
	switch {
	case err == nil:
		return gossip.Accept
	case errors.Is(err, fraud.ErrInvalid):
		n.log.Info("challenge refused", "reason", err)
		return gossip.Reject
	}
	n.log.Debug("challenge not judged", "error", err)
	return gossip.Ignore
}

// announceAbove is the size in bytes above which a challenge is announced rather than published.
const announceAbove = 512 << 10

func (n *Node) publishChallenge(ctx context.Context, encoded []byte) error {
	if len(encoded) > announceAbove {
		announcement := types.ChallengeAnnouncement{Challenge: types.BatchIDOf(encoded), Size: uint64(len(encoded)), Holder: n.key}
		encoded = announcement.Encode()
	}
	return n.gossip.PublishChallenge(ctx, encoded)
}
