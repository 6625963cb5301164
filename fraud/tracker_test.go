package fraud

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

func trackerOf(t *testing.T, s *exectest.Swarm, available func(types.Height) bool) *Tracker {
	t.Helper()
	base, err := OwnParent(s.Chain, 0)
	if err != nil {
		t.Fatal(err)
	}
	if available == nil {
		available = func(types.Height) bool { return true }
	}
	return NewTracker(TrackerConfig{Rules: s.Rules(), Base: base, Time: s.Genesis.Time, Window: s.Genesis.ChallengeWindow,
		Step: s.Genesis.WindowStep, Available: available,
		Bond: bondOf})
}

func follow(t *testing.T, s *exectest.Swarm, tr *Tracker, n int) {
	t.Helper()
	for range n {
		s.Apply(s.Transfer(0, 1, 1))
		h, err := s.Chain.Header(s.Chain.Height())
		if err != nil {
			t.Fatal(err)
		}
		tr.AddHeader(&h)
	}
}

func add(t *testing.T, tr *Tracker, signed *SignedAssertion) {
	t.Helper()
	if earlier, _, err := tr.AddAssertion(signed); err != nil || earlier != nil {
		t.Fatal(earlier, err)
	}
}

// I5: header time, not wall-clock time and not the number of blocks, closes a window.
func TestValuesSettleAfterTheWindow(t *testing.T) {
	s := exectest.New(t, nil)
	tr := trackerOf(t, s, nil)
	follow(t, s, tr, 3)
	add(t, tr, honest(t, s, 0, 2))
	if tr.Standing(2) != StandingAsserted || tr.Standing(3) != StandingNone || tr.Asserted().Height != 2 {
		t.Fatal(tr.Standing(2), tr.Standing(3))
	}
	follow(t, s, tr, 19) // 9.5 s of a window of 10 s
	if tr.Settled().Height != 0 {
		t.Fatal("settled early")
	}
	follow(t, s, tr, 1)
	if tr.Settled().Height != 2 || tr.Standing(2) != StandingSettled {
		t.Fatal("not settled", tr.Settled().Height)
	}
	own, err := OwnParent(s.Chain, 2)
	if err != nil || tr.Settled() != own {
		t.Fatal(tr.Settled(), err)
	}
	if _, _, err := tr.AddAssertion(honest(t, s, 1, 2)); !errors.Is(err, ErrOld) {
		t.Fatal(err)
	}
}

// I5: a halt closes no window: one block adds at most Step.
func TestHaltClosesNoWindow(t *testing.T) {
	s := exectest.New(t, nil)
	tr := trackerOf(t, s, nil)
	follow(t, s, tr, 1)
	add(t, tr, honest(t, s, 0, 1))
	h, err := s.Chain.Header(1)
	if err != nil {
		t.Fatal(err)
	}
	next := types.Header{Version: 1, Network: s.Network, Height: 2, Parent: h.Digest(), Time: h.Time + 3_600_000_000}
	tr.AddHeader(&next)
	if tr.Settled().Height != 0 {
		t.Fatal("an hour's halt settled a value")
	}
}

// I5
func TestUnavailableBlockHoldsSettlement(t *testing.T) {
	s := exectest.New(t, nil)
	missing := types.Height(12)
	tr := trackerOf(t, s, func(h types.Height) bool { return h != missing })
	follow(t, s, tr, 1)
	add(t, tr, honest(t, s, 0, 1))
	follow(t, s, tr, 30)
	if tr.Settled().Height != 0 {
		t.Fatal("settled over a block that is not available")
	}
	missing = 0
	follow(t, s, tr, 1)
	if tr.Settled().Height != 1 {
		t.Fatal("not settled after all blocks became available")
	}
}

func TestRefutedValueFallsWithItsDescendants(t *testing.T) {
	s := exectest.New(t, nil)
	tr := trackerOf(t, s, nil)
	follow(t, s, tr, 4)
	liar := NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(1, 1)))
	truth := honest(t, s, 0, 4)
	lie := tell(t, s, liar, outcome(t, s, 0, 4), 1, 0, LieRoot)
	add(t, tr, lie)
	add(t, tr, truth)
	if got := tr.Asserted().Height; got != 1 {
		t.Fatalf("two values of block 2 stand, yet asserted is %d", got)
	}
	follow(t, s, tr, 25)
	if tr.Settled().Height != 1 {
		t.Fatal("settled past a disputed height", tr.Settled().Height)
	}
	finding, err := Verify(challenge(t, s, lie), trustOf(s))
	if err != nil {
		t.Fatal(err)
	}
	tr.Convict(finding)
	if tr.Settled().Height != 4 || !tr.Convicted(liar.Key()) || tr.Convicted(exectest.PublicKey(4)) {
		t.Fatal("settled", tr.Settled().Height)
	}
	again := tell(t, s, liar, outcome(t, s, 4, 8), 0, 0, LieRoot)
	add(t, tr, again) // who may assert is not the tracker's to say
	if finding, err = Verify(challenge(t, s, again), trustOf(s)); err != nil {
		t.Fatal(err)
	}
	tr.Convict(finding)
	if !tr.Refuted(again.Assertion.Step(0)) {
		t.Fatal("the second lie stands")
	}
}

// A liar that claims the right outcome on a made-up one, and has itself convicted for it, does not touch the outcome.
func TestRightValueOnWrongParentSparesTheHonestStep(t *testing.T) {
	s := exectest.New(t, nil)
	tr := trackerOf(t, s, nil)
	follow(t, s, tr, 3)
	truth := honest(t, s, 0, 3)
	add(t, tr, truth)
	o := outcome(t, s, 0, 3)
	o.Claims[1] = slices.Clone(o.Claims[1])
	o.Claims[1][0].Gas += 1000 // made up; block 3 is claimed honestly, with another base fee than follows from it
	signed := sign(t, s, o.Assertion(exectest.PublicKey(5)))
	add(t, tr, signed)
	// The challenge is of block 3, although block 2 is the first wrong one; it verifies, as executing block 3 on that
	// claim does come to another base fee.
	c, err := BuildWrongState(s.Chain, s, signed, Place{Block: 2}, [20]byte{})
	if err != nil {
		t.Fatal(err)
	}
	finding, err := Verify(c, trustOf(s))
	if err != nil {
		t.Fatal(err)
	}
	tr.Convict(finding)
	if tr.Refuted(truth.Assertion.Step(2)) {
		t.Fatal("the honest step fell")
	}
	first, err := Verify(challenge(t, s, signed), trustOf(s))
	if err != nil {
		t.Fatal(err)
	}
	tr.Convict(first)
	if tr.Standing(3) != StandingAsserted {
		t.Fatal("honest chain does not stand")
	}
}

// A lie in a chunk before the last of a block leaves the honest value of that block alone.
func TestLieInEarlierChunkSparesTheHonestValue(t *testing.T) {
	s := exectest.New(t, nil)
	tr := trackerOf(t, s, nil)
	var envelopes [][]byte
	for i := range 9 {
		envelopes = append(envelopes, s.Transfer(i, i+1, 1))
	}
	s.Apply(envelopes...)
	h, err := s.Chain.Header(1)
	if err != nil {
		t.Fatal(err)
	}
	tr.AddHeader(&h)
	truth := honest(t, s, 0, 1)
	liar := NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(1, 1)))
	lie := tell(t, s, liar, outcome(t, s, 0, 1), 0, 1, LieRoot)
	add(t, tr, truth)
	add(t, tr, lie)
	finding, err := Verify(challenge(t, s, lie), trustOf(s))
	if err != nil {
		t.Fatal(err)
	}
	tr.Convict(finding)
	if tr.Refuted(truth.Assertion.Step(0)) || tr.Standing(1) != StandingAsserted {
		t.Fatal("honest value fell")
	}
}

func TestContradictionIsFoundAndProven(t *testing.T) {
	s := exectest.New(t, nil)
	tr := trackerOf(t, s, nil)
	follow(t, s, tr, 4)
	liar := NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(1, 1)))
	truth := outcome(t, s, 0, 3)
	first := tell(t, s, liar, truth, 2, 0, LieRoot)
	second := tell(t, s, liar, truth, 2, 0, LieGas)
	add(t, tr, first)
	earlier, at, err := tr.AddAssertion(second)
	if err != nil || earlier == nil || at != 3 {
		t.Fatal(earlier, at, err)
	}
	c := contradiction(t, s, earlier, second, at)
	finding, err := Verify(c, trustOf(s))
	if err != nil || finding.Accused[0] != liar.Key() || finding.Refuted != nil {
		t.Fatal(finding, err)
	}
	tr.Convict(finding)
	if !tr.Convicted(liar.Key()) || tr.Refuted(first.Assertion.Step(0)) {
		t.Fatal("a contradiction slashes the prover and leaves values standing")
	}
	same := contradiction(t, s, first, first, 3)
	if _, err := Verify(same, trustOf(s)); !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
	longer := honest(t, s, 0, 4) // the same claims again, further: no contradiction
	add(t, tr, honest(t, s, 0, 3))
	add(t, tr, longer)
	if _, err := Verify(contradiction(t, s, honest(t, s, 0, 3), longer, 2), trustOf(s)); !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
}

// contradiction challenges two assertions about the block of a height.
func contradiction(t *testing.T, s *exectest.Swarm, first, second *SignedAssertion, height types.Height) *Challenge {
	t.Helper()
	top, _ := s.Certified(max(first.Assertion.Last(), second.Assertion.Last()))
	below, err := HeadersBelow(s.Chain, top.Header.Height, height)
	if err != nil {
		t.Fatal(err)
	}
	return NewDoubleAssertion([20]byte{7}, first, second, height, &top, below)
}

func TestTrackerRefuses(t *testing.T) {
	s := exectest.New(t, nil)
	tr := trackerOf(t, s, nil)
	follow(t, s, tr, 2)
	s.Apply()
	for name, test := range map[string]struct {
		signed *SignedAssertion
		want   error
	}{
		"a stranger": {func() *SignedAssertion {
			return sign(t, s, outcome(t, s, 0, 1).Assertion(exectest.PublicKey(9)))
		}(), ErrNotProver},
		"too early": {honest(t, s, 0, 3), ErrEarly},
		"forged": {func() *SignedAssertion {
			rules := s.Rules()
			signed, err := outcome(t, s, 0, 1).Assertion(exectest.PublicKey(4)).Sign(exectest.Key(5), &rules, 0)
			if err != nil {
				t.Fatal(err)
			}
			return signed
		}(), ErrAssertion},
		"other header": {func() *SignedAssertion {
			a := outcome(t, s, 0, 1).Assertion(exectest.PublicKey(4))
			a.Digest[0] ^= 1
			return sign(t, s, a)
		}(), ErrForeignHeader},
	} {
		if _, _, err := tr.AddAssertion(test.signed); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChallengerWaitsForExecution(t *testing.T) {
	s := exectest.New(t, nil)
	ahead := exectest.New(t, nil) // another peer with the same chain
	for range 3 {
		ahead.Apply(ahead.Transfer(0, 1, 1))
	}
	liar := NewLiar(exectest.PublicKey(5), ahead.Chain, rand.New(rand.NewPCG(1, 1)))
	lie := tell(t, ahead, liar, outcome(t, ahead, 0, 3), 2, 0, LieLogs)
	challenger := NewChallenger(s.Chain, s, trustOf(s), [20]byte{1})
	if c, err := challenger.Inspect(lie); c != nil || err != nil {
		t.Fatal(c, err)
	}
	for range 3 {
		s.Apply(s.Transfer(0, 1, 1))
	}
	challenges, err := challenger.Advance()
	if err != nil || len(challenges) != 1 {
		t.Fatal(challenges, err)
	}
	if c, err := challenger.Inspect(honest(t, s, 0, 3)); c != nil || err != nil {
		t.Fatal("honest assertion", c, err)
	}
}

func TestProverSkipsBlocksThatHoldNothing(t *testing.T) {
	s := exectest.New(t, nil)
	p := NewProver(exectest.PublicKey(4), s.Chain)
	s.Apply()
	if _, err := p.Next(0); !errors.Is(err, ErrNothing) {
		t.Fatal(err)
	}
	s.Apply(s.Transfer(0, 1, 1))
	s.Apply()
	signed, err := p.Next(0)
	if err != nil || signed.Last() != 2 {
		t.Fatal(signed, err)
	}
	if _, err := p.Next(2); !errors.Is(err, ErrNothing) {
		t.Fatal(err)
	}
}

func TestMisconductOfSequencers(t *testing.T) {
	s := exectest.New(t, nil)
	first := s.Next(s.Transfer(0, 1, 1)).Header
	other := first.Header
	other.VertexIndex++
	second := s.Certify(other)
	finding, err := Verify(NewDoubleHeader([20]byte{}, &first, &second), trustOf(s))
	if err != nil || len(finding.Accused) != 4 {
		t.Fatal(finding, err)
	}
	if len(finding.Signed) != 2 || finding.Signed[1].Header.Digest() != second.Header.Digest() {
		t.Fatal(len(finding.Signed), "headers in the finding")
	}
	if _, err := Verify(NewDoubleHeader([20]byte{}, &first, &first), trustOf(s)); !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
}
