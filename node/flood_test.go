package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/types"
)

// verifyVerb makes this test binary the child process that verifies one challenge, as `bedrock fraud verify --stdin` is.
const verifyVerb = "verify-challenge"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == verifyVerb {
		os.Exit(fraud.VerifyMain(os.Stdin, os.Stdout, fraud.Limits{}))
	}
	os.Exit(m.Run())
}

// speaker is a host that says on the topics whatever a test wants, connected to one node.
type speaker struct {
	t      *testing.T
	gossip *gossip.Gossip
	id     peer.ID
}

func speakTo(t *testing.T, s *exectest.Swarm, i int, n *Node) *speaker {
	t.Helper()
	listen, err := p2p.ParseAddrs([]string{"/ip4/127.0.0.1/tcp/0"})
	if err != nil {
		t.Fatal(err)
	}
	h, err := p2p.New(p2p.Config{Key: exectest.PeerKey(i), Limits: config.LimitsOf(config.ProfileHome, config.Peer).Limits, Listen: listen, Log: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	g, err := gossip.New(ctx, gossip.Config{Host: h, Network: s.Network, Committee: s.Committee(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; _ = h.Close() })
	if err := h.Connect(ctx, peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	soon(t, "the topic's peer", func() error {
		if g.TopicPeers(gossip.TopicChallenge) == 0 {
			return errors.New("none")
		}
		return nil
	})
	return &speaker{t, g, h.ID()}
}

func (s *speaker) say(encoded []byte) {
	s.t.Helper()
	if err := s.gossip.PublishChallenge(s.t.Context(), encoded); err != nil {
		s.t.Fatal(err)
	}
}

// processorTime is what this process and its children took so far.
func processorTime() (total time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var used syscall.Rusage
		if syscall.Getrusage(who, &used) == nil {
			total += time.Duration(used.Utime.Nano() + used.Stime.Nano())
		}
	}
	return total
}

// forgeries makes challenges that prove nothing, all different: from bytes of no form to one that only execution tells from a
// true one.
func forgeries(t *testing.T, s *exectest.Swarm, truth, lie *fraud.SignedAssertion) func(i int) []byte {
	t.Helper()
	good, err := fraud.BuildWrongState(s.Chain, s, lie, fraud.Place{Block: 1}, [20]byte{})
	if err != nil {
		t.Fatal(err)
	}
	ofTruth, err := fraud.BuildWrongState(s.Chain, s, truth, fraud.Place{Block: 1}, [20]byte{})
	if err != nil {
		t.Fatal(err)
	}
	top, _ := s.Certified(3)
	below, err := fraud.HeadersBelow(s.Chain, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	twice := fraud.NewDoubleAssertion([20]byte{}, truth, truth, 1, &top, below)
	payee := func(i int) (p [20]byte) { return [20]byte{byte(i), byte(i >> 8), 0xff} }
	return func(i int) []byte {
		c := *ofTruth
		switch i % 5 {
		case 0:
			return fmt.Appendf(bytes.Repeat([]byte{0xc0}, 1000), "%d", i)
		case 1:
			c = *good
			c.Network[0] ^= 1
		case 2:
			c = *good
			c.Body = c.Body[:len(c.Body)-1-i%100]
		case 3:
			c = *twice
		}
		c.Payee = payee(i)
		return c.Encode()
	}
}

// TestFloodOfChallenges: five peers send a thousand challenges that prove nothing. That ends soon in their score, and while it
// lasts in their turns: the victim verifies a few, one at a time, and the true challenge that comes in the middle as well.
func TestFloodOfChallenges(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	truth, lie := provers(t, s, 3)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	victim, err := Open(Config{Genesis: s.Genesis, Key: exectest.PeerKey(firstHonest), Role: config.Light, Data: t.TempDir(), Sandbox: []string{exe, verifyVerb},
		Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- victim.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; _ = victim.Close() })
	for h := types.Height(1); h <= 3; h++ {
		ch, _ := s.Certified(h)
		if err := victim.chain.AddCertified(ch); err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "the assertions", func() error { return errors.Join(victim.proofs.take(truth), victim.proofs.take(lie)) })
	const liars, messages = 5, 1000
	var speakers []*speaker
	for i := range liars {
		speakers = append(speakers, speakTo(t, s, 40+i, victim))
	}
	honest := speakTo(t, s, 50, victim)
	good, err := fraud.NewChallenger(s.Chain, s, victim.proofs.trust, [20]byte{7}).Inspect(lie)
	if err != nil {
		t.Fatal(err)
	}

	forge := forgeries(t, s, truth, lie)
	var said [][]byte
	for i := range messages {
		said = append(said, forge(i))
	}
	rand.Shuffle(messages, func(i, j int) { said[i], said[j] = said[j], said[i] })
	before, start := processorTime(), time.Now()
	for i, encoded := range said {
		if i == messages/2 {
			honest.say(good.Encode())
		}
		speakers[i%liars].say(encoded)
	}
	soon(t, "the true challenge", func() error {
		if !victim.proofs.tracker.Refuted(lie.Assertion.Step(1)) {
			return fmt.Errorf("%+v, %+v", victim.gossip.Stats().Topics[3], victim.CourtStats())
		}
		return nil
	})
	upheld := time.Since(start)
	topic := func() gossip.TopicStats { return victim.gossip.Stats().Topics[3] }
	for _, liar := range speakers { // most of what came at once found no place; who goes on is judged
		soon(t, "the end of the score", func() error {
			if score := victim.gossip.Score(liar.id); score > gossip.ScoreGraylist {
				liar.say(forge(len(said)))
				said = append(said, nil)
				return fmt.Errorf("score %.0f, %+v", score, topic())
			}
			return nil
		})
	}
	if score := victim.gossip.Score(honest.id); score < 0 {
		t.Error("the honest challenger's score is", score)
	}
	soon(t, "the end of the line", func() error {
		if n := victim.CourtStats().Waiting; n > 0 {
			return fmt.Errorf("%d wait", n)
		}
		return nil
	})
	stats := victim.CourtStats()
	looked := uint64(0)
	for _, count := range stats.Challenges {
		looked += count.Received
	}
	if looked > messages/4 || looked < liars {
		t.Errorf("of %d messages %d were looked at", len(said), looked)
	}
	t.Logf("true challenge upheld after %v; %v of processor time with all five liars' own in %v; %+v", upheld.Round(time.Millisecond),
		processorTime()-before, time.Since(start).Round(time.Millisecond), stats)
}
