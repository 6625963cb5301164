package consensus

import (
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// TestClusterSoak throws everything at clusters of several sizes and stakes: lost pushes, lost gossip, crashes and
// returns with and without the logs of others, twins. After a quiet end every batch that more than f stake admitted is
// released everywhere, and all honest nodes agree.
func TestClusterSoak(t *testing.T) {
	stakes := [][]types.Stake{equalStakes(4), equalStakes(7), {30, 30, 20, 10, 5, 3, 2}, equalStakes(5), {25, 25, 25, 25, 4, 4, 4, 4, 4, 4}}
	seeds := uint64(40)
	if testing.Short() {
		seeds = 10
	}
	var total Counters
	for seed := range seeds {
		total = sum(total, soak(t, seed, testCommittee(t, stakes[seed%uint64(len(stakes))]...)))
		if t.Failed() {
			t.Fatalf("failing seed: %d", seed)
		}
	}
	t.Logf("%+v", total)
	if testing.Short() {
		t.Skip("-short: too few seeds to demand that every rule was exercised")
	}
	if total.IndirectCommit == 0 || total.IndirectSkip == 0 || total.DirectSkip == 0 || total.Exclusions == 0 {
		t.Error("the soak does not exercise every rule")
	}
}

func sum(a, b Counters) Counters {
	a.DirectCommit += b.DirectCommit
	a.DirectSkip += b.DirectSkip
	a.IndirectCommit += b.IndirectCommit
	a.IndirectSkip += b.IndirectSkip
	a.Openings += b.Openings
	a.ImplicitEntries += b.ImplicitEntries
	a.Voids += b.Voids
	a.Exclusions += b.Exclusions
	return a
}

func soak(t *testing.T, seed uint64, committee *types.Committee) Counters {
	n := committee.Len()
	var twins []int
	faulty := int(seed) % n
	if committee.Stake(types.Member(faulty)) <= committee.F() && seed%3 == 0 {
		twins = []int{faulty}
	}
	c := newCluster(t, 1000+seed, committee, twins...)
	if seed%2 == 1 {
		c.configure = func(_ *testNode, cfg *Config) {
			cfg.Windows = Windows{Cuts: 16, Repeats: types.Round(1 + seed%9), Transactions: int(3 + seed%20)}
		}
	}
	rough := true
	c.drop = func(from, to int, _ *types.Vertex) bool {
		if c.nodes[from].hidden && c.nodes[from].index >= n && to%2 == 0 {
			return true
		}
		return rough && c.rng.IntN(10) == 0
	}
	c.startAll()
	for k := range uint64(120) {
		c.after(50*time.Millisecond+time.Duration(k)*20*time.Millisecond, func() {
			missed := c.rng.IntN(n) // does not get it by gossip
			c.batch(k, (missed+1)%n, missed)
		})
	}
	if len(twins) == 0 {
		c.crashes(faulty)
	}
	c.run(4 * time.Second)
	rough = false
	c.run(6 * time.Second)
	c.check()
	for _, x := range c.nodes {
		if x.hidden {
			continue
		}
		if !x.alive {
			t.Fatalf("seed %d: node %d is down at the end", seed, x.index)
		}
		c.wantAll(x)
		s := x.core.Status()
		if s.Missing > 0 && s.Suspended > 0 && len(twins) == 0 {
			t.Errorf("seed %d: node %d still misses something: %+v", seed, x.index, s)
		}
	}
	for _, x := range c.nodes {
		if !x.hidden {
			return x.core.Counters()
		}
	}
	return Counters{}
}

// crashes takes one node, of at most f stake or else briefly, down a few times.
func (c *cluster) crashes(victim int) {
	x := c.nodes[victim]
	at := 200 * time.Millisecond
	for range 3 {
		down := time.Duration(20+c.rng.IntN(700)) * time.Millisecond
		c.after(at, x.crash)
		c.after(at+down, func() {
			x.start()
			if c.rng.IntN(2) == 0 {
				x.catchUp(c.nodes[(victim+1)%len(c.nodes)])
			}
		})
		at += down + time.Duration(100+c.rng.IntN(500))*time.Millisecond
	}
}
