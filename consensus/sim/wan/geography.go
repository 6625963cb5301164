package wan

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/etherscale/bedrock/types"
)

const (
	regions   = 10
	nearest   = 20 * time.Millisecond  // one way within a region
	farthest  = 120 * time.Millisecond // one way between opposite regions
	slowness  = 10                     // of the slow member's messages
	skew      = 5 * time.Millisecond   // most that a clock is off
	wrong     = 2 * time.Second        // that the wrong clock is ahead
	syncDelay = time.Millisecond       // of a durable write
)

// geography says how long messages take.
type geography struct {
	region []int // by member
	jitter float64
	slow   int // the slow member; -1: none
	rng    *rand.Rand
}

// newGeography spreads the members evenly over the regions, in random order.
func newGeography(n int, jitter float64, rng *rand.Rand) *geography {
	g := &geography{region: make([]int, n), jitter: jitter, slow: -1, rng: rng}
	for i, m := range rng.Perm(n) {
		g.region[m] = i % regions
	}
	return g
}

// base is the one-way delay between two members without jitter.
func (g *geography) base(from, to types.Member) time.Duration {
	angle := math.Pi * float64(g.region[from]-g.region[to]) / regions
	return nearest + time.Duration(float64(farthest-nearest)*math.Abs(math.Sin(angle)))
}

// mean is d: the mean one-way delay over the ordered pairs of distinct members, without jitter and faults.
func (g *geography) mean() time.Duration {
	var sum time.Duration
	n := len(g.region)
	for a := range n {
		for b := range n {
			if a != b {
				sum += g.base(types.Member(a), types.Member(b))
			}
		}
	}
	return sum / time.Duration(n*(n-1))
}

// delay draws how long one message takes.
func (g *geography) delay(from, to types.Member) time.Duration {
	d := time.Duration(float64(g.base(from, to)) * math.Exp(g.jitter*g.rng.NormFloat64()))
	if int(from) == g.slow || int(to) == g.slow {
		d *= slowness
	}
	return d
}
