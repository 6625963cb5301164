package gossip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// TestOvertakenPeersAreSlow: of those asked, only who was asked before the one that answered, and has not said a word, counts
// as slow, and that is forgotten.
func TestOvertakenPeersAreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlowness()
		answers := map[peer.ID]time.Duration{"hangs": time.Hour, "fails": time.Millisecond, "late": 5 * time.Second, "good": 100 * time.Millisecond}
		value, from, err := firstGood(t.Context(), []peer.ID{"fails", "hangs", "late", "good"}, time.Second, s.note,
			func(ctx context.Context, p peer.ID) (string, error) {
				select {
				case <-ctx.Done():
					return "", ctx.Err()
				case <-time.After(answers[p]):
				}
				if p == "fails" {
					return "", errors.New("it is busy")
				}
				return "said by " + string(p), nil
			})
		if err != nil || from != "good" || value != "said by good" {
			t.Fatal(value, from, err)
		}
		slow := func() (list []peer.ID) {
			for _, p := range []peer.ID{"fails", "good", "hangs", "late"} {
				if s.slow(p) {
					list = append(list, p)
				}
			}
			return list
		}
		if list := slow(); !slices.Equal(list, []peer.ID{"hangs", "late"}) {
			t.Errorf("slow are %v", list)
		}
		time.Sleep(slowFor + time.Second)
		if list := slow(); len(list) > 0 {
			t.Errorf("%v are slow for ever", list)
		}
	})
}

// TestSlowPeersAreAskedLater: a member that was overtaken is asked after other peers, and before distrusted ones.
func TestSlowPeersAreAskedLater(t *testing.T) {
	s := newSwarm(t, 3, 1)
	data, block, _ := testBlock(t)
	for i := range 3 {
		s.start(i, library(t, block, data))
	}
	g, _ := s.start(3, Handlers{})
	s.connectAll()
	id := func(i int) peer.ID { return s.hosts[i].ID() }
	eventually(t, "three peers that serve", func() bool { return len(g.candidates(g.protocols.block, false)) == 3 })
	g.slow.note([]peer.ID{id(0)})
	g.Penalize(id(1))
	if got := g.candidates(g.protocols.block, false); !slices.Equal(got, []peer.ID{id(2), id(0), id(1)}) {
		t.Errorf("asked are %v", got)
	}
}

// TestLimitOfSlowness: 4096 slow peers are remembered.
func TestLimitOfSlowness(t *testing.T) {
	s := newSlowness()
	for i := range 4096 {
		s.note([]peer.ID{peer.ID(fmt.Sprint(i))})
	}
	if len(s.until) != 4096 {
		t.Errorf("%d are remembered", len(s.until))
	}
	s.note([]peer.ID{"another"})
	if len(s.until) != 1 || !s.slow("another") {
		t.Errorf("%d are remembered after one more", len(s.until))
	}
}
