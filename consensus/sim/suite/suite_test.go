package suite

import (
	"context"
	"testing"
)

// TestWorkers: the results do not depend on the number of workers.
func TestWorkers(t *testing.T) {
	calls := uint64(0)
	one := Run(context.Background(), Config{First: 1, Count: 6, Workers: 1})
	two := Run(context.Background(), Config{First: 1, Count: 6, Workers: 2, Progress: func(uint64, uint64) { calls++ }})
	if one.Seeds != 6 || two.Seeds != 6 || calls != 6 {
		t.Errorf("%d and %d seeds, %d calls, want 6", one.Seeds, two.Seeds, calls)
	}
	if one.Failed != two.Failed || one.Released != two.Released || one.Certified != two.Certified || one.WorstHeal != two.WorstHeal {
		t.Errorf("%+v and %+v", one, two)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r := Run(ctx, Config{First: 1, Count: 1_000_000, Workers: 2}); r.Seeds > 10 {
		t.Errorf("%d seeds after the end", r.Seeds)
	}
}
