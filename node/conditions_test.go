package node

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/sampling"
	"github.com/etherscale/bedrock/types"
)

// ailing are the codes that a look at a node raises.
func ailing(n *Node) []health.ID {
	var raised []health.ID
	for _, c := range append(n.conditions(), n.stateConditions()...) {
		if c.words() != "" {
			raised = append(raised, c.code)
		}
	}
	slices.Sort(raised)
	return raised
}

// raises demands that a change of the world raises a code, and another one clears it.
func raises(t *testing.T, n *Node, code health.ID, break_, mend func()) {
	t.Helper()
	if slices.Contains(ailing(n), code) {
		t.Errorf("%s is raised before anything is wrong", code)
	}
	break_()
	if got := ailing(n); !slices.Contains(got, code) {
		t.Errorf("%s is not raised: %v are", code, got)
	}
	mend()
	if slices.Contains(ailing(n), code) {
		t.Errorf("%s is not cleared", code)
	}
}

// quietNode opens a node that is not run; Close is done at the test's end.
func quietNode(t *testing.T, s *exectest.Swarm, cfg Config) *Node {
	t.Helper()
	cfg.Genesis, cfg.Data, cfg.StateCache, cfg.Listen = s.Genesis, t.TempDir(), 8, []string{"/ip4/127.0.0.1/tcp/0"}
	cfg.Logger = slog.New(slog.DiscardHandler)
	n, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// recent makes a swarm whose chain began some time ago, by this machine's clock.
func recent(t *testing.T, ago time.Duration) *exectest.Swarm {
	return exectest.New(t, func(g *types.Genesis) { g.Time = types.TimeOf(time.Now().Add(-ago).Truncate(time.Second)) })
}

// add certifies the next blocks at a node: empty ones, of this time.
func add(t *testing.T, s *exectest.Swarm, n *Node, count int, at time.Time) {
	t.Helper()
	for range count {
		b := s.NextHeader(types.EncodeBlockData(nil), func(h *types.Header) { h.Time = max(h.Time, types.TimeOf(at.Truncate(time.Second))) })
		if err := n.chain.AddCertified(b.Header); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConditionsOfPeersAndBlocks(t *testing.T) {
	s := recent(t, 25*time.Minute)
	other := quietNode(t, s, Config{Key: exectest.PeerKey(31), Role: config.Bootstrap})
	n := quietNode(t, s, Config{Key: exectest.PeerKey(30), Role: config.Light, Bootstrap: other.Addrs()})
	raises(t, other, health.NoPeers, func() { other.cfg.Bootstrap = n.Addrs() }, func() {
		if err := n.host.Connect(t.Context(), peer.AddrInfo{ID: other.host.ID(), Addrs: other.host.Addrs()}); err != nil {
			t.Fatal(err)
		}
		soon(t, "connected", func() error {
			if len(other.host.Network().Peers()) == 0 {
				return errors.New("no peer")
			}
			return nil
		})
	})
	// The chain's newest block is 25 minutes old, and stake stays bonded for 33.
	if got := ailing(n); !slices.Equal(got, []health.ID{health.CheckpointOld}) {
		t.Errorf("with a peer, before the first block: %v", got)
	}
	add(t, s, n, 1, time.Now())
	if got := ailing(n); len(got) != 1 || got[0] != health.NotSampled {
		t.Errorf("with a block that is not sampled: %v", got)
	}
	raises(t, n, health.NoNewBlock, func() { n.meter.heard = n.meter.heard.Add(-freshHead - time.Second) }, func() { add(t, s, n, 1, time.Now()) })
	unseen := sampling.Result{Height: 2, Verdict: sampling.Unavailable, Asked: 33, Answered: 3}
	raises(t, n, health.Unavailable, func() { n.noteSampled(unseen) }, func() {
		unseen.Verdict, unseen.Answered = sampling.Available, 33
		n.noteSampled(unseen)
	})
}

// TestConditionOfSampling: a run samples what is there.
func TestConditionOfSampling(t *testing.T) {
	s := recent(t, time.Minute)
	n := quietNode(t, s, Config{Key: exectest.PeerKey(30), Role: config.Light})
	raises(t, n, health.NotSampled, func() { add(t, s, n, 3, time.Now()) }, func() {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- n.sampling.Run(ctx) }()
		soon(t, "sampled", func() error {
			if n.sampled() < 3 {
				return errors.New("not yet")
			}
			return nil
		})
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	if n.meter.sure() < 39 || !n.readiness().Ready {
		t.Errorf("sure to %v bits; %+v", n.meter.sure(), n.readiness())
	}
}

// TestConditionOfTheClock goes by when blocks come.
func TestConditionOfTheClock(t *testing.T) {
	n := quietNode(t, recent(t, time.Minute), Config{Key: exectest.PeerKey(30), Role: config.Light})
	come := func(count int, old time.Duration) func() {
		return func() {
			for range count {
				n.cfg.Watch(Certified{Header: types.Header{Time: types.TimeOf(time.Now().Add(-old))}})
			}
		}
	}
	raises(t, n, health.ClockSkew, come(delayWindow/4, -3*time.Second), come(delayWindow, time.Second))
	raises(t, n, health.ClockSkew, come(delayWindow, 40*time.Second), come(1, 300*time.Millisecond))
	come(delayWindow-1, 40*time.Second)() // one that comes fast in sixteen says that the clock is right
	if slices.Contains(ailing(n), health.ClockSkew) {
		t.Error("slow lines are taken for a wrong clock")
	}
}

// TestConditionsOfExecution: what is certified and not executed, and an account that has nothing.
func TestConditionsOfExecution(t *testing.T) {
	s := recent(t, time.Minute)
	n := quietNode(t, s, Config{Key: exectest.PeerKey(4), Role: config.Prover, Account: purseOf(t, 7)})
	execute := func() {
		for h := n.exec.Height() + 1; h <= n.chain.Head().Header.Height; h++ {
			if _, err := n.exec.Apply(s.Stored[h].Header.Header, s.Stored[h].Data); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := ailing(n); !slices.Equal(got, []health.ID{health.OutOfGas}) {
		t.Fatalf("a prover without ether: %v", got)
	}
	address := exectest.Address(0)
	address = n.account.Address() // package node does not import go-ethereum, which has the type
	b := s.Next(s.Call(0, &address, 1e18, 21000, nil))
	if err := n.chain.AddCertified(b.Header); err != nil {
		t.Fatal(err)
	}
	execute()
	if slices.Contains(ailing(n), health.OutOfGas) {
		t.Error("an ether does not suffice")
	}
	raises(t, n, health.Behind, func() { add(t, s, n, executedNear+1, time.Now()) }, execute)
}

// TestConditionOfASeat: a member's key at a node that does not order.
func TestConditionOfASeat(t *testing.T) {
	s := recent(t, time.Minute)
	member := quietNode(t, s, Config{Key: exectest.PeerKey(0), Role: config.Peer})
	if got := ailing(member); !slices.Equal(got, []health.ID{health.NotSigning}) {
		t.Errorf("a member that runs as a peer: %v", got)
	}
	sequencer := quietNode(t, s, Config{Key: exectest.PeerKey(1), Role: config.Sequencer})
	if got := ailing(sequencer); !slices.Equal(got, []health.ID{health.NotSigning}) {
		t.Errorf("a member that has not begun: %v", got)
	}
	for _, c := range []struct {
		what string
		s    consensus.Status
		want bool
	}{
		{"in step", consensus.Status{Round: 100, HeardRound: 101}, false},
		{"as far behind as may be", consensus.Status{Round: 100, HeardRound: 100 + silentAfter}, false},
		{"silent", consensus.Status{Round: 100, HeardRound: 101 + silentAfter}, true},
		{"silent from the start", consensus.Status{HeardRound: 1 + silentAfter}, true},
		{"the epoch is over", consensus.Status{Round: 100, HeardRound: 500, Ended: true}, false},
	} {
		if got := silentWords(c.s) != ""; got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}

// TestConditionsOfTheMachine: thresholds are moved, the disk and the memory are those of this machine.
func TestConditionsOfTheMachine(t *testing.T) {
	n := quietNode(t, recent(t, time.Minute), Config{Key: exectest.PeerKey(30), Role: config.Light})
	raises(t, n, health.MemoryTight, func() {
		before := debug.SetMemoryLimit(1 << 20)
		t.Cleanup(func() { debug.SetMemoryLimit(before) })
	}, func() { debug.SetMemoryLimit(math.MaxInt64) })
	if n.freeBelow(math.MaxUint64) == "" || n.freeBelow(0) != "" {
		t.Error("the free disk is below 0, or not below all that there is")
	}
}

// TestConditionOfRules: the network moves to rules that this program does not know.
func TestConditionOfRules(t *testing.T) {
	s := exectest.New(t, func(g *types.Genesis) {
		g.Time, g.EpochLength = types.TimeOf(time.Now().Add(-time.Minute).Truncate(time.Second)), 65
	})
	n := quietNode(t, s, Config{Key: exectest.PeerKey(30), Role: config.Light})
	add(t, s, n, 64, time.Now())
	if got := ailing(n); slices.Contains(got, health.RulesNewer) {
		t.Errorf("before: %v", got)
	}
	b := s.NextHeader(types.EncodeBlockData(nil), func(h *types.Header) {
		h.Time += 60_000_000
		h.Next = &types.EpochEnd{Committee: s.Genesis.Committee, Rewards: make([]uint64, 4), RuleVersion: 2}
	})
	_ = n.chain.AddCertified(b.Header) // that it cannot follow is what is asked for
	if got := ailing(n); !slices.Contains(got, health.RulesNewer) {
		t.Errorf("after a block that changes the rules: %v, %v", got, n.chain.Err())
	}
}

// TestConditionsOfReachability: from what the host found out.
func TestConditionsOfReachability(t *testing.T) {
	for _, c := range []struct {
		what  string
		asked bool
		r     rpc.Reachability
		want  []health.ID
	}{
		{"nothing known yet", true, rpc.Reachability{State: rpc.Unknown, Router: true}, nil},
		{"open", true, rpc.Reachability{State: rpc.Reachable}, nil},
		{"hidden", true, rpc.Reachability{State: rpc.Unreachable, Router: true}, []health.ID{health.Unreachable}},
		{"hidden, with a relay", true, rpc.Reachability{State: rpc.Unreachable, Router: true, Relays: []string{"relay"}}, []health.ID{health.RelayOnly}},
		{"open after all", true, rpc.Reachability{State: rpc.Reachable, Relays: []string{"relay"}}, nil},
		{"a router that maps nothing", true, rpc.Reachability{State: rpc.Unreachable, Relays: []string{"relay"}}, []health.ID{health.RelayOnly, health.NoPortMapping}},
		{"a router that was not asked", false, rpc.Reachability{State: rpc.Unreachable, Relays: []string{"relay"}}, []health.ID{health.RelayOnly}},
		{"behind a provider's router", true, rpc.Reachability{State: rpc.Unreachable, Router: true, Relays: []string{"relay"}, CGNAT: true, Mapped: []string{"100.64.0.7"}},
			[]health.ID{health.RelayOnly, health.SharedAddress}},
	} {
		var got []health.ID
		for code, words := range reachWords(c.asked) {
			if words(c.r) != "" {
				got = append(got, code)
			}
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}

// TestLookRaisesAndClears: what conditions say becomes states, and what was announced in vain is one.
func TestLookRaisesAndClears(t *testing.T) {
	n := quietNode(t, recent(t, time.Minute), Config{Key: exectest.PeerKey(30), Role: config.Light})
	words := "so it is"
	list := []condition{{health.Corrupt, func() string { return words }}}
	n.look(list)
	var log strings.Builder
	n.log = slog.New(slog.NewTextHandler(&log, nil))
	said := n.sayHealth(n.sayHealth(nil))
	if text := log.String(); len(said) != 1 || strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "code="+string(health.Corrupt)+" detail=\"so it is\" next=") {
		t.Errorf("said: %q", text)
	}
	if r := n.readiness(); len(r.Health) != 1 || r.Health[0].Code != string(health.Corrupt) || r.Health[0].Detail != words || !r.Failing() {
		t.Errorf("raised: %+v", r.Health)
	}
	words = ""
	n.look(list)
	if said = n.sayHealth(said); len(said) != 0 || strings.Count(log.String(), "over: ") != 1 {
		t.Errorf("said when it is over: %q", log.String())
	}
	if r := n.readiness(); len(r.Health) != 0 {
		t.Errorf("cleared: %+v", r.Health)
	}
	announces := &readiness{n: n}
	announces.note("no ether")
	if announces.why() != "no ether" {
		t.Error("what is missing is not told")
	}
}
