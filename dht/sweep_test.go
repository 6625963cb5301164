package dht

import (
	"fmt"
	"slices"
	"testing"
	"time"

	kb "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/peer"
)

// pausesOf are the pauses between n sweeps, all calm or none.
func pausesOf(c Config, n int, calm bool) []time.Duration {
	c = c.withDefaults()
	pause := time.Second
	var out []time.Duration
	for range n {
		pause = c.nextSweep(pause, calm)
		out = append(out, pause)
	}
	return out
}

// Where nothing changes a node looks every two minutes; where something does, and at publishers, every half minute; and never more
// often than it was told.
func TestSweepsRestWhereNothingChanges(t *testing.T) {
	for _, x := range []struct {
		what string
		c    Config
		calm bool
		last time.Duration
	}{
		{"calm", Config{}, true, calmSweep},
		{"changing", Config{}, false, 30 * time.Second},
		{"a publisher", Config{WholeTable: true}, true, 30 * time.Second},
		{"a light client", Config{Sweep: 5 * time.Minute}, true, 5 * time.Minute},
	} {
		got := pausesOf(x.c, 12, x.calm)
		if !slices.IsSorted(got) || got[0] != 2*time.Second || got[11] != x.last {
			t.Errorf("%s: pauses %v, want growing ones from 2s to %s", x.what, got, x.last)
		}
	}
	c := Config{}.withDefaults()
	if got := c.nextSweep(calmSweep, false); got != c.Sweep {
		t.Errorf("the pause behind a change is %s, want %s", got, c.Sweep)
	}
}

// Neighbours are the nearest by kad-dht's metric; one that fails is none.
func TestNeighbours(t *testing.T) {
	var ids []peer.ID
	for i := range 30 {
		ids = append(ids, peer.ID(fmt.Sprint("peer", i)))
	}
	s := newServers(silentHost{}, "", false, func() []peer.ID { return ids })
	want := kb.SortClosestPeers(ids, kb.ConvertPeerID("self"))
	if got := s.neighbours(20); !slices.Equal(got, want[:20]) {
		t.Fatalf("neighbours %v, want %v", got, want[:20])
	}
	s.failed(want[3])
	if got := s.neighbours(20); !slices.Equal(got, slices.Delete(slices.Clone(want), 3, 4)[:20]) {
		t.Fatalf("neighbours %v with one that failed", got)
	}
	if got := s.neighbours(50); len(got) != 29 {
		t.Fatalf("%d neighbours of 29", len(got))
	}
}
