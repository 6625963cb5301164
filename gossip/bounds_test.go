package gossip

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/types"
)

// TestLimitsOfServing: 128 requests of strangers at once, 8 of one; a member 32, beside them; 4096 peers remembered.
func TestLimitsOfServing(t *testing.T) {
	g := newGate(1000, 1000, func(p peer.ID) bool { return p == "member" })
	stranger := func(i int) peer.ID { return peer.ID(fmt.Sprint("stranger ", i)) }
	for i := range 128 {
		if !g.enter(stranger(i / 8)) {
			t.Fatalf("request %d is refused", i)
		}
	}
	if g.enter(stranger(99)) {
		t.Error("request 129 is served")
	}
	for range 32 {
		if !g.enter("member") {
			t.Fatal("a member waits for strangers")
		}
	}
	if g.enter("member") {
		t.Error("a 33rd request of a member is served")
	}
	for i := range 128 {
		g.leave(stranger(i/8), 0)
	}
	for range 8 {
		g.enter(stranger(0))
	}
	if g.enter(stranger(0)) {
		t.Error("a ninth request of one stranger is served")
	}
	g = newGate(1000, 1000, func(peer.ID) bool { return false })
	for i := range 4096 {
		if !g.enter(stranger(i)) {
			t.Fatalf("peer %d is refused", i)
		}
		g.leave(stranger(i), 1000) // it owes bytes, so it cannot be forgotten
	}
	if g.enter(stranger(4096)) || len(g.peers) != 4096 {
		t.Errorf("%d peers are remembered", len(g.peers))
	}
}

// TestLimitsOfRates: 50 requests and 8 MiB a second, four times that at once; a member sixteen times as much.
func TestLimitsOfRates(t *testing.T) {
	var c Config
	c.fill()
	g := newGate(c.RequestsPerSecond, c.BytesPerSecond, func(p peer.ID) bool { return p == "member" })
	for p, factor := range map[peer.ID]float64{"stranger": 1, "member": 16} {
		requests, bytes, _ := g.rates(p)
		if requests.PerSecond != factor*50 || requests.Burst != factor*200 || bytes.PerSecond != factor*(8<<20) || bytes.Burst != factor*(32<<20) {
			t.Errorf("%s: %+v, %+v", p, requests, bytes)
		}
	}
	synctest.Test(t, func(t *testing.T) { // where no time passes
		served := 0
		for g.enter("stranger") {
			g.leave("stranger", 0)
			served++
		}
		if served != 200 {
			t.Errorf("%d requests at once", served)
		}
	})
}

// TestLimitOfStanding: 4096 peers' penalties are remembered; the one with the least left to forget makes room.
func TestLimitOfStanding(t *testing.T) {
	s := newStanding()
	for i := range 4097 {
		s.penalize(peer.ID(fmt.Sprint(i)))
		if i > 0 {
			s.penalize(peer.ID(fmt.Sprint(i)))
		}
	}
	if len(s.penalties) != 4096 || s.weight("0") != 0 || s.weight("1") == 0 || s.weight("4096") == 0 {
		t.Errorf("%d penalties", len(s.penalties))
	}
}

// TestLimitsOfRequests: length of a block request, headers in it, items and bytes of an answer, length of a fetch request.
func TestLimitsOfRequests(t *testing.T) {
	for n, ok := range map[uint64]bool{0: false, 1: true, 256: true, 257: false} {
		if _, err := decodeBlockRequest((&blockRequest{Kind: uint64(kindHeaders), Max: n}).encode()); (err == nil) != ok {
			t.Errorf("%d headers: %v", n, err)
		}
	}
	for n, short := range map[int]bool{128: true, 129: false} {
		_, err := decodeBlockRequest(make([]byte, n))
		if want := fmt.Sprintf("block request of %d bytes", n); (err.Error()[:len(want)] != want) != short {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for n, ok := range map[int]bool{1024: true, 1025: false} {
		if _, err := decodeItems(types.Marshal(make([][]byte, n))); (err == nil) != ok {
			t.Errorf("%d items: %v", n, err)
		}
		if kept := boundItems(make([][]byte, n)); len(kept) != 1024 {
			t.Errorf("%d of %d items are answered", len(kept), n)
		}
	}
	item := make([]byte, 1<<20-9)
	if kept := boundItems([][]byte{item, item}); len(kept) != 2 {
		t.Errorf("%d items of 2 MiB", len(kept))
	}
	if kept := boundItems([][]byte{item, append(item, 0)}); len(kept) != 1 {
		t.Errorf("%d items of 2 MiB and a byte", len(kept))
	}
	largest := &types.FetchRequest{Vertices: make([]types.Hash, 6), Batches: make([]types.BatchID, types.MaxFetchItems-6), Log: true, From: 1 << 63}
	if n := len(largest.Encode()); n > maxFetchRequest {
		t.Errorf("the largest request has %d bytes, %d are read", n, maxFetchRequest)
	}
}

// TestLimitsOfTopics: what a message of each topic may have.
func TestLimitsOfTopics(t *testing.T) {
	for topic, want := range map[Topic]int{
		TopicBatch: 128<<10 + 8, TopicHead: 128<<10 + 1024*72, TopicAssertion: 512 << 10, TopicChallenge: 512 << 10,
	} {
		if got := topic.maxBytes(); got != want {
			t.Errorf("%s: %d bytes", topic, got)
		}
		if topic.maxBytes() > maxPubsubBytes {
			t.Errorf("%s is above what pubsub passes on", topic)
		}
	}
}

// TestLimitOfAsked: four peers are asked for one thing.
func TestLimitOfAsked(t *testing.T) {
	asked := make(chan peer.ID, 10)
	_, _, err := firstGood(t.Context(), []peer.ID{"a", "b", "c", "d", "e"}, time.Hour, func([]peer.ID) {}, func(_ context.Context, p peer.ID) (int, error) {
		asked <- p
		return 0, ErrNotFound
	})
	if !errors.Is(err, ErrNotFound) || len(asked) != 4 {
		t.Errorf("%d were asked: %v", len(asked), err)
	}
}

// TestLimitOfAnswered: who answered is remembered for 4096 questions.
func TestLimitOfAnswered(t *testing.T) {
	g := &Gossip{answered: make(map[question]peer.ID)}
	for h := range types.Height(4096) {
		g.remember(question{kindBody, h}, "p")
	}
	if len(g.answered) != 4096 {
		t.Errorf("%d are remembered", len(g.answered))
	}
	if g.remember(question{kindBody, 5000}, "p"); len(g.answered) != 1 {
		t.Errorf("%d are remembered", len(g.answered))
	}
}

// TestLimitOfAPushQueue: 8 MiB wait for a member; then the oldest leaves.
func TestLimitOfAPushQueue(t *testing.T) {
	var c Config
	c.fill()
	half := &types.Push{Vertices: [][]byte{make([]byte, 4<<20-29)}} // 24 for epoch and lists, 5 for the item
	l := newLink("p", c.PushQueueBytes)
	if !l.put(half) || !l.put(half) || l.stats().Dropped != 0 || l.stats().Queued != 8<<20 {
		t.Errorf("%+v", l.stats())
	}
	if !l.put(&types.Push{Vertices: [][]byte{{1}}}) || l.stats().Dropped != 1 {
		t.Errorf("%+v", l.stats())
	}
	if l.put(&types.Push{Vertices: [][]byte{make([]byte, 8<<20-28)}}) {
		t.Error("one larger than the queue is taken")
	}
}
