package node

import (
	"testing"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/types"
)

// TestSettledValuesAreKept: what settled is known by height after a restart, until it is older than the retention time.
func TestSettledValuesAreKept(t *testing.T) {
	s := exectest.New(t, nil)
	for range 6 {
		s.Apply(s.Transfer(0, 1, 1))
	}
	own := func(h types.Height) fraud.Parent {
		p, err := fraud.OwnParent(s.Chain, h)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	data := t.TempDir()
	n := lightOver(t, s, data, 6)
	for h := types.Height(1); h <= 5; h++ {
		if err := n.proofs.tracker.Rebase(own(h)); err != nil {
			t.Fatal(err)
		}
		if err := n.storeValues(h-1, h, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.proofs.ledger.keepSettled(own(5)); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = lightOver(t, s, data, 6)
	defer n.Close()
	for h := types.Height(1); h <= 5; h++ {
		if got, known := (claimed{n}).At(h); !known || got != own(h) {
			t.Errorf("block %d: %+v, %t", h, got, known)
		}
	}
	if _, known := (claimed{n}).At(6); known {
		t.Error("block 6 never settled")
	}
	n.cfg.Genesis.Retention = uint64(timeOf(t, s, 6) - timeOf(t, s, 2)) // so that only block 1 is older
	if err := n.storeValues(5, 5, true); err != nil {
		t.Fatal(err)
	}
	for h := types.Height(1); h <= 5; h++ {
		if _, known := n.settledValue(h); known != (h >= 2) {
			t.Errorf("block %d is kept: %t", h, known)
		}
	}
}

func timeOf(t *testing.T, s *exectest.Swarm, h types.Height) types.Time {
	t.Helper()
	ch, ok := s.Certified(h)
	if !ok {
		t.Fatal("no block", h)
	}
	return ch.Header.Time
}
