package timeline

import (
	"math/rand/v2"
	"testing"

	"github.com/etherscale/bedrock/types"
)

// TestOrder: things come by time, those of one time as they were scheduled, also when more is scheduled in between.
func TestOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var q Queue[int]
	type taken struct {
		at   types.Time
		what int
	}
	var last taken
	for i := range 5000 {
		q.Push(last.at+types.Time(rng.IntN(4)), i)
		if i%3 == 0 {
			at, what := q.Pop()
			if at < last.at || at == last.at && what < last.what {
				t.Fatalf("%d at %d comes after %d at %d", what, at, last.what, last.at)
			}
			last = taken{at, what}
		}
	}
	left := 0
	for q.Due(last.at + 10) {
		at, _ := q.Pop()
		if at < last.at {
			t.Fatal("time goes back")
		}
		last.at = at
		left++
	}
	if left != 5000-1667 || q.Due(^types.Time(0)) {
		t.Fatalf("%d were left", left)
	}
}
