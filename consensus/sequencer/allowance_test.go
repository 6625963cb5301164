package sequencer

import (
	"testing"

	"github.com/etherscale/bedrock/types"
)

// An allowance is refilled with time, also after the clock was set back.
func TestAllowance(t *testing.T) {
	const second, hour = 1_000_000, 3_600_000_000
	a := allowance{rate: 100, burst: 150, left: 150, at: 2 * hour}
	for _, step := range []struct {
		at    uint64
		bytes int
		want  bool
	}{
		{2 * hour, 150, true}, {2 * hour, 1, false}, {2*hour + second, 100, true}, {2*hour + second, 1, false},
		{hour, 1, false}, {hour + second, 100, true}, {hour + second, 1, false}, {hour + 100*second, 151, false}, {hour + 100*second, 150, true},
	} {
		if got := a.take(step.bytes, types.Time(step.at)); got != step.want {
			t.Fatalf("%d bytes at %d: %v", step.bytes, step.at, got)
		}
	}
}
