package gossip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/types"
)

// Five hosts, each publishing on every topic: every other one judges each message once; the publisher judges none.
func TestTopicsReachEverybodyOnce(t *testing.T) {
	s := newSwarm(t, 3, 2)
	s.connectAll()
	got := make([]inbox[string], len(s.hosts))
	var all []*Gossip
	for i := range s.hosts {
		take := func(topic Topic) func(context.Context, peer.ID, []byte) Verdict {
			return func(_ context.Context, _ peer.ID, data []byte) Verdict {
				got[i].put(string(topic) + " " + string(data))
				return Accept
			}
		}
		g, _ := s.start(i, Handlers{
			Batch: func(ctx context.Context, from peer.ID, data []byte, at types.Time) Verdict {
				if since := time.Since(at.Std()); since < -time.Second || since > time.Minute {
					t.Errorf("received %v ago", since)
				}
				return take(TopicBatch)(ctx, from, data)
			},
			Head: take(TopicHead), Assertion: take(TopicAssertion), Challenge: take(TopicChallenge),
		})
		all = append(all, g)
	}
	for _, g := range all {
		eventually(t, "topic peers", func() bool {
			for _, topic := range topics() {
				if g.TopicPeers(topic) != len(s.hosts)-1 {
					return false
				}
			}
			return true
		})
	}
	for i, g := range all {
		for n := range 5 {
			m := []byte(fmt.Sprintf("host %d message %d", i, n))
			for _, publish := range []func(context.Context, []byte) error{g.PublishBatch, g.PublishHead, g.PublishAssertion, g.PublishChallenge} {
				if err := publish(s.ctx, m); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	want := 4 * 5 * (len(s.hosts) - 1)
	for i := range got {
		eventually(t, fmt.Sprint("delivery ", i), func() bool { return got[i].len() >= want })
	}
	time.Sleep(50 * time.Millisecond) // for a repeat to show
	for i := range got {
		seen := make(map[string]bool)
		for _, m := range got[i].all() {
			if seen[m] {
				t.Fatalf("host %d judged %q twice", i, m)
			}
			seen[m] = true
		}
		if len(seen) != want {
			t.Fatalf("host %d judged %d messages, want %d", i, len(seen), want)
		}
	}
	if st := all[0].Stats(); st.Topics[0].Accepted != 20 || st.Topics[0].Published != 5 {
		t.Fatalf("stats %+v", st.Topics[0])
	}
}

// A peer without a handler for a topic can publish to it all the same: a light client sends transactions.
func TestBatchesOfMembersAreNotPassedOn(t *testing.T) {
	s := newSwarm(t, 3, 1)
	s.connectAll()
	got := make([]inbox[string], len(s.hosts))
	handlers := func(i int) Handlers {
		return Handlers{
			Batch: func(_ context.Context, _ peer.ID, data []byte, _ types.Time) Verdict {
				got[i].put(string(data))
				return Accept
			},
			Push: func(types.Member, *types.Push) {},
		}
	}
	var all []*Gossip
	for i := range s.hosts {
		g, _ := s.start(i, handlers(i))
		all = append(all, g)
	}
	member, other := s.hosts[1].ID(), s.hosts[3].ID()
	now := func() *live { return all[0].live.Load() }
	eventually(t, "streams", func() bool { return now().everyoneHas(member) })
	if now().everyoneHas(other) || all[3].live.Load().everyoneHas(member) {
		t.Error("what comes from or to a peer outside the committee is passed on")
	}
	eventually(t, "topic peers", func() bool { return all[1].TopicPeers(TopicBatch) == 3 })
	if err := all[1].PublishBatch(s.ctx, []byte("a batch")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "delivery", func() bool { return got[0].len() == 1 && got[2].len() == 1 && got[3].len() == 1 })
	now().links[member].setConnected(false)
	if now().everyoneHas(s.hosts[2].ID()) {
		t.Error("with a member out of reach batches are passed on")
	}
	large := &live{newest: &roster{members: make([]peer.ID, directCommittee+1), indices: map[peer.ID]types.Member{member: 0}}}
	if large.everyoneHas(member) {
		t.Error("in a large committee batches are passed on")
	}
}

func TestPublishWithoutJoining(t *testing.T) {
	s := newSwarm(t, 1, 1)
	s.connectAll()
	var got inbox[string]
	s.start(0, Handlers{Batch: func(_ context.Context, _ peer.ID, data []byte, _ types.Time) Verdict {
		got.put(string(data))
		return Accept
	}})
	light, _ := s.start(1, Handlers{})
	eventually(t, "topic peers", func() bool { return light.TopicPeers(TopicBatch) == 1 })
	if err := light.PublishBatch(s.ctx, []byte("tx")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "delivery", func() bool { return got.len() == 1 })
	for _, size := range []int{0, TopicBatch.maxBytes() + 1} {
		if err := light.PublishBatch(s.ctx, make([]byte, size)); !errors.Is(err, types.ErrMalformed) {
			t.Fatalf("%d bytes: %v", size, err)
		}
	}
}

// What is ignored or rejected is not passed on, and whoever sends what is provably bad is no longer heard.
func TestRejectedMessagesStopAndCost(t *testing.T) {
	s := newSwarm(t, 1, 2) // 1 - 0 - 2: host 0 stands between
	s.connect(1, 0)
	s.connect(2, 0)
	verdicts := map[string]Verdict{"stale": Ignore, "bad": Reject}
	var middle, far inbox[string]
	g, _ := s.start(0, Handlers{Assertion: func(_ context.Context, _ peer.ID, data []byte) Verdict {
		middle.put(string(data))
		if v, ok := verdicts[string(data)]; ok {
			return v
		}
		if strings.HasPrefix(string(data), "good") {
			return Accept
		}
		return Reject
	}})
	accept := func(_ context.Context, _ peer.ID, data []byte) Verdict { far.put(string(data)); return Accept }
	s.start(1, Handlers{Assertion: accept})
	sender, _ := s.start(2, Handlers{Assertion: func(context.Context, peer.ID, []byte) Verdict { return Accept }})
	eventually(t, "topic peers", func() bool { return g.TopicPeers(TopicAssertion) == 2 && sender.TopicPeers(TopicAssertion) == 1 })
	publish := func(m string) {
		if err := sender.PublishAssertion(s.ctx, []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	goods := 0
	eventually(t, "a good one", func() bool { // passed on once the middle has formed its mesh
		goods++
		publish(fmt.Sprint("good ", goods))
		time.Sleep(50 * time.Millisecond)
		return far.len() > 0
	})
	publish("stale")
	publish("bad")
	publish("good at last")
	eventually(t, "the last good one", func() bool { return slices.Contains(far.all(), "good at last") && slices.Contains(middle.all(), "bad") })
	if got := far.all(); slices.Contains(got, "stale") || slices.Contains(got, "bad") {
		t.Fatalf("passed on: %q", got)
	}
	for n := range 60 {
		publish(fmt.Sprint("bad ", n))
		time.Sleep(2 * time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	if slices.Contains(middle.all(), "bad 59") {
		t.Fatal("a peer that sends nothing but bad messages is still heard")
	}
	if rejected := g.Stats().Topics[topicIndex(TopicAssertion)].Rejected; rejected < 4 {
		t.Fatalf("only %d rejections counted", rejected)
	}
}

// The same bytes on two topics are two messages: nobody can silence a message by repeating it elsewhere.
func TestTopicsDoNotShadowEachOther(t *testing.T) {
	s := newSwarm(t, 1, 1)
	s.connectAll()
	var heads, challenges inbox[string]
	into := func(b *inbox[string]) func(context.Context, peer.ID, []byte) Verdict {
		return func(_ context.Context, _ peer.ID, data []byte) Verdict { b.put(string(data)); return Accept }
	}
	s.start(0, Handlers{Head: into(&heads), Challenge: into(&challenges)})
	g, _ := s.start(1, Handlers{})
	eventually(t, "topic peers", func() bool { return g.TopicPeers(TopicHead) == 1 && g.TopicPeers(TopicChallenge) == 1 })
	for _, publish := range []func(context.Context, []byte) error{g.PublishChallenge, g.PublishHead} {
		if err := publish(s.ctx, []byte("same")); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "both", func() bool { return heads.len() == 1 && challenges.len() == 1 })
}

// A message of another protocol dialect, signed or too large for its topic, does not reach the handler.
func TestForeignDialectIsRefused(t *testing.T) {
	s := newSwarm(t, 1, 1)
	s.connectAll()
	var got inbox[string]
	g, _ := s.start(0, Handlers{Batch: func(_ context.Context, _ peer.ID, data []byte, _ types.Time) Verdict {
		got.put(fmt.Sprint(len(data)))
		return Accept
	}})
	stranger, err := pubsub.NewGossipSub(s.ctx, s.hosts[1], pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithMessageIdFn(messageID))
	if err != nil {
		t.Fatal(err)
	}
	topic, err := stranger.Join(topicName(testNetwork, TopicBatch))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "topic peers", func() bool { return len(topic.ListPeers()) == 1 })
	if err := topic.Publish(s.ctx, make([]byte, TopicBatch.maxBytes()+1)); err != nil {
		t.Fatal(err)
	}
	if err := topic.Publish(s.ctx, make([]byte, 77)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "delivery", func() bool { return got.len() == 1 })
	eventually(t, "rejection", func() bool { return g.Stats().Topics[0].Rejected == 1 })
	if got := got.all(); got[0] != "77" {
		t.Fatalf("the handler saw %v bytes", got)
	}
	if other, err := stranger.Join("/bedrock/elsewhere/batch"); err != nil {
		t.Fatal(err)
	} else if _, err := other.Subscribe(); err != nil {
		t.Fatal(err)
	}
	if peers := g.pubsub.ListPeers("/bedrock/elsewhere/batch"); len(peers) != 0 {
		t.Fatal("a topic of another network is tracked")
	}
}
