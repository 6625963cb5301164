package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/types"
)

// asserter is a prover, or a liar in a drill.
type asserter interface {
	// Assert makes an assertion of the blocks from parent+1 to last, or as many of them as one holds.
	Assert(parent, last types.Height) (*fraud.Assertion, error)
	// Next is Assert up to the newest block that is a reason for one, fraud.ErrNothing if none is.
	Next(parent types.Height) (*fraud.Assertion, error)
}

// The contract's prize for a step is shared by who asserts it at most prizeBlocks after the first; one's own assertion takes
// about joinBlocks to be executed.
const (
	prizeBlocks = 8
	joinBlocks  = 2
)

// poster posts a prover's assertions on the ledger, one at a time. What to assert next it reads off the ledger alone, so that
// after a crash it goes on where it was. It belongs to track.
type poster struct {
	n      *Node
	make   asserter
	vault  [20]byte
	sent   *account.Sent
	rest   types.Height                // nothing is posted before this block: the last attempt came to nothing
	posted map[types.Height]postedStep // by the height they build on: the first on the ledger that is right
	told   time.Time                   // when a reason for posting nothing was logged last
}

// postedStep is a right step on the ledger.
type postedStep struct {
	last types.Height
	in   types.Height // block that opened it
	step uint64       // place in the contract's queue
	own  bool         // this prover supports it
}

func newPoster(n *Node) *poster {
	vault, err := hex.DecodeString(strings.TrimPrefix(n.cfg.Genesis.FeeVault, "0x"))
	if n.cfg.Genesis.Bonding == nil || n.account == nil || err != nil || len(vault) != 20 {
		n.log.Warn("this prover asserts nothing: the network has no bonding contract, or the node no account")
		return nil
	}
	p := &poster{n: n, vault: [20]byte(vault), posted: map[types.Height]postedStep{}}
	p.make = fraud.NewProver(n.key, n.exec)
	if n.cfg.Dishonest {
		p.make = fraud.NewLiar(n.key, n.exec, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	}
	return p
}

// note takes an assertion that a block put on the ledger and that is what this node computed.
func (p *poster) note(a *fraud.Assertion, in types.Height, step uint64) {
	known, ok := p.posted[a.ParentHeight]
	if !ok {
		known = postedStep{last: a.Last(), in: in, step: step}
	}
	if known.last == a.Last() {
		known.own = known.own || a.Prover == p.n.key
	}
	p.posted[a.ParentHeight] = known
}

// next is what to assert now: the oldest step that may still be joined, or else what follows the newest.
func (p *poster) next(s execution.Settlement) (*fraud.Assertion, error) {
	head := p.n.exec.Height()
	for parent, step := range p.posted {
		if parent < s.Height || step.step < s.First { // settled, or void
			delete(p.posted, parent)
		}
	}
	tip := s.Height
	for {
		step, ok := p.posted[tip]
		if !ok {
			return p.make.Next(tip)
		}
		if !step.own && head+joinBlocks <= step.in+prizeBlocks {
			return p.make.Assert(tip, step.last)
		}
		tip = step.last
	}
}

// post posts the next assertion, unless one is under way; nil if there is nothing to post.
func (p *poster) post(ctx context.Context) *fraud.SignedAssertion {
	if p.underWay() || p.n.exec.Height() < max(p.rest, 1) || !p.mayAssert() { // block 1 founds the contract's first value
		return nil
	}
	settlement, err := p.n.exec.Settlement()
	if err == nil {
		err = p.agrees(settlement)
	}
	if err != nil {
		p.tell("nothing asserted: what the ledger has settled cannot be built on", "error", err)
		return nil
	}
	a, err := p.next(settlement)
	if errors.Is(err, fraud.ErrNothing) {
		return nil
	}
	if err != nil {
		p.tell("nothing asserted", "error", err)
		return nil
	}
	data := a.Calldata()
	sent, err := p.n.account.Send(ctx, p.vault, nil, data, fraud.AssertionGas(data))
	if err != nil {
		p.tell("assertion not posted: see that this node's account has money for gas", "from", a.ParentHeight+1, "to", a.Last(), "error", err)
		return nil
	}
	p.sent = sent
	signed, err := fraud.DecodeAssertion(sent.Envelope())
	if err != nil {
		p.n.log.Error("own assertion is malformed", "error", err)
		return nil
	}
	return signed
}

// underWay reports whether an own assertion waits for its execution: the contract takes one a block, and the next one
// depends on what became of this one.
func (p *poster) underWay() bool {
	if p.sent == nil {
		return false
	}
	select {
	case <-p.sent.Finished():
	default:
		return true
	}
	outcome, err := p.sent.Wait(context.Background()) // done already
	if err != nil || !outcome.Succeeded {
		p.n.log.Info("an assertion had no effect: others settled what it builds on meanwhile, or the bond is gone", "block", outcome.Height, "error", err)
		p.rest = p.n.exec.Height() + prizeBlocks
	}
	p.sent = nil
	return false
}

// agrees reports what is wrong with building on the ledger's settled value: nothing, if it is what this node computed.
func (p *poster) agrees(s execution.Settlement) error {
	own, err := fraud.OwnParent(p.n.exec, s.Height)
	if err == nil && types.Hash(own.Value()) != s.Value {
		err = fmt.Errorf("block %d: the value is not what this node computed", s.Height)
	}
	return err
}

// mayAssert reports whether the own bond is active.
func (p *poster) mayAssert() bool {
	bond, err := p.n.exec.Bond(p.n.key)
	switch {
	case err != nil:
		p.tell("nothing asserted: the own bond is not read", "error", err)
	case bond.Status == execution.BondSlashed:
		p.tell("this prover was proven dishonest and its bond slashed: it asserts nothing any more")
	case bond.Role != types.BondProver || bond.Status != execution.BondActive:
		p.tell("this prover has no active bond and asserts nothing: bond it with `bedrock bond`", "bond", bond.Status.String())
	case bond.Owner != p.n.account.Address() && bond.Operator != p.n.account.Address():
		p.tell("this node's account neither owns nor operates the prover's bond: nothing is asserted")
	default:
		return true
	}
	return false
}

// tellEvery is the time between two warnings about a prover that posts nothing.
const tellEvery = time.Minute

func (p *poster) tell(what string, args ...any) {
	if now := time.Now(); now.Sub(p.told) >= tellEvery {
		p.told = now
		p.n.log.Warn(what, args...)
	}
}
