package audit

import (
	"errors"
	"testing"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// TestCollectorResumes: fed from the beginning again after a restart, it returns what is not stored yet and no more.
func TestCollectorResumes(t *testing.T) {
	appended := []consensus.Appended{{Index: 0}, {Index: 1}, {Index: 2}}
	released := []consensus.Released{{Index: 0}, {Index: 1}, {Index: 2}}
	blocks := []consensus.Closed{{}, {}}
	for i := range blocks {
		blocks[i].Header.Height = types.Height(i + 1)
		blocks[i].Transactions = []consensus.TxRef{{Index: 1}}
	}
	hashes := func(types.BatchID) ([]types.Hash, error) { return []types.Hash{{1}, {2}}, nil }
	for stored := range uint64(4) {
		c := NewCollector(stored, 1)
		positions, err := c.Appended(appended)
		if err != nil || len(positions) != 3-int(stored) {
			t.Fatalf("stored %d: %d positions, %v", stored, len(positions), err)
		}
		records, err := c.Released(released)
		if err != nil || len(records) != 3-int(stored) {
			t.Fatalf("stored %d: %d records, %v", stored, len(records), err)
		}
		for i, want := range []int{0, 1} {
			places, err := c.Closed(blocks[i], hashes)
			if err != nil || len(places) != want {
				t.Fatalf("block %d: %d places, %v", i+1, len(places), err)
			}
		}
	}
}

// TestCollectorRefusesDisorder: effects that skip or come too early are an error of the caller.
func TestCollectorRefusesDisorder(t *testing.T) {
	gone := errors.New("gone")
	one, three := consensus.Closed{}, consensus.Closed{}
	one.Header.Height, three.Header.Height = 1, 3
	one.Transactions = []consensus.TxRef{{Index: 5}}
	fresh := func() *Collector { return NewCollector(0, 0) }
	_, skipped := fresh().Appended([]consensus.Appended{{Index: 1}})
	_, early := fresh().Released([]consensus.Released{{Index: 0}})
	c := fresh()
	_, beyond := c.Closed(one, func(types.BatchID) ([]types.Hash, error) { return nil, nil })
	_, gap := c.Closed(three, nil)
	for _, err := range []error{skipped, early, beyond, gap} {
		if !errors.Is(err, ErrOrder) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := fresh().Closed(one, func(types.BatchID) ([]types.Hash, error) { return nil, gone }); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

// TestCollectorKeepsEverything: positions are contiguous and name the vertices of the log; every place has its record.
func TestCollectorKeepsEverything(t *testing.T) {
	s, targets := history(t, 80)
	s.run(100 * time.Millisecond)
	n := s.nodes[1]
	inLog := map[types.Hash]bool{}
	for _, v := range n.vertices {
		inLog[v.Digest()] = true
	}
	for i, p := range n.positions {
		position, err := DecodePosition(p.Value)
		if err != nil || p.Key != uint64(i) || !inLog[position.Vertex.Digest] || !inLog[position.Slot.Digest] {
			t.Fatalf("position %d: key %d, %+v, %v", i, p.Key, position, err)
		}
	}
	for _, target := range targets {
		place, placed := n.places[target]
		if record, kept := n.records[place.Batch]; !placed || !kept || record.Batch != place.Batch {
			t.Fatalf("transaction %s: place %+v, record %v", target, place, kept)
		}
	}
}
