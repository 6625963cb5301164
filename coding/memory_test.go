package coding

import (
	"runtime"
	"testing"
)

// TestMemoryIsSixBlocks: encoding and rebuilding 32 MiB allocate at most six times that together with what they are given,
// whether collected meanwhile or not. So their peak is lower still.
func TestMemoryIsSixBlocks(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second and 500 MB")
	}
	const size = 32 << 20
	data := testData(1, size)
	block := mustEncode(t, data)
	p, v := block.params, mustVerifier(t, block)
	shards := shardsAt(t, block, randomIndices(1, p.N)[:p.K])
	given := uint64(size) // the data, or the rows
	for name, do := range map[string]func(s Spread) error{
		"encode":      func(s Spread) error { _, err := s.Encode(data); return err },
		"reconstruct": func(s Spread) error { _, err := s.ReconstructVerified(p, shards); return err },
		"few absent": func(s Spread) error {
			_, err := s.ReconstructVerified(p, shardsAt(t, block, ascending(p.K + 9)[9:]))
			return err
		},
	} {
		for how, spread := range spreads {
			if used := given + allocated(t, func() error { return do(spread) }); used > 6*size {
				t.Errorf("%s %s: %.2f times the block", name, how, float64(used)/size)
			}
		}
	}
	used := given + allocated(t, func() error { _, err := ReconstructAllVerified(v, shards); return err })
	if used > 6*size {
		t.Errorf("reconstruct all: %.2f times the block", float64(used)/size)
	}
}

// allocated is how many bytes do allocates, collected or not.
func allocated(t *testing.T, do func() error) uint64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := do(); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
