package gossip

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// TestRoomAtOnePeer: more bodies than one peer serves at once are all had from it, without an error, six at a time; two peers
// share them.
func TestRoomAtOnePeer(t *testing.T) {
	for peers := 1; peers <= 2; peers++ {
		s := newSwarm(t, peers, 1)
		var now, most, served [2]atomic.Int64
		for i := range peers {
			s.start(i, Handlers{Body: func(types.Height) ([]byte, error) {
				if n := now[i].Add(1); n > most[i].Load() {
					most[i].Store(n)
				}
				served[i].Add(1)
				time.Sleep(5 * time.Millisecond)
				now[i].Add(-1)
				return []byte("body"), nil
			}})
		}
		g, _ := s.start(peers, Handlers{})
		s.connectAll()
		eventually(t, "peers that serve", func() bool { return len(g.candidates(g.protocols.block, false)) == peers })
		var group sync.WaitGroup
		for h := range types.Height(60) {
			group.Go(func() {
				if _, err := g.Body(s.ctx, h, types.Hash{}); err != nil {
					t.Errorf("body %d of %d peers: %v", h, peers, err)
				}
			})
		}
		group.Wait()
		for i := range peers {
			if most[i].Load() > maxAsking {
				t.Errorf("%d requests at once to peer %d", most[i].Load(), i)
			}
			if served[i].Load() < 10 {
				t.Errorf("peer %d of %d served %d", i, peers, served[i].Load())
			}
		}
	}
}

// TestLimitOfAsking: six large requests to one peer, a seventh waits until one ends or it is given up.
func TestLimitOfAsking(t *testing.T) {
	r := newRoom()
	for range 6 {
		if r.full("p") || r.enter(t.Context(), "p") != nil {
			t.Fatal("no room for six")
		}
	}
	if !r.full("p") || r.full("q") {
		t.Error("six fill one peer, and no other")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r.enter(ctx, "p") == nil {
		t.Error("a seventh entered")
	}
	entered := make(chan error)
	go func() { entered <- r.enter(t.Context(), "p") }()
	r.leave("p")
	if err := <-entered; err != nil {
		t.Error(err)
	}
	for range 6 {
		r.leave("p")
	}
	if len(r.under) != 0 {
		t.Errorf("%v are remembered", r.under)
	}
}
