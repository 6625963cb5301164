package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/node/docket"
	"github.com/etherscale/bedrock/types"
)

// verifying gives the verification of challenges a tenth of a core, after a first allowance: fifty challenges, which is a start
// behind a liar. Of those that wait, announceAbove bytes at most are kept of each, but for one.
var verifying = docket.Config{Rate: 0.1, Allowance: 4 * time.Second, OfSender: 4, OfGroup: 12, InAll: 32}

// fetching lets one announced challenge at a time be fetched and verified, of up to fraud.MaxChallengeBytes. Who announces what
// takes long to get waits for those who did not; all time may be used.
var fetching = docket.Config{Rate: 1, Allowance: time.Minute, OfSender: 2, OfGroup: 4, InAll: 32}

// court verifies challenges, one at a time, what a stranger makes this peer execute in a child process.
type court struct {
	n       *Node
	p       *proofs
	sandbox *fraud.Sandbox
	docket  *docket.Docket
	fetches *docket.Docket
	counts  courtCounts
	voting  chan struct{} // capacity 1: there is something new to vote for

	mu     sync.Mutex
	judged map[types.BatchID]bool // invalid
	proven map[offence]bool
	// hearing counts the challenges of each step that are being looked at.
	hearing map[fraud.Step]int
}

func newCourt(n *Node, p *proofs) *court {
	c := &court{n: n, p: p, docket: docket.New(verifying), fetches: docket.New(fetching), voting: make(chan struct{}, 1), judged: map[types.BatchID]bool{}, proven: map[offence]bool{}, hearing: map[fraud.Step]int{}}
	if len(n.cfg.Sandbox) > 0 {
		c.sandbox = &fraud.Sandbox{Exe: n.cfg.Sandbox[0], Args: n.cfg.Sandbox[1:]}
	}
	return c
}

// What judge says of challenges that it does not verify.
var (
	// errRefuted: the claim fell to an earlier challenge.
	errRefuted = errors.New("the claim is refuted already")
	// errBusy: the sender, its network or everybody has as many challenges waiting as this peer keeps.
	errBusy = errors.New("too many challenges wait to be verified")
	// errAbsent: no peer gave the challenge that one named.
	errAbsent = errors.New("no peer gave the challenge")
)

// decided reports whether what judge said is the last word on a challenge here.
func decided(err error) bool {
	return err == nil || errors.Is(err, fraud.ErrInvalid) || errors.Is(err, errRefuted) || errors.Is(err, fraud.ErrForeignParent) ||
		errors.Is(err, fraud.ErrUnknownCommittee) // of no block that could settle here
}

// isLie reports whether what judge said is the sender's fault whatever it knew: a peer that is ahead or behind may know other
// provers, and what takes too long here may have been quick there.
func isLie(err error) bool {
	return errors.Is(err, fraud.ErrInvalid) && !errors.Is(err, fraud.ErrNotProver) && !errors.Is(err, fraud.ErrSlow)
}

// judgeID fetches a challenge of which only the name came, in its sender's turn, and judges it.
func (c *court) judgeID(ctx context.Context, from docket.Sender, id types.BatchID) error {
	if done, err := c.closed(id); done {
		return err
	}
	place, err := c.fetches.Enter(from)
	if err != nil {
		c.counts.noteBusy()
		return errBusy
	}
	var cost time.Duration
	defer func() { place.Leave(cost) }()
	if err := c.wait(ctx, place); err != nil {
		return err
	}
	start := time.Now()
	defer func() { cost = time.Since(start) }()
	timed, cancel := context.WithTimeout(ctx, fetchPatience)
	defer cancel()
	encoded, err := c.p.fetchChallenge(timed, id)
	if err != nil {
		return fmt.Errorf("%w: %w", errAbsent, err)
	}
	return c.judge(ctx, from, encoded)
}

// fetchPatience is for how long a challenge may be under way: one of 16 MiB, the largest, over 10 Mbit/s.
const fetchPatience = 15 * time.Second

func (c *court) wait(ctx context.Context, place *docket.Place) error {
	err := place.Wait(ctx)
	if errors.Is(err, docket.ErrFull) {
		c.counts.noteBusy()
		return errBusy
	}
	return err
}

// judge verifies an encoded challenge when its sender's turn has come. A nil error means that it is valid and was acted upon,
// now or before.
func (c *court) judge(ctx context.Context, from docket.Sender, encoded []byte) error {
	place, err := c.docket.Enter(from)
	if err != nil {
		c.counts.noteBusy()
		return errBusy
	}
	var cost time.Duration
	defer func() { place.Leave(cost) }()
	id := types.BatchIDOf(encoded)
	if done, err := c.closed(id); done {
		return err
	}
	start := time.Now()
	challenge, err := fraud.DecodeChallenge(encoded)
	if err != nil {
		cost = time.Since(start)
		c.counts.note(0, func(n *ChallengeCount) { n.Received++ })
		return c.dismiss(id, 0, err)
	}
	c.counts.note(challenge.Kind, func(n *ChallengeCount) { n.Received++ })
	step, isState := fraud.Accuses(challenge)
	cost = time.Since(start)
	if isState {
		defer c.hear(step)()
	}
	if err := c.wait(ctx, place); err != nil {
		return err
	}
	spent, err := c.decide(ctx, id, challenge, encoded)
	cost += spent
	return err
}

// decide does what judge has waited for, and says what processor time it took.
func (c *court) decide(ctx context.Context, id types.BatchID, challenge *fraud.Challenge, encoded []byte) (cost time.Duration, err error) {
	if done, err := c.closed(id); done {
		return 0, err
	}
	if step, ok := fraud.Accuses(challenge); ok && c.p.tracker.Refuted(step) {
		if accused := fraud.Describe(challenge).Accused; len(accused) != 1 || !c.decidesPay(accused[0], id, challenge.Payee) {
			return 0, errRefuted
		}
	}
	start := time.Now()
	finding, child, err := c.verify(ctx, challenge)
	took := time.Since(start)
	cost = took - child.Wall + child.CPU
	if err != nil {
		return cost, c.dismiss(id, challenge.Kind, err)
	}
	if !c.uphold(challenge, encoded, finding, took) {
		return cost, errRefuted
	}
	c.counts.note(challenge.Kind, func(n *ChallengeCount) { n.Upheld++ })
	return cost, nil
}

// closed is the answer to a challenge that was judged before.
func (c *court) closed(id types.BatchID) (bool, error) {
	if _, known := c.p.ledger.challenge(id); known {
		return true, nil
	}
	if c.wasJudged(id) {
		return true, fmt.Errorf("challenge %s was found invalid before: %w", id, fraud.ErrInvalid)
	}
	return false, nil
}

// dismiss counts a challenge that was not upheld, and remembers one that is invalid for everybody.
func (c *court) dismiss(id types.BatchID, kind fraud.Kind, err error) error {
	if isLie(err) {
		c.remember(id)
	}
	c.counts.note(kind, func(n *ChallengeCount) {
		if isLie(err) {
			n.Invalid++
			return
		}
		n.Undecided++
	})
	return err
}

// verify checks a challenge, the cheapest first, and runs the child process where it must; a node without one verifies no
// strangers' challenges of wrong states. A peer that executed the block compares with its own claims before.
func (c *court) verify(ctx context.Context, challenge *fraud.Challenge) (*fraud.Finding, fraud.Usage, error) {
	if challenge.Kind != fraud.KindWrongState { // nothing of a stranger's is executed
		finding, err := fraud.Verify(challenge, c.p.trust)
		return finding, fraud.Usage{}, err
	}
	job, err := fraud.NewJob(challenge, c.p.trust)
	if err != nil {
		return nil, fraud.Usage{}, err
	}
	if c.n.exec != nil {
		if err := fraud.Foresee(c.n.exec, challenge); err != nil {
			return nil, fraud.Usage{}, err
		}
	}
	if c.sandbox == nil {
		return nil, fraud.Usage{}, fmt.Errorf("no command for the verification process is configured: %w", fraud.ErrSandbox)
	}
	return c.sandbox.Measure(ctx, job)
}

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
