package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// lightOver opens a light client of a chain that others executed; it is not run. The headers of the first known blocks
// are certified there.
func lightOver(t *testing.T, s *exectest.Swarm, data string, known types.Height) *Node {
	t.Helper()
	n, err := Open(Config{Genesis: s.Genesis, Key: exectest.PeerKey(20), Role: config.Light, Data: data, Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	if err != nil {
		t.Fatal(err)
	}
	certify(t, s, n, known)
	return n
}

func certify(t *testing.T, s *exectest.Swarm, n *Node, upTo types.Height) {
	t.Helper()
	for h := n.chain.Head().Header.Height + 1; h <= upTo; h++ {
		ch, _ := s.Certified(h)
		if err := n.chain.AddCertified(ch); err != nil {
			t.Fatal(err)
		}
	}
	for h := types.Height(1); h <= upTo; h++ {
		ch, _ := s.Certified(h)
		n.proofs.tracker.AddHeader(&ch.Header)
	}
}

// provers returns an honest assertion of blocks 1..last and a lie about block 2.
func provers(t *testing.T, s *exectest.Swarm, last types.Height) (truth, lie *fraud.SignedAssertion) {
	t.Helper()
	for s.Chain.Height() < last {
		s.Apply(s.Transfer(0, 1, 1))
	}
	right, err := fraud.NewProver(exectest.PublicKey(4), s.Chain).Assert(0, last)
	if err != nil {
		t.Fatal(err)
	}
	return signed(t, s, right), lied(t, s, fraud.NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(1, 1))), last, 1, fraud.LieRoot)
}

// lied is what a liar says of blocks 1..last, wrong in one of them.
func lied(t *testing.T, s *exectest.Swarm, liar *fraud.Liar, last types.Height, block int, lie fraud.Lie) *fraud.SignedAssertion {
	t.Helper()
	outcome, err := fraud.OutcomeOf(s.Chain, 0, last)
	if err != nil {
		t.Fatal(err)
	}
	told, err := liar.Tell(outcome, block, 0, lie)
	if err != nil {
		t.Fatal(err)
	}
	return signed(t, s, told)
}

// signed is an assertion signed by the account that owns its prover's bond, and bound to the swarm's headers.
func signed(t *testing.T, s *exectest.Swarm, a *fraud.Assertion) *fraud.SignedAssertion {
	t.Helper()
	for i := 4; i < 8; i++ {
		if exectest.PublicKey(i) != a.Prover {
			continue
		}
		rules := s.Rules()
		out, err := a.Sign(exectest.Key(i), &rules, s.Nonces[i])
		if err != nil {
			t.Fatal(err)
		}
		_ = out.Assertion.Bind(func(h types.Height) (types.Hash, bool) {
			header, err := s.Chain.Header(h)
			return header.Digest(), err == nil
		})
		return out
	}
	t.Fatal("no prover", a.Prover)
	return nil
}

// TestRefutationsAreRecalled: a light client that restarts knows again what was asserted, and which of it was refuted.
func TestRefutationsAreRecalled(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	truth, lie := provers(t, s, 3)
	data := t.TempDir()
	n := lightOver(t, s, data, 3)
	for _, said := range []*fraud.SignedAssertion{lie, truth} {
		if v := n.onAssertion(t.Context(), "", said.Encode()); v != gossip.Accept {
			t.Fatal(v)
		}
	}
	if n.asserted() != 1 {
		t.Fatal("two claims stand for block 2, asserted is", n.asserted())
	}
	step := lie.Assertion.Step(1)
	challenge := &fraud.Challenge{Version: types.Version, Network: s.Network, Kind: fraud.KindWrongState}
	if !n.proofs.court.uphold(challenge, challenge.Encode(), &fraud.Finding{Kind: fraud.KindWrongState, Height: 2, Refuted: &step,
		Accused: []types.PublicKey{lie.Assertion.Prover}}, 0) {
		t.Fatal("the first challenge is no news")
	}
	if n.asserted() != 3 {
		t.Fatal(n.asserted())
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}

	n = lightOver(t, s, data, 3)
	defer n.Close()
	if n.asserted() != 0 {
		t.Fatal("nothing was recalled yet")
	}
	n.proofs.recall()
	if n.asserted() != 3 || !n.proofs.tracker.Refuted(step) {
		t.Fatal("asserted", n.asserted(), "refuted", n.proofs.tracker.Refuted(step))
	}
}

// TestEarlyAssertionsWait: what speaks of headers that are on their way is kept, within bounds, and taken with them.
func TestEarlyAssertionsWait(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	truth, _ := provers(t, s, 3)
	n := lightOver(t, s, t.TempDir(), 1)
	defer n.Close()
	for range 2 { // a repeat waits once
		if v := n.onAssertion(t.Context(), "", truth.Encode()); v != gossip.Accept || len(n.proofs.early) != 1 {
			t.Fatal(v, len(n.proofs.early))
		}
	}
	n.proofs.retryEarly()
	if n.asserted() != 0 || len(n.proofs.early) != 1 {
		t.Fatal(n.asserted(), len(n.proofs.early))
	}
	certify(t, s, n, 3)
	n.proofs.retryEarly()
	if n.asserted() != 3 || len(n.proofs.early) != 0 {
		t.Fatal(n.asserted(), len(n.proofs.early))
	}
	far := truth.Assertion
	for range mostAhead + 1 {
		far.Blocks = append(far.Blocks, far.Blocks[2])
	}
	if v := n.onAssertion(t.Context(), "", signed(t, s, &far).Encode()); v != gossip.Ignore {
		t.Fatal("too far ahead", v)
	}
	for i := range mostEarly + 1 {
		near := truth.Assertion
		near.Blocks = append(append([]fraud.BlockClaims(nil), near.Blocks...), near.Blocks[2])
		near.Digest[0] ^= byte(i)
		want := gossip.Accept
		if i == mostEarly {
			want = gossip.Ignore
		}
		if v := n.onAssertion(t.Context(), "", signed(t, s, &near).Encode()); v != want {
			t.Fatal(i, v)
		}
	}
}

// TestLiesDoNotHideTheTruth: peers that ask are given what stands, however many lies were told.
func TestLiesDoNotHideTheTruth(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	truth, _ := provers(t, s, 2)
	n := lightOver(t, s, t.TempDir(), 2)
	defer n.Close()
	liar := fraud.NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(2, 2)))
	for range 2 * mostGiven {
		lie := lied(t, s, liar, 2, 0, fraud.LieReceipts)
		if err := n.proofs.ledger.addAssertion(lie, lie.ID(), 1); err != nil {
			t.Fatal(err)
		}
		if step := lie.Assertion.Step(0); step != truth.Assertion.Step(0) {
			finding := &fraud.Finding{Kind: fraud.KindWrongState, Height: 1, Refuted: &step}
			if err := n.proofs.ledger.addChallenge(lie.ID(), []byte{1}, nil, finding); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := n.proofs.ledger.addAssertion(truth, truth.ID(), 1); err != nil {
		t.Fatal(err)
	}
	given := n.proofs.ledger.assertionBodies(1)
	if len(given) != 1 || types.BatchIDOf(given[0]) != truth.ID() {
		t.Fatal(len(given), "assertions given, want the true one")
	}
}

// TestOneProofOfAnOffence: each pair of contradictions would be another challenge; one is kept, and names all accused.
func TestOneProofOfAnOffence(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	provers(t, s, 2)
	n := lightOver(t, s, t.TempDir(), 1)
	defer n.Close()
	accused := []types.PublicKey{exectest.PublicKey(0), exectest.PublicKey(1), exectest.PublicKey(2)}
	uphold := func(payee byte, f *fraud.Finding) bool {
		c := &fraud.Challenge{Version: types.Version, Network: s.Network, Kind: f.Kind, Payee: [20]byte{payee}}
		return n.proofs.court.uphold(c, c.Encode(), f, 0)
	}
	if !uphold(1, &fraud.Finding{Kind: fraud.KindBadEncoding, Height: 1, Accused: accused}) ||
		uphold(2, &fraud.Finding{Kind: fraud.KindBadEncoding, Height: 1, Accused: accused}) {
		t.Fatal("bad encoding: want the first challenge alone")
	}
	if !uphold(3, &fraud.Finding{Kind: fraud.KindDoubleAssertion, Height: 1, Accused: accused[:1]}) ||
		uphold(4, &fraud.Finding{Kind: fraud.KindDoubleAssertion, Height: 7, Accused: accused[:1]}) ||
		!uphold(5, &fraud.Finding{Kind: fraud.KindDoubleAssertion, Height: 1, Accused: accused[1:2]}) {
		t.Fatal("contradiction: want one challenge of each prover")
	}
	records, err := n.proofs.ledger.challenges(1, 1)
	if err != nil || len(records) != 5 {
		t.Fatal(len(records), err)
	}
	named := map[string]int{}
	for _, r := range records {
		if r.Kind == fraud.KindBadEncoding.String() {
			named[r.Accused]++
		}
	}
	if len(named) != len(accused) {
		t.Fatal("of the signers of a bad encoding only these are named:", named)
	}
	if ids := n.proofs.ledger.challengeIDs(1); len(ids) != 3 {
		t.Fatal(len(ids), "challenges, want each once")
	}
}

// TestUndecidedChallengesHoldSettlement: a challenge that could not be verified for want of time is no acquittal.
func TestUndecidedChallengesHoldSettlement(t *testing.T) {
	for _, err := range []error{errBusy, fraud.ErrSandbox, context.Canceled} {
		if decided(fmt.Errorf("judge: %w", err)) {
			t.Error(err)
		}
	}
	for _, err := range []error{nil, errRefuted, fraud.ErrInvalid, fraud.ErrForeignParent} {
		if !decided(err) {
			t.Error(err)
		}
	}
}

// TestUnfetchedChallengesHoldForAWhile: an ID that no peer backs with bytes delays a height by a few turns, not for ever.
func TestUnfetchedChallengesHoldForAWhile(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	provers(t, s, 2)
	n := lightOver(t, s, t.TempDir(), 1)
	defer n.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	id := types.BatchIDOf([]byte("nobody has this"))
	for turn := 1; turn <= mostMisses; turn++ {
		if got := n.proofs.judgeNamed(ctx, 1, []types.BatchID{id}); got != (turn == mostMisses) {
			t.Fatal("turn", turn, got)
		}
	}
	if err := n.proofs.court.judge(t.Context(), asked, []byte{1, 2, 3}); !errors.Is(err, fraud.ErrInvalid) {
		t.Fatal(err)
	}
	if _, err := (&service{n: n}).Challenges(t.Context(), 0, types.Height(rpc.MaxChallengeRange-1)); err != nil {
		t.Fatal(err)
	}
}

// TestOldHeightsAreForgotten: the ledger does not grow for ever, and an assertion lives as long as its last block.
func TestOldHeightsAreForgotten(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	truth, lie := provers(t, s, 3)
	n := lightOver(t, s, t.TempDir(), 3)
	defer n.Close()
	l := n.proofs.ledger
	step := lie.Assertion.Step(1)
	record := []rpc.Challenge{{Height: 2, Kind: fraud.KindWrongState.String()}}
	lasting := types.BatchIDOf([]byte("lasting"))
	challenged := types.BatchIDOf([]byte("challenge"))
	if err := errors.Join(l.addAssertion(truth, truth.ID(), 1), l.addAssertion(lie, lie.ID(), 1),
		l.addChallenge(challenged, []byte("challenge"), record, &fraud.Finding{Height: 2, Refuted: &step}),
		l.addChallenge(lasting, []byte("lasting"), []rpc.Challenge{{Kind: fraud.KindDoubleVertex.String()}}, &fraud.Finding{})); err != nil {
		t.Fatal(err)
	}
	if err := l.forget(1); err != nil {
		t.Fatal(err)
	}
	if len(l.assertionBodies(1)) != 0 || len(l.assertionBodies(2)) != 1 || !l.refuted(step) {
		t.Fatal("forgot the wrong height")
	}
	if err := l.forget(2); err != nil {
		t.Fatal(err)
	}
	_, kept := l.challenge(challenged)
	if kept || l.refuted(step) || len(l.challengeIDs(2)) != 0 || len(l.assertionBodies(3)) != 2 {
		t.Fatal(kept, l.refuted(step), len(l.assertionBodies(3)))
	}
	if err := l.forget(3); err != nil {
		t.Fatal(err)
	}
	if _, kept := l.challenge(lasting); !kept {
		t.Fatal("the proof against a sequencer is gone")
	}
	if left := l.assertionsAbove(0); len(left) != 0 {
		t.Fatal(len(left), "assertions are left")
	}
	if _, err := l.db.Get(store.SpaceFraud, append([]byte{keyAssertionBody}, idBytes(truth)...)); !errors.Is(err, store.ErrNotFound) {
		t.Fatal("the body is left", err)
	}
	if h := n.proofs.retired(3); h != 0 {
		t.Fatal("blocks within the retention time are retired up to", h)
	}
}

func idBytes(s *fraud.SignedAssertion) []byte {
	id := s.ID()
	return id[:]
}

// TestExecutingPeersSettleOnlyTheirOwn: a lie that nobody challenged in time never becomes final where it can be seen.
func TestExecutingPeersSettleOnlyTheirOwn(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	truth, lie := provers(t, s, 3)
	n, err := Open(Config{Genesis: s.Genesis, Key: exectest.PeerKey(20), Role: config.Peer, Data: t.TempDir(), Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	certify(t, s, n, 3)
	if err := n.proofs.take(lie); err != nil {
		t.Fatal(err)
	}
	if n.proofs.agrees(1) {
		t.Fatal("agrees on a block that is not executed")
	}
	for h := types.Height(1); h <= 3; h++ {
		ch, _ := s.Certified(h)
		data, _ := s.Data(h)
		if _, err := n.exec.Apply(ch.Header, data); err != nil {
			t.Fatal(err)
		}
	}
	if !n.proofs.agrees(1) || n.proofs.agrees(2) {
		t.Fatal("the lie is about block 2:", n.proofs.agrees(1), n.proofs.agrees(2))
	}
	if err := n.proofs.take(truth); err != nil {
		t.Fatal(err)
	}
	n.proofs.tracker.Refute(lie.Assertion.Step(1), 2)
	if !n.proofs.agrees(2) {
		t.Fatal("the truth stands now")
	}
}

// TestWithoutProversNothingSettles: blocks go on, and the status says what is missing; an idle ledger misses nothing.
func TestWithoutProversNothingSettles(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	n, err := Open(Config{Genesis: s.Genesis, Key: exectest.PeerKey(20), Role: config.Peer, Data: t.TempDir(), Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	grow := func(blocks int, envelopes ...[]byte) {
		for range blocks {
			s.Apply(envelopes...)
			certify(t, s, n, s.Chain.Height())
			b := s.Stored[s.Chain.Height()]
			if _, err := n.exec.Apply(b.Header.Header, b.Data); err != nil {
				t.Fatal(err)
			}
			envelopes = nil
		}
	}
	grow(31)
	if why := n.unsettled(); why != "" {
		t.Fatal("idle:", why)
	}
	grow(1, s.Transfer(0, 1, 1))
	if why := n.unsettled(); why != "" {
		t.Fatal("at once:", why)
	}
	grow(31)
	if why := n.unsettled(); !strings.Contains(why, "no prover asserts block 32") || !slices.Contains(ailing(n), health.ProverAbsent) {
		t.Fatalf("nobody asserts: %q", why)
	}
	truth, err := fraud.NewProver(exectest.PublicKey(4), s.Chain).Assert(0, 32)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.proofs.take(signed(t, s, truth)); err != nil {
		t.Fatal(err)
	}
	if why := n.unsettled(); why != "" || n.settled() != 0 {
		t.Fatal("asserted:", why, n.settled())
	}
	if why := n.lacksProver(); why != "" {
		t.Fatal("asserted, and yet:", why)
	}
	lie := lied(t, s, fraud.NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(1, 1))), 32, 31, fraud.LieRoot)
	if err := n.proofs.take(lie); err != nil {
		t.Fatal(err)
	}
	if why := n.unsettled(); !strings.Contains(why, "several unrefuted values") {
		t.Fatalf("disputed: %q", why)
	}
}

// TestWindowsBeginOnTheLedger: gossip alone makes a value asserted; it settles a window after the block that orders it, and
// while nobody orders it never.
func TestWindowsBeginOnTheLedger(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	s.Apply(s.Transfer(0, 1, 1))
	n, err := Open(Config{Genesis: s.Genesis, Key: exectest.PeerKey(20), Role: config.Peer, Data: t.TempDir(), Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	grow := func(blocks int, envelopes ...[]byte) {
		for range blocks {
			s.Apply(envelopes...)
			envelopes = nil
		}
		certify(t, s, n, s.Chain.Height())
		for h := n.exec.Height() + 1; h <= s.Chain.Height(); h++ {
			b := s.Stored[h]
			if _, err := n.exec.Apply(b.Header.Header, b.Data); err != nil {
				t.Fatal(err)
			}
		}
		n.proofs.readBlocks()
	}
	grow(1)
	a, err := fraud.NewProver(exectest.PublicKey(4), s.Chain).Assert(0, 1)
	if err != nil {
		t.Fatal(err)
	}
	said := signed(t, s, a)
	s.Nonces[4]++ // for what said holds
	if err := n.proofs.take(said); err != nil {
		t.Fatal(err)
	}
	grow(30) // 15 s of a window of 5
	if n.asserted() != 1 || len(n.proofs.tracker.Due(8)) != 0 {
		t.Fatalf("asserted %d, due %v", n.asserted(), n.proofs.tracker.Due(8))
	}
	grow(1, said.Encode())
	grow(9)
	if due := n.proofs.tracker.Due(8); len(due) != 0 {
		t.Fatal("due before the window is over", due)
	}
	grow(1)
	if due := n.proofs.tracker.Due(8); len(due) != 1 || due[0] != 1 {
		t.Fatal("not due after the window", due)
	}
}
