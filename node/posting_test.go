package node

import (
	"errors"
	"log/slog"
	"math/big"
	"testing"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/types"
)

// ledgerGame is a chain with provers that post on it, without a network: account i owns the bond of peer i.
type ledgerGame struct {
	t    *testing.T
	s    *exectest.Swarm
	read types.Height
}

func (g *ledgerGame) prover(i int) *poster {
	n := &Node{cfg: Config{Genesis: g.s.Genesis}, exec: g.s.Chain, key: exectest.PublicKey(i), log: slog.New(slog.DiscardHandler)}
	return &poster{n: n, make: fraud.NewProver(n.key, g.s.Chain), posted: map[types.Height]postedStep{}}
}

// next is what a prover would assert now; nil for nothing.
func (g *ledgerGame) next(p *poster) *fraud.Assertion {
	g.t.Helper()
	settlement, err := g.s.Chain.Settlement()
	if err != nil {
		g.t.Fatal(err)
	}
	a, err := p.next(settlement)
	if errors.Is(err, fraud.ErrNothing) {
		return nil
	}
	if err != nil {
		g.t.Fatal(err)
	}
	return a
}

// post is the transaction by which account i posts an assertion.
func (g *ledgerGame) post(i int, a *fraud.Assertion) []byte {
	to, data := g.s.Contract(), a.Calldata()
	return g.s.Call(i, &to, 0, fraud.AssertionGas(data), data)
}

// block makes a block and shows it to the provers.
func (g *ledgerGame) block(provers []*poster, envelopes ...[]byte) {
	g.t.Helper()
	r := g.s.Apply(envelopes...)
	for _, receipt := range r.Receipts {
		if receipt.Status != 1 {
			g.t.Fatalf("block %d: %+v", r.Height, receipt)
		}
	}
	for _, p := range provers {
		g.show(p, r.Height)
	}
}

func (g *ledgerGame) show(p *poster, height types.Height) {
	g.t.Helper()
	posted, err := g.s.Chain.Posted(height)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, one := range posted {
		signed, err := fraud.DecodeAssertion(one.Envelope)
		if err != nil {
			g.t.Fatal(err)
		}
		if _, wrong, err := fraud.Compare(g.s.Chain, &signed.Assertion); err == nil && !wrong {
			p.note(&signed.Assertion, height, one.Step)
		}
	}
}

func covers(a *fraud.Assertion, parent, last types.Height) bool {
	return a != nil && a.ParentHeight == parent && a.Last() == last
}

// TestProversShareSteps: two provers at different paces, one of whom bonded later, end up in the same steps, an idle ledger
// stays idle, and what is settled pays both by their bonds.
func TestProversShareSteps(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	g := &ledgerGame{t: t, s: s}
	s.Apply(s.Bond(9, 9, types.BondProver, new(big.Int).SetUint64(4*exectest.Ether)))
	s.Apply(s.Transfer(10, 11, 1))
	first, second := g.prover(4), g.prover(9)
	both := []*poster{first, second}
	if a := g.next(first); !covers(a, 0, 2) {
		t.Fatalf("%+v", a)
	}
	g.block(both, g.post(4, g.next(first)), s.Transfer(10, 11, 1)) // block 3
	if a := g.next(second); !covers(a, 0, 2) {
		t.Fatalf("the second prover does not join: %+v", a)
	}
	if a := g.next(first); !covers(a, 2, 3) {
		t.Fatalf("the first does not go on: %+v", a)
	}
	g.block(both, g.post(9, g.next(second)), g.post(4, g.next(first))) // block 4
	g.block(both, g.post(9, g.next(second)))                           // block 5 holds assertions alone
	if a, b := g.next(first), g.next(second); a != nil || b != nil {
		t.Fatalf("an idle ledger is asserted: %+v, %+v", a, b)
	}
	for range 12 {
		g.block(both)
	}
	settlement, err := s.Chain.Settlement()
	if err != nil || settlement.Height != 3 {
		t.Fatalf("settled %+v, %v", settlement, err)
	}
	abi := exectest.ABI()
	s.Apply(s.Send(20, new(big.Int), abi.PackCollect(big.NewInt(0), exectest.PublicKey(4))), s.Send(21, new(big.Int), abi.PackCollect(big.NewInt(0), exectest.PublicKey(9))))
	credit := func(i int) *big.Int { return exectest.View(s, abi.PackCredit(exectest.Address(i)), abi.UnpackCredit) }
	if want := new(big.Int).Mul(credit(4), big.NewInt(2)); credit(4).Sign() == 0 || new(big.Int).Sub(want, credit(9)).CmpAbs(big.NewInt(2)) > 0 {
		t.Fatalf("bonds of 2 and 4 ether get %v and %v", credit(4), credit(9))
	}
}

// TestProverResumes: a prover that lost all it knew reads off the ledger where it was: it says nothing twice, follows the steps
// that came first, and passes over those that can no longer be joined.
func TestProverResumes(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	g := &ledgerGame{t: t, s: s}
	s.Apply(s.Transfer(10, 11, 1))
	old, other := g.prover(4), g.prover(5)
	both := []*poster{old, other}
	mine := g.next(old)
	s.Apply(s.Transfer(10, 11, 1))
	theirs := g.next(other) // of two blocks: it diverges
	if !covers(mine, 0, 1) || !covers(theirs, 0, 2) {
		t.Fatal("not what the test is about")
	}
	g.block(both, g.post(4, mine), g.post(5, theirs))
	g.block(both, s.Transfer(10, 11, 1))
	if a := g.next(other); !covers(a, 0, 1) { // what came first on a value is what may settle
		t.Fatalf("the other prover sticks to its own step: %+v", a)
	}
	again := g.prover(4) // after a crash
	for h := types.Height(1); h <= s.Chain.Height(); h++ {
		g.show(again, h)
	}
	if a := g.next(again); !covers(a, 1, 4) {
		t.Fatalf("after a crash: %+v", a)
	}
	for range prizeBlocks {
		g.block(both)
	}
	if a := g.next(other); !covers(a, 1, 4) {
		t.Fatalf("a step that pays no more is joined: %+v", a)
	}
}

// TestVoidStepsAreDoneAgain: where who alone supported a step was slashed for something else, its outcome is asserted again.
func TestVoidStepsAreDoneAgain(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	g := &ledgerGame{t: t, s: s}
	s.Apply(s.Transfer(10, 11, 1))
	p, gone := g.prover(4), g.prover(5)
	g.block([]*poster{p}, g.post(5, g.next(gone)))
	for range prizeBlocks {
		g.block(nil)
	}
	if a := g.next(p); a != nil {
		t.Fatalf("asserted in vain: %+v", a)
	}
	s.ApplyHeader(func(h *types.Header) {
		h.Verdicts = []types.Verdict{{Challenge: types.BatchIDOf([]byte{1}), Accused: exectest.PublicKey(5)}}
	})
	for range 6 {
		g.block(nil)
	}
	settlement, err := s.Chain.Settlement()
	if err != nil || settlement != (execution.Settlement{Value: settlement.Value, Claim: settlement.Claim, First: 1, Next: 1}) {
		t.Fatalf("%+v, %v", settlement, err)
	}
	if a := g.next(p); !covers(a, 0, 1) {
		t.Fatalf("nothing asserted after the step fell: %+v", a)
	}
}
