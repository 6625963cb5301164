package coding

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"
)

// spreads are ways to run parts: none may change a byte.
var spreads = map[string]Spread{
	"in order": nil,
	"backwards": func(parts int, do func(int)) {
		for part := parts - 1; part >= 0; part-- {
			do(part)
		}
	},
	"at once": func(parts int, do func(int)) {
		var wg sync.WaitGroup
		for part := range parts {
			wg.Go(func() { do(part) })
		}
		wg.Wait()
	},
}

// checkReconstruct rebuilds data and block from shards in every way, or is told that they are too few.
func checkReconstruct(tb testing.TB, block *Block, data []byte, shards []Shard) {
	tb.Helper()
	p, v := block.params, mustVerifier(tb, block)
	for name, spread := range spreads {
		got, err := spread.ReconstructVerified(p, shards)
		if len(shards) < p.K {
			if !errors.Is(err, ErrTooFew) {
				tb.Fatalf("%s: %d shards of %d: %v", name, len(shards), p.K, err)
			}
			continue
		}
		if err != nil || !bytes.Equal(got, data) {
			tb.Fatalf("%s: other data (%v)", name, err)
		}
		again, err := spread.ReconstructAllVerified(v, shards)
		if err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		sameBlock(tb, name, again, block)
	}
}

func sameBlock(tb testing.TB, name string, got, want *Block) {
	tb.Helper()
	if got.params != want.params || got.commitment != want.commitment || got.valueTree.root() != want.valueTree.root() {
		tb.Fatalf("%s: another block", name)
	}
	if !slices.Equal(got.rowTree.nodes, want.rowTree.nodes) || !slices.Equal(got.y, want.y) {
		tb.Fatalf("%s: another tree or other combinations", name)
	}
	for i := range want.rows {
		if !bytes.Equal(got.rows[i], want.rows[i]) {
			tb.Fatalf("%s: row %d differs", name, i)
		}
	}
}

// TestSpreadChangesNothing: the same bytes whoever runs the parts, over shapes whose rows are cut into one or more stripes.
func TestSpreadChangesNothing(t *testing.T) {
	for seed, n := range []int{0, 1, 1000, 4097, 70000, 128 << 10, 1<<20 + 7} {
		data := testData(uint64(seed), n)
		want := mustEncode(t, data)
		for name, spread := range spreads {
			got, err := spread.Encode(data)
			if err != nil {
				t.Fatal(err)
			}
			sameBlock(t, name, got, want)
		}
		checkReconstruct(t, want, data, shardsAt(t, want, randomIndices(uint64(n), want.params.N)[:want.params.K]))
	}
}

// TestSpreadCoversAll: ranges of rows and columns are cut without gap or overlap.
func TestSpreadCoversAll(t *testing.T) {
	for name, spread := range spreads {
		for _, n := range []int{64, 128, 192, 1024, 4096, 4160, 8192, 16384, MaxRowSize} {
			var mu sync.Mutex
			seen := make([]int, n)
			mark := func(from, to int) {
				mu.Lock()
				defer mu.Unlock()
				if from%RowUnit != 0 || to%RowUnit != 0 || from >= to || to-from > wideStripe {
					t.Errorf("%s: stripe %d..%d of %d", name, from, to, n)
				}
				for i := from; i < to; i++ {
					seen[i]++
				}
			}
			spread.columns(n, func(from, to int) {
				for from, to := range stripes(from, to) {
					mark(from, to)
				}
			})
			if slices.Min(seen) != 1 || slices.Max(seen) != 1 {
				t.Errorf("%s: stripes of %d leave a gap or overlap", name, n)
			}
		}
		for n := 1; n <= Expansion*MaxK; n *= 2 {
			var mu sync.Mutex
			total, last := 0, 0
			spread.rows(n, func(from, to int) {
				mu.Lock()
				defer mu.Unlock()
				total, last = total+to-from, max(last, to)
			})
			if total != n || last != n {
				t.Errorf("%s: %d rows are cut into %d, up to %d", name, n, total, last)
			}
		}
	}
}
