package node

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/coding/codingtest"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// TestCommitteeThatSignsGarbage: all members sign a block of which something is wrong. Whoever meets a wrong row, by sampling
// or as one who wants to execute the block, tells the others; each checks the challenge alone, stops, and keeps it. So does a
// light client that joins when nobody serves rows any more, and one that restarts.
func TestCommitteeThatSignsGarbage(t *testing.T) {
	for name, spoil := range map[string]func(coding.Params, [][]byte){"all parity": codingtest.SpoilParity, "one row": codingtest.SpoilRow(-1)} {
		t.Run(name, func(t *testing.T) {
			s := exectest.New(t, nil)
			liars := newCorrupt(t, s)
			first := codingtest.Forge(t, types.EncodeBlockData([][]byte{s.Transfer(0, 1, 1)}), func(coding.Params, [][]byte) {})
			good := liars.sign(first)
			peer, _ := honestNode(t, s, 0, config.Peer, t.TempDir(), liars.addrs)
			other, _ := honestNode(t, s, 1, config.Peer, t.TempDir(), append(liars.addrs, peer.Addrs()...))
			home := t.TempDir()
			light, stopLight := honestNode(t, s, 2, config.Light, home, append(liars.addrs, peer.Addrs()...))
			member, _ := honestNode(t, s, 3-firstHonest, config.Sequencer, t.TempDir(), append(liars.addrs, peer.Addrs()...))
			nodes := []*Node{peer, other, light, member}
			liars.tell(good)
			for _, n := range nodes {
				soon(t, "the sound block", func() error {
					if n.sampled() != 1 {
						return fmt.Errorf("%s has sampled %d", n.Role(), n.sampled())
					}
					return nil
				})
			}

			if got := rebuiltBy(t, light, 1); got.State != rpc.RebuildDone || got.Bytes != first.Params.Length || got.Peers == 0 {
				t.Fatalf("%+v", got)
			}
			bad := liars.sign(codingtest.Forge(t, bytes.Repeat([]byte("garbage "), 10_000), spoil))
			liars.tell(bad)
			for _, n := range nodes {
				soon(t, "conviction", func() error { return hasConvicted(n, 2, fraud.KindBadEncoding) })
				verifiesOffline(t, s, n, fraud.KindBadEncoding)
			}
			if got := rebuiltBy(t, light, 2); name == "one row" && got.State != rpc.RebuildMisencoded {
				t.Fatalf("%+v", got)
			}
			if ready := (&service{n: light}).Ready(t.Context()); ready.Ready {
				t.Fatal("a node that is stopped is ready")
			}
			liars.stop()

			late, _ := honestNode(t, s, 4, config.Light, t.TempDir(), peer.Addrs())
			soon(t, "a light client that joins later", func() error { return hasConvicted(late, 2, fraud.KindBadEncoding) })
			stopLight()
			again, err := Open(Config{Genesis: s.Genesis, Key: exectest.PeerKey(firstHonest + 2), Role: config.Light, Data: home, Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if err := hasConvicted(again, 2, fraud.KindBadEncoding); err != nil {
				t.Fatal("after a restart:", err)
			}
		})
	}
}

// rebuiltBy has a node rebuild a block from its rows.
func rebuiltBy(t *testing.T, n *Node, h types.Height) (r *rpc.Rebuilding) {
	t.Helper()
	s := &service{n: n}
	job, err := s.Rebuild(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	soon(t, "rebuilding", func() error {
		if r, err = s.Rebuilding(t.Context(), job); err == nil && r.State == rpc.RebuildRunning {
			err = fmt.Errorf("%+v", r)
		}
		return err
	})
	return r
}

// TestTwoCertificatesAtOneHeight: a committee that certifies two blocks of one height is stopped for, everywhere, also by those
// who were shown only one of the two.
func TestTwoCertificatesAtOneHeight(t *testing.T) {
	s := exectest.New(t, nil)
	liars := newCorrupt(t, s)
	one := liars.sign(codingtest.Forge(t, types.EncodeBlockData([][]byte{s.Transfer(0, 1, 1)}), func(coding.Params, [][]byte) {}))
	peer, _ := honestNode(t, s, 0, config.Peer, t.TempDir(), liars.addrs)
	light, _ := honestNode(t, s, 1, config.Light, t.TempDir(), peer.Addrs())
	liars.tell(one)
	for _, n := range []*Node{peer, light} {
		soon(t, "the first block", func() error {
			if n.Head() != 1 {
				return fmt.Errorf("%s is at %d", n.Role(), n.Head())
			}
			return nil
		})
	}
	h := one.Header
	h.VertexIndex++
	liars.tell(s.Certify(h))
	for _, n := range []*Node{peer, light} {
		soon(t, "conviction", func() error { return hasConvicted(n, 1, fraud.KindDoubleHeader) })
		verifiesOffline(t, s, n, fraud.KindDoubleHeader)
	}
	liars.stop()
	late, _ := honestNode(t, s, 2, config.Light, t.TempDir(), peer.Addrs())
	soon(t, "a light client that joins later", func() error { return hasConvicted(late, 1, fraud.KindDoubleHeader) })
}

// TestChallengesAreJudgedBySender: a valid challenge is passed on, one in which anything was changed costs its sender its score,
// and one that this peer cannot judge yet costs nobody anything.
func TestChallengesAreJudgedBySender(t *testing.T) {
	s := exectest.New(t, nil)
	good := s.NextData(nil).Header
	f := codingtest.Forge(t, bytes.Repeat([]byte("garbage "), 500), codingtest.SpoilRow(-1))
	h := s.NextData(nil).Header.Header
	h.DataLength, h.Commitment = f.Params.Length, f.Commitment
	n := lightOver(t, s, t.TempDir(), 0)
	defer n.Close()
	if err := n.chain.AddCertified(good); err != nil {
		t.Fatal(err)
	}
	challenge := func(h types.Header) *fraud.Challenge {
		ch := s.Certify(h)
		c, err := fraud.NewBadEncoding([20]byte{1}, &ch, f.Evidence(t, uint32(f.Params.N-1)).Evidence)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	valid := challenge(h)
	for at := 0; at < len(valid.Body); at += 97 {
		tampered := *valid
		tampered.Body = bytes.Clone(valid.Body)
		tampered.Body[at] ^= 1
		if v := n.onChallenge(t.Context(), "", tampered.Encode()); v == gossip.Accept || n.chain.Err() != nil {
			t.Fatalf("byte %d changed: verdict %v, stopped: %v", at, v, n.chain.Err())
		}
	}
	tampered := *valid
	tampered.Body = valid.Body[:len(valid.Body)-1]
	if v := n.onChallenge(t.Context(), "", tampered.Encode()); v != gossip.Reject {
		t.Fatal("cut short:", v)
	}
	later := h
	later.Epoch = 9
	if v := n.onChallenge(t.Context(), "", challenge(later).Encode()); v != gossip.Ignore || n.proofs.court.wasJudged(challenge(later).ID()) {
		t.Fatal("of an epoch to come:", v)
	}
	if convictions, err := n.proofs.ledger.convictions(); err != nil || len(convictions) != 0 {
		t.Fatal(convictions, err)
	}
	for range 2 {
		if v := n.onChallenge(t.Context(), "", valid.Encode()); v != gossip.Accept {
			t.Fatal(v)
		}
	}
	if err := hasConvicted(n, 2, fraud.KindBadEncoding); err != nil {
		t.Fatal(err)
	}
	again := challenge(h) // the same fault by another payee proves nothing new
	again.Payee = [20]byte{2}
	if v := n.onChallenge(t.Context(), "", again.Encode()); v != gossip.Ignore {
		t.Fatal(v)
	}
}

// TestLimitOfConvictions: a corrupt quorum can sign any number of headers; what is kept of that is bounded, each height once.
func TestLimitOfConvictions(t *testing.T) {
	n := lightOver(t, exectest.New(t, nil), t.TempDir(), 0)
	defer n.Close()
	l := n.proofs.ledger
	for h := types.Height(1); h <= mostConvictions+1; h++ {
		f := &fraud.Finding{Kind: fraud.KindBadEncoding, Height: h, Signed: make([]types.CertifiedHeader, 1)}
		if takes := l.takesConviction(f); takes != (h <= mostConvictions) {
			t.Fatalf("conviction %d is taken: %t", h, takes)
		}
		if h > mostConvictions {
			break
		}
		id := types.BatchIDOf([]byte{byte(h)})
		if err := l.addChallenge(id, []byte{byte(h)}, []rpc.Challenge{{Height: rpc.Height(h), Kind: f.Kind.String(), Accused: "a"}}, f); err != nil {
			t.Fatal(err)
		}
		if l.takesConviction(f) {
			t.Fatal("the same block convicts twice")
		}
	}
	if ids := l.challengeIDs(0); len(ids) != mostConvictions {
		t.Fatal(len(ids), "are named to who asks for height 0")
	}
	if list, err := l.convictions(); err != nil || len(list) != mostConvictions || list[2].Height != 3 || list[2].Challenge != types.BatchIDOf([]byte{3}).String() {
		t.Fatal(len(list), err)
	}
}

// TestLimitOfRebuildings: so many blocks are rebuilt at once for who asks, and one that nobody asks about any more is given up.
func TestLimitOfRebuildings(t *testing.T) {
	s := exectest.New(t, nil)
	provers(t, s, 2)
	n := lightOver(t, s, t.TempDir(), 1)
	defer n.Close()
	answers := &service{n: n}
	for i := range mostRebuildings + 1 {
		if _, err := answers.Rebuild(t.Context(), 1); (err == nil) != (i < mostRebuildings) {
			t.Fatal(i, err)
		}
	}
	if _, err := answers.Rebuild(t.Context(), 9); err == nil {
		t.Fatal("a block that is not known is rebuilt")
	}
	if !answers.ForgetRebuilding(t.Context(), 2) || answers.ForgetRebuilding(t.Context(), 2) {
		t.Fatal("a job is forgotten once")
	}
	if _, err := answers.Rebuild(t.Context(), 1); err != nil {
		t.Fatal("no room after one was forgotten:", err)
	}
	r := &n.rebuildings
	job := r.jobs[1]
	job.state = rpc.RebuildDone
	if r.left(job.asked.Add(rebuildAttention), 1, job) || !r.left(job.asked.Add(rebuildAttention+1), 1, job) || len(r.jobs) != mostRebuildings-1 {
		t.Fatal(len(r.jobs), "jobs are kept")
	}
	if part, err := answers.Rebuilt(t.Context(), 1, 0, 1); part != nil || err != nil {
		t.Fatal(part, err)
	}
}
