package consensus

import (
	"fmt"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// startFromCut gives the node a new life from its newest cut and the log above. What was said before the cut is kept, the
// rest is said again.
func (n *testNode) startFromCut(cfg Config) {
	core, err := NewFrom(cfg, n.cut.State)
	if err != nil {
		n.c.t.Fatalf("node %d: %v", n.index, err)
	}
	n.core = core
	n.resumed++
	n.forgetAbove(n.cut.Index, core.Status().CertifiedHeight)
	for _, id := range core.Held() {
		n.hold(id, -1, false)
	}
	for _, v := range n.log {
		if v.Round()+Horizon+keepBelow <= n.cut.Round {
			continue
		}
		for _, r := range v.Body().Receipts {
			n.hold(r.Batch, -1, false)
		}
		n.step(Restored{Vertices: []*types.Vertex{v}})
	}
	n.step(Start{Above: n.above})
	for _, h := range n.held {
		if h.Admitted && core.fair.done.by[h.ID] == 0 {
			n.step(h) // as the driver asks the pool again
		}
	}
}

func (n *testNode) forgetAbove(index uint64, sealed types.Height) {
	n.appended = keep(n.appended, func(a Appended) bool { return a.Index < index })
	n.released = keep(n.released, func(r Released) bool { return r.Index < index })
	n.closed = keep(n.closed, func(b Closed) bool { return b.Header.Height <= sealed })
	n.certified = keep(n.certified, func(h types.CertifiedHeader) bool { return h.Header.Height <= sealed })
}

func keep[T any](list []T, which func(T) bool) []T {
	var kept []T
	for _, x := range list {
		if which(x) {
			kept = append(kept, x)
		}
	}
	return kept
}

// TestClusterCuts: members that restart from their cuts, one by one and all at once, take part like the others, and all
// have the same cuts.
func TestClusterCuts(t *testing.T) {
	seeds := uint64(8)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			var twins []int
			if seed%4 == 3 {
				twins = []int{2}
			}
			c := newCluster(t, 500+seed, testCommittee(t, equalStakes(4)...), twins...)
			c.configure = func(_ *testNode, cfg *Config) {
				cfg.Windows = Windows{Cuts: 10, Repeats: types.Round(10 + 1000*(seed%2)), Transactions: 40}
			}
			digests := map[types.Round]types.Hash{}
			c.onCut = func(n *testNode, cut *Cut) {
				if known, ok := digests[cut.Round]; ok && known != cut.Digest {
					t.Errorf("node %d has another cut of round %d", n.index, cut.Round)
				}
				digests[cut.Round] = cut.Digest
			}
			c.startAll()
			c.load(0, 170, 20*time.Millisecond)
			if len(twins) == 0 {
				c.crashes(int(seed) % 4)
			}
			c.after(3800*time.Millisecond, func() {
				for _, n := range c.nodes {
					n.crash()
				}
				c.startAll()
			})
			c.run(9 * time.Second)
			c.check()
			resumed := 0
			for _, n := range c.nodes {
				if n.hidden {
					continue
				}
				c.wantAll(n)
				resumed += n.resumed
				if s := n.core.Status(); s.CertifiedHeight+2 < s.Height || s.Height < 6 {
					t.Errorf("node %d: %+v", n.index, s)
				}
			}
			if resumed < 2 || len(digests) < 8 {
				t.Errorf("%d restarts from a cut, %d cuts", resumed, len(digests))
			}
		})
	}
}

// TestEpochsAndCuts: what the last header counts survives restarts from cuts, also one that waits for it; the next epoch is
// cut like the first.
func TestEpochsAndCuts(t *testing.T) {
	committee := testCommittee(t, equalStakes(4)...)
	for seed := range uint64(4) {
		c := epochCluster(t, 600+seed, committee, committee.Members())
		c.configure = func(_ *testNode, cfg *Config) { cfg.Windows.Cuts = 6 }
		c.startAll()
		c.load(0, 300, 10*time.Millisecond)
		c.crashes(int(seed))
		c.run(time.Duration(1200+30*seed) * time.Millisecond) // some before the last block is closed, some after
		for _, n := range c.nodes {
			n.crash()
		}
		c.startAll()
		c.run(4 * time.Second)
		c.check()
		last := c.nodes[0].lastHeader()
		c.checkRewards(last)
		for _, n := range c.nodes {
			if got := n.lastHeader(); got.Digest() != last.Digest() {
				t.Errorf("seed %d: node %d has another last header", seed, n.index)
			}
		}
		next := c.nextEpoch(t, last)
		next.load(1000, 60, 10*time.Millisecond)
		next.run(700 * time.Millisecond)
		for _, n := range next.nodes {
			n.crash()
		}
		next.startAll()
		next.checkEverythingOrdered(c)
		if n := next.nodes[0]; n.cut == nil || n.cut.Round <= 6 {
			t.Errorf("seed %d: no cut in the new epoch", seed)
		}
	}
}
