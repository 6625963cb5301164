package node

import (
	"context"
	"math/rand/v2"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

// proofs is the node's part in proving: it tracks what provers assert, asserts itself where that is its role, compares
// with the own execution, and verifies challenges.
type proofs struct {
	n       *Node
	tracker *fraud.Tracker
	trust   *fraud.Trust
	ledger  ledger
	court   *court

	challenger *fraud.Challenger // nil at roles that execute nothing
	poster     *poster           // nil at roles that do not assert
	bonds      *bonds
	read       types.Height // blocks whose assertions are known; owned by track

	heard chan *fraud.SignedAssertion // taken by the tracker, to be compared
	ran   chan struct{}               // capacity 1: execution moved

	begin  atomic.Pointer[beginning] // where tracking is to start over; taken by track
	learnt time.Time                 // when peers were asked for a settled block's claims; owned by rejoin

	missed atomic.Bool // an assertion found heard full: all are looked at again

	// Owned by inquire: the next height without an assertion, and the head, when peers last had none; the height at which
	// own execution and the standing claim differ.
	barren   barren
	disputed atomic.Uint64

	mu      sync.Mutex
	arrived map[types.BatchID]time.Time // of assertions
	early   []*fraud.SignedAssertion    // of blocks that are not certified here yet, oldest first
	asked   map[types.Height]bool       // heights for which peers were asked for challenges after their window
	misses  map[types.Height]int        // turns in which a challenge that a peer named could not be had
}

// heardQueue bounds the assertions that wait to be compared; beyond it they are read from the ledger again.
const heardQueue = 256

// openProofs opens tracker, verifier and, by role, challenger and prover. Networks of opaque payload have no states.
func (n *Node) openProofs() error {
	if n.cfg.Role == config.Bootstrap || n.cfg.Genesis.Payload != types.PayloadEthereum {
		return nil
	}
	rules, err := execution.RulesOf(n.cfg.Genesis)
	if err != nil {
		return err
	}
	bonds := &bonds{n: n}
	p := &proofs{
		n: n, bonds: bonds, ledger: ledger{n.store}, heard: make(chan *fraud.SignedAssertion, heardQueue), ran: make(chan struct{}, 1),
		arrived: map[types.BatchID]time.Time{}, asked: map[types.Height]bool{}, misses: map[types.Height]int{},
		trust: &fraud.Trust{Rules: rules, Bond: bonds.of, Committee: func(e types.Epoch) *types.Committee {
			c, _ := n.chain.Committee(e)
			return c
		}},
	}
	base, at, err := p.base()
	if err != nil {
		return err
	}
	p.tracker = fraud.NewTracker(fraud.TrackerConfig{
		Rules: rules, Base: base, Time: at, Window: n.cfg.Genesis.ChallengeWindow, Step: n.cfg.Genesis.WindowStep,
		Ordered: n.exec != nil, Bond: bonds.of, Available: func(h types.Height) bool { return h <= n.sampled() }, Unchallenged: p.unchallenged,
	})
	p.read = base.Height
	p.court = newCourt(n, p)
	if n.exec != nil {
		p.challenger = fraud.NewChallenger(n.exec, provable{n}, p.trust, n.payee())
	}
	if n.cfg.Role == config.Prover {
		p.poster = newPoster(n)
	}
	n.proofs = p
	n.openVerified()
	return nil
}

// base is where tracking starts: the settled value stored last, else genesis.
func (p *proofs) base() (fraud.Parent, types.Time, error) {
	if stored, ok, err := p.ledger.settled(); err != nil {
		return fraud.Parent{}, 0, err
	} else if ok {
		if ch, known := p.n.chain.Header(stored.Height); known && ch.Header.Digest() == stored.Digest && !p.restoredAbove(stored.Height) {
			return stored, ch.Header.Time, nil
		}
	}
	if p.restoredAbove(0) { // and not followed from there before a restart
		return p.ownValue(p.n.exec.First())
	}
	header, claim, err := execution.GenesisOutcome(p.n.cfg.Genesis)
	return fraud.ParentOf(0, header.Digest(), []execution.Claim{claim}), header.Time, err
}

// unchallenged is the tracker's question whether peers were asked for challenges against a height. The tracker is locked.
func (p *proofs) unchallenged(h types.Height) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[h]
}

// provable gives challengers the blocks that the node has.
type provable struct{ n *Node }

var _ fraud.Blocks = provable{}

// Certified implements fraud.Blocks.
func (b provable) Certified(h types.Height) (types.CertifiedHeader, bool) { return b.n.chain.Header(h) }

// Encoded implements fraud.Blocks.
func (b provable) Encoded(h types.Height) (*coding.Block, error) { return b.n.chain.Block(h) }

// Data implements fraud.Blocks.
func (b provable) Data(h types.Height) ([]byte, error) { return b.n.chain.Body(h) }

// run tracks, asserts and asks until ctx ends.
func (p *proofs) run(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error { return p.track(inner) })
	group.Go(func() error { return p.inquire(inner) })
	group.Go(func() error { return p.rejoin(inner) })
	group.Go(func() error { return p.court.vote(inner) })
	group.Go(func() error { return p.court.pursue(inner) })
	group.Go(func() error { return p.court.compare(inner) })
	return group.Wait()
}

// executed says that execution moved.
func (p *proofs) executed() {
	select {
	case p.ran <- struct{}{}:
	default:
	}
}

// track is the goroutine that owns challenger and prover.
func (p *proofs) track(ctx context.Context) error {
	signal, cancel := p.n.chain.Subscribe()
	defer cancel()
	next := p.tracker.Settled().Height + 1
	forgotten := types.Height(0) // the settled height when the ledger was last relieved of old heights
	p.missed.Store(true)         // after a restart: what was asserted before it
	for {
		if b := p.begin.Swap(nil); b != nil {
			p.tracker.Begin(b.value, b.time)
			next, p.read = p.tracker.Settled().Height+1, b.value.Height // what blocks above it ordered is read again
			p.missed.Store(true)
		}
		for ; ; next++ {
			ch, ok := p.n.chain.Header(next)
			if !ok {
				break
			}
			p.tracker.AddHeader(&ch.Header)
		}
		p.retryEarly()
		p.readBlocks()
		p.advance(ctx)
		if p.missed.Swap(false) {
			p.recall()
		}
		settled := p.tracker.Settled()
		if err := p.ledger.keepSettled(settled); err != nil {
			return err
		}
		if settled.Height >= forgotten+forgetEvery {
			forgotten = settled.Height
			if err := p.ledger.forget(p.retired(settled.Height)); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-signal:
		case <-p.ran:
		case signed := <-p.heard:
			p.inspect(signed)
		}
	}
}

// forgetEvery is how many heights settle between two looks at what the ledger need not keep any more.
const forgetEvery = 256

// retired is the highest settled height that is older than the retention time, in header time; 0 if none is.
func (p *proofs) retired(settled types.Height) types.Height {
	now, retention := p.n.chain.Head().Header.Time, types.Time(p.n.cfg.Genesis.Retention)
	return types.Height(sort.Search(int(settled), func(i int) bool {
		ch, ok := p.n.chain.Header(types.Height(i + 1))
		return ok && ch.Header.Time+retention >= now
	}))
}

// advance compares what waited for execution, and asserts what is new.
func (p *proofs) advance(ctx context.Context) {
	if p.challenger == nil {
		return
	}
	challenges, err := p.challenger.Advance()
	if err != nil {
		p.n.log.Debug("assertions that cannot be challenged", "error", err)
	}
	for _, c := range challenges {
		p.raise(c)
	}
	if p.poster == nil || p.n.exec.Height() > p.n.chain.Head().Header.Height {
		return
	}
	if signed := p.poster.post(ctx); signed != nil {
		p.say(ctx, signed)
	}
}

// say takes an own assertion that is on its way to the ledger, and publishes it.
func (p *proofs) say(ctx context.Context, signed *fraud.SignedAssertion) {
	if err := p.take(signed); err != nil {
		p.n.log.Debug("own assertion counts here when it is ordered", "error", err)
	}
	if err := p.n.gossip.PublishAssertion(ctx, signed.Encode()); err != nil && ctx.Err() == nil {
		p.n.log.Warn("assertion not published", "error", err)
	}
}

// readBlocks takes the assertions that executed blocks put on the ledger.
func (p *proofs) readBlocks() {
	if p.n.exec == nil {
		return
	}
	p.read = max(p.read, p.n.exec.First()) // nothing below it was executed here
	for top := min(p.n.exec.Height(), p.n.chain.Head().Header.Height); p.read < top; p.read++ {
		posted, err := p.n.exec.Posted(p.read + 1)
		if err != nil {
			p.n.log.Error("assertions on the ledger are not read", "block", p.read+1, "error", err)
			continue
		}
		for _, one := range posted {
			p.ordered(one, p.read+1)
		}
	}
}

// ordered takes one assertion that a block put on the ledger.
func (p *proofs) ordered(posted execution.Posted, in types.Height) {
	signed, err := fraud.DecodeAssertion(posted.Envelope)
	if err != nil {
		p.n.log.Error("an assertion on the ledger cannot be read, so nobody could challenge it", "block", in, "error", err)
		return
	}
	if err := p.order(signed, in); err != nil {
		p.n.log.Debug("assertion on the ledger does not count here", "block", in, "prover", signed.Assertion.Prover.PeerID(), "error", err)
		p.inspect(signed) // a lie is challenged wherever it stands
	}
	if p.poster == nil {
		return
	}
	if _, wrong, err := fraud.Compare(p.n.exec, &signed.Assertion); err == nil && !wrong {
		p.poster.note(&signed.Assertion, in, posted.Step)
	}
}

// inspect compares one assertion and raises a challenge against a wrong one.
func (p *proofs) inspect(signed *fraud.SignedAssertion) {
	if p.challenger == nil || signed.Assertion.Prover == p.n.key {
		return
	}
	a := &signed.Assertion
	if at, wrong, err := fraud.Compare(p.n.exec, a); err == nil && wrong && a.Names(at.Block) && p.tracker.Refuted(a.Step(at.Block)) {
		return
	}
	challenge, err := p.challenger.Inspect(signed)
	if err != nil {
		p.n.log.Debug("assertion not challenged", "prover", signed.Assertion.Prover.PeerID(), "error", err)
	}
	if challenge != nil {
		p.raise(challenge)
	}
}

// mostModesty bounds how long a challenger waits to see whether another one was faster.
const mostModesty = 300 * time.Millisecond

// raise publishes a challenge unless somebody else's comes first: one is enough for everybody.
func (p *proofs) raise(c *fraud.Challenge) {
	finding, err := fraud.Verify(c, p.trust) // of the own making: no sandbox needed
	if err != nil {
		p.n.log.Error("own challenge does not verify", "error", err)
		return
	}
	publish := func(ctx context.Context) {
		encoded := c.Encode()
		if !p.court.uphold(c, encoded, finding, 0) {
			return
		}
		if err := p.n.publishChallenge(ctx, encoded); err != nil && ctx.Err() == nil {
			p.n.log.Warn("challenge not published", "error", err)
		}
		if isOrdered(c.Kind) {
			p.court.claim(ctx, types.Verdict{Challenge: c.ID(), Kind: uint64(c.Kind), Accused: finding.Accused[0], Payee: c.Payee}, len(encoded))
		}
	}
	queued := p.n.background.do(func(ctx context.Context) {
		if finding.Refuted == nil || !p.beaten(ctx, *finding.Refuted) {
			publish(ctx)
		}
	})
	if !queued { // never dropped: a lie that nobody challenges stands
		publish(context.Background())
	}
}

// challengeEncoding raises a challenge against the signers of a badly encoded block.
func (p *proofs) challengeEncoding(ch types.CertifiedHeader, proof *coding.BadEncodingError) {
	challenge, err := fraud.NewBadEncoding(p.n.payee(), &ch, proof.Evidence)
	if err != nil {
		p.n.log.Error("bad encoding not challenged", "height", ch.Header.Height, "error", err)
		return
	}
	p.raise(challenge)
}

// beaten waits a moment, and while somebody else's challenge of the step is looked at, and reports whether that was upheld.
func (p *proofs) beaten(ctx context.Context, step fraud.Step) bool {
	for {
		select {
		case <-ctx.Done():
			return true
		case <-time.After(rand.N(mostModesty)):
		}
		if p.tracker.Refuted(step) {
			return true
		}
		if !p.court.isHearing(step) {
			return false
		}
	}
}

// asserted is the newest height with exactly one unrefuted value.
func (n *Node) asserted() types.Height {
	if n.proofs == nil {
		return 0
	}
	return min(n.proofs.tracker.Asserted().Height, n.chain.Sound())
}

// settled is the newest settled height.
func (n *Node) settled() types.Height {
	if n.proofs == nil {
		return 0
	}
	return min(n.proofs.tracker.Settled().Height, n.chain.Sound())
}

// PayeeOf is the account that the challenges of a node without an account pay: the last 20 bytes of keccak-256 of its
// public key.
func PayeeOf(key types.PublicKey) (payee [20]byte) {
	sum := keccak(key[:])
	copy(payee[:], sum[12:])
	return payee
}
