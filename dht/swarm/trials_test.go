package swarm

import (
	"context"
	"testing"
	"time"

	"github.com/etherscale/bedrock/sampling"
)

// Four of five peers vanish at once, the committee among them: what is left suffices for every block.
func TestSurvival(t *testing.T) {
	if testing.Short() {
		t.Skip("publishes and rebuilds over the simulated wire")
	}
	seen := 0
	r, err := Survival(context.Background(), SurvivalConfig{Hosts: 40, Seeds: 1, Seed: 3, Sizes: []int{20_000, 128 << 10},
		Progress: func(int, int) { seen++ }})
	if err != nil || r.Blocks != 2 || r.Rebuilt != 2 || r.Seeds != 1 || seen != 1 || r.Rows >= 0.9 || r.Rows < 0.25 {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestSummarize(t *testing.T) {
	var samples []Sample
	for i := range 20 {
		s := Sample{Took: time.Duration(i+1) * time.Millisecond, Rows: int64(i), Received: 100}
		s.Asked, s.Answered, s.Verdict = 33, 30, sampling.Available
		if i == 19 {
			s.Asked, s.Verdict = 44, sampling.Unavailable
		}
		samples = append(samples, s)
	}
	r := summarize(samples)
	if r.Trials != 20 || r.Accepted != 19 || r.Escalated != 1 || r.P50Ms != 10 || r.P95Ms != 19 || r.BytesP95 != 18 || r.Wire != 100 {
		t.Fatalf("%+v", r)
	}
	if empty := summarize(nil); empty.Trials != 0 || empty.P50Ms != 0 {
		t.Fatalf("%+v", empty)
	}
}
