package sim

import (
	"os"
	"strconv"
	"testing"
	"time"
)

func TestSeeds(t *testing.T) {
	from, _ := strconv.ParseUint(os.Getenv("FROM"), 10, 64)
	count, _ := strconv.ParseUint(os.Getenv("COUNT"), 10, 64)
	start := time.Now()
	var events uint64
	for seed := from; seed < from+count; seed++ {
		s := time.Now()
		m := Expand(seed)
		r := Run(m)
		if r.Failure != nil {
			t.Errorf("seed %d: %v", seed, r.Failure)
		}
		if d := time.Since(s); d > 4*time.Second {
			t.Logf("seed %d n %d took %v %+v", seed, m.n(), d, r.Counted)
		}
		events += r.Counted.Events
	}
	t.Logf("%d seeds, %v, %.0f events/s", count, time.Since(start), float64(events)/time.Since(start).Seconds())
}
