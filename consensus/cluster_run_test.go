package consensus

import (
	"fmt"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// load sends count batches, one every gap.
func (c *cluster) load(first, count uint64, gap time.Duration) {
	for k := range count {
		c.after(time.Duration(k)*gap, func() { c.batch(first+k, int(c.rng.IntN(c.committee.Len()))) })
	}
}

func (c *cluster) startAll() {
	for _, n := range c.nodes {
		c.after(time.Duration(c.rng.IntN(20))*time.Millisecond, n.start)
	}
}

func forSizes(t *testing.T, test func(t *testing.T, n int)) {
	for _, n := range []int{4, 7} {
		t.Run(fmt.Sprintf("n=%d", n), func(t *testing.T) { test(t, n) })
	}
}

func (c *cluster) wantAll(n *testNode) {
	c.t.Helper()
	if left := n.missing(); len(left) > 0 {
		c.t.Fatalf("node %d has not released %d of %d batches; %+v; %+v", n.index, len(left), len(c.bodies), n.core.Status(), n.core.Counters())
	}
}

func TestClusterOrdersAndCertifies(t *testing.T) {
	forSizes(t, func(t *testing.T, n int) {
		c := newCluster(t, 1, testCommittee(t, equalStakes(n)...))
		c.startAll()
		c.load(0, 100, 20*time.Millisecond)
		c.run(4 * time.Second)
		c.check()
		c.inRange(c.nodes[0])
		for _, x := range c.nodes {
			c.wantAll(x)
			if got := len(x.certified); got < 4 {
				t.Errorf("node %d has %d certified headers", x.index, got)
			}
		}
		t.Logf("p50 %v p99 %v rounds %d blocks %d, %+v", c.latency(c.nodes[0], .5), c.latency(c.nodes[0], .99),
			c.nodes[0].roundsMade, len(c.nodes[0].certified), c.nodes[0].core.Counters())
	})
}

func TestClusterFSilent(t *testing.T) {
	forSizes(t, func(t *testing.T, n int) {
		c := newCluster(t, 2, testCommittee(t, equalStakes(n)...))
		c.startAll()
		c.load(0, 150, 20*time.Millisecond)
		c.run(time.Second)
		for i := range (n - 1) / 3 {
			c.nodes[1+i].crash()
		}
		c.run(4 * time.Second)
		c.check()
		c.wantAll(c.nodes[0])
		// A pause is a time without an appended vertex; the slowest batch bounds it.
		if worst := c.latency(c.nodes[0], 1); worst > time.Second {
			t.Errorf("with f silent a batch waited %v", worst)
		}
		t.Logf("p50 %v p100 %v, %+v", c.latency(c.nodes[0], .5), c.latency(c.nodes[0], 1), c.nodes[0].core.Counters())
	})
}

func TestClusterCrashAndReturn(t *testing.T) {
	forSizes(t, func(t *testing.T, n int) {
		for seed := range uint64(4) {
			c := newCluster(t, 10+seed, testCommittee(t, equalStakes(n)...))
			c.startAll()
			c.load(0, 300, 20*time.Millisecond)
			victim := c.nodes[int(seed)%n]
			c.run(time.Second)
			victim.crash()
			c.run(4 * time.Second)
			before := len(victim.log)
			victim.start()
			if victim.replayed != before {
				t.Fatal("the replay persisted anything")
			}
			victim.catchUp(c.nodes[(victim.index+1)%n])
			made := victim.roundsMade
			c.run(4 * time.Second)
			c.check()
			for _, x := range c.nodes {
				c.wantAll(x)
			}
			last := c.nodes[(victim.index+1)%n].core.Status()
			if victim.roundsMade-made < 20 || last.Newest[victim.member]+8 < last.AcceptedRound {
				t.Errorf("the node does not take part after its return: made %d, %+v", victim.roundsMade-made, last)
			}
			signed := false
			for _, ch := range c.nodes[(victim.index+1)%n].certified[len(c.nodes[0].certified)-3:] {
				signed = signed || ch.Certificate.Signers.Has(types.Member(victim.member))
			}
			if !signed && n == 4 {
				t.Logf("seed %d: its signature is in none of the last 3 certificates (others were faster)", seed)
			}
		}
	})
}

// TestClusterReturnByFetch lets a node that was away briefly come back with nothing but pushes and fetches.
func TestClusterReturnByFetch(t *testing.T) {
	forSizes(t, func(t *testing.T, n int) {
		c := newCluster(t, 20, testCommittee(t, equalStakes(n)...))
		c.startAll()
		c.load(0, 200, 20*time.Millisecond)
		c.run(time.Second)
		c.nodes[0].crash()
		c.run(time.Second)
		c.nodes[0].start()
		c.run(4 * time.Second)
		c.check()
		c.wantAll(c.nodes[0])
		if s := c.nodes[0].core.Status(); s.Missing > 0 || s.Suspended > 0 {
			t.Errorf("still missing something: %+v", s)
		}
	})
}

func TestClusterAllRestart(t *testing.T) {
	forSizes(t, func(t *testing.T, n int) {
		c := newCluster(t, 30, testCommittee(t, equalStakes(n)...))
		c.startAll()
		c.load(0, 50, 20*time.Millisecond)
		c.run(700 * time.Millisecond)
		for _, x := range c.nodes {
			x.crash()
		}
		c.run(2 * time.Second)
		for _, x := range c.nodes {
			before := fmt.Sprint(x.appended, x.released, x.closed)
			x.start()
			if after := fmt.Sprint(x.appended, x.released, x.closed); after != before {
				t.Fatalf("the replay of node %d gives another order", x.index)
			}
		}
		c.load(100, 20, 20*time.Millisecond)
		c.run(3 * time.Second)
		c.check()
		for k := range uint64(20) {
			id := c.batch(100+k, 0)
			if _, ok := c.nodes[0].at[id]; !ok {
				t.Fatalf("batch %d after the restart is not released: %+v", k, c.nodes[0].core.Status())
			}
		}
	})
}

// TestClusterTwins runs f keys twice: each copy talks to its half of the committee.
func TestClusterTwins(t *testing.T) {
	forSizes(t, func(t *testing.T, n int) {
		for seed := range uint64(6) {
			f := (n - 1) / 3
			var keys []int
			for i := range f {
				keys = append(keys, (int(seed)+3*i)%n)
			}
			c := newCluster(t, 40+seed, testCommittee(t, equalStakes(n)...), keys...)
			c.drop = func(from, to int, _ *types.Vertex) bool {
				if !c.nodes[from].hidden {
					return false
				}
				return (to%2 == 0) == (from < n)
			}
			c.startAll()
			c.load(0, 100, 20*time.Millisecond)
			c.run(8 * time.Second)
			c.check()
			for _, x := range c.nodes[:n] {
				if x.hidden {
					continue
				}
				c.wantAll(x)
				if x.twinsSeen == 0 {
					t.Errorf("seed %d: node %d saw no equivocation", seed, x.index)
				}
			}
		}
	})
}

// TestClusterHalfPublished lets f authors show every vertex to f honest members only.
func TestClusterHalfPublished(t *testing.T) {
	forSizes(t, func(t *testing.T, n int) {
		f := (n - 1) / 3
		c := newCluster(t, 50, testCommittee(t, equalStakes(n)...))
		c.drop = func(from, to int, _ *types.Vertex) bool { return from < f && to >= 2*f }
		for i := range f {
			c.nodes[i].hidden = true
		}
		c.startAll()
		c.load(0, 150, 20*time.Millisecond)
		c.run(6 * time.Second)
		c.check()
		c.wantAll(c.nodes[n-1])
		t.Logf("p50 %v p99 %v %+v", c.latency(c.nodes[n-1], .5), c.latency(c.nodes[n-1], .99), c.nodes[n-1].core.Counters())
		if p99 := c.latency(c.nodes[n-1], .99); p99 > 1500*time.Millisecond {
			t.Errorf("p99 is %v", p99)
		}
	})
}

// TestClusterSlowAuthor checks that a slow honest author is in the sequence by weak parents.
func TestClusterSlowAuthor(t *testing.T) {
	forSizes(t, func(t *testing.T, n int) {
		c := newCluster(t, 60, testCommittee(t, equalStakes(n)...))
		fast := c.delay
		c.delay = func(from, to int) time.Duration {
			if from == n-2 {
				return fast(from, to) + 120*time.Millisecond
			}
			return fast(from, to)
		}
		c.startAll()
		c.load(0, 150, 20*time.Millisecond)
		c.run(6 * time.Second)
		c.check()
		made, in := 0, 0
		for _, v := range c.nodes[n-2].log {
			if int(v.Author()) == n-2 {
				made++
			}
		}
		for _, a := range c.nodes[0].appended {
			if int(a.Vertex.Author) == n-2 {
				in++
			}
		}
		c.wantAll(c.nodes[0])
		t.Logf("%d of %d vertices sequenced, p50 %v p99 %v", in, made, c.latency(c.nodes[0], .5), c.latency(c.nodes[0], .99))
		if in*10 < made*8 {
			t.Errorf("only %d of %d vertices of the slow author are sequenced", in, made)
		}
	})
}

// TestClusterClocks runs with one clock 2 s behind, one 2 s ahead at n = 7, f silent, and a step back in mid-flight.
func TestClusterClocks(t *testing.T) {
	forSizes(t, func(t *testing.T, n int) {
		c := newCluster(t, 70, testCommittee(t, equalStakes(n)...))
		c.nodes[0].skew = -2 * time.Second
		if n == 7 {
			c.nodes[1].skew = 400 * time.Millisecond
		}
		c.startAll()
		c.nodes[n-1].hidden = true
		c.run(500 * time.Millisecond)
		c.nodes[n-1].crash()
		c.load(0, 100, 20*time.Millisecond)
		c.run(time.Second)
		c.nodes[2].skew = -time.Second
		c.run(4 * time.Second)
		c.check()
		c.wantAll(c.nodes[2])
		t.Logf("p50 %v p99 %v", c.latency(c.nodes[2], .5), c.latency(c.nodes[2], .99))
	})
}

// TestClusterIdlePace checks the heartbeat: about a round a second while there is nothing to order, full pace at once
// when there is.
func TestClusterIdlePace(t *testing.T) {
	forSizes(t, func(t *testing.T, n int) {
		c := newCluster(t, 80, testCommittee(t, equalStakes(n)...))
		c.startAll()
		c.run(30 * time.Second)
		idle := c.nodes[0].roundsMade
		if idle < 20 || idle > 45 {
			t.Errorf("%d rounds in 30 idle seconds", idle)
		}
		if blocks := len(c.nodes[0].certified); blocks < 1 || blocks > 3 {
			t.Errorf("%d certified blocks in 30 idle seconds, heartbeat is 10 s", blocks)
		}
		c.batch(1, 0)
		c.run(2500 * time.Millisecond)
		c.check()
		c.wantAll(c.nodes[0])
		if worst := c.latency(c.nodes[0], 1); worst > time.Second {
			t.Errorf("a batch after idling took %v", worst)
		}
		if s := c.nodes[0].core.Status(); s.Busy || s.CertifiedHeight != s.Height {
			t.Errorf("not idle again: %+v", s)
		}
		t.Logf("idle %d rounds, wake-up batch %v", idle, c.latency(c.nodes[0], 1))
	})
}

// TestClusterPrivateBody gives a body to one node only: the others learn it through its vertices.
func TestClusterPrivateBody(t *testing.T) {
	forSizes(t, func(t *testing.T, n int) {
		c := newCluster(t, 90, testCommittee(t, equalStakes(n)...))
		c.startAll()
		c.load(0, 50, 20*time.Millisecond)
		c.run(300 * time.Millisecond)
		var but []int
		for i := range n {
			if i > (n-1)/3 {
				but = append(but, i) // more than f hold it, so it opens
			}
		}
		private := c.batch(1000, 0, but...)
		c.run(4 * time.Second)
		c.check()
		if _, ok := c.nodes[n-1].at[private]; !ok {
			t.Errorf("the private batch is not released: %+v", c.nodes[n-1].core.Status())
		}
		c.wantAll(c.nodes[n-1])
	})
}

// TestClusterJunk lets f authors receipt batches that nobody else admits: they become void and hold nothing up.
func TestClusterJunk(t *testing.T) {
	c := newCluster(t, 95, testCommittee(t, equalStakes(4)...))
	c.startAll()
	c.run(200 * time.Millisecond)
	for k := range uint64(20) {
		c.junk[c.batch(5000+k, 0, 1, 2, 3)] = true
	}
	c.load(0, 400, 20*time.Millisecond)
	c.run(12 * time.Second)
	c.check()
	for _, r := range c.nodes[1].released {
		if c.junk[r.Batch] {
			t.Fatalf("junk %s was released", r.Batch)
		}
	}
	if left := c.nodes[1].missing(); len(left) != len(c.junk) {
		t.Errorf("%d batches not released, %d are junk", len(left), len(c.junk))
	}
	if k := c.nodes[1].core.Counters(); k.Voids < uint64(len(c.junk)) {
		t.Errorf("voids: %+v", k)
	}
}

// TestClusterLostLog lets a node come back with nothing but its key: it makes no vertex of a round it may have signed.
func TestClusterLostLog(t *testing.T) {
	forSizes(t, func(t *testing.T, n int) {
		for seed := range uint64(5) {
			c := newCluster(t, 150+seed, testCommittee(t, equalStakes(n)...))
			c.startAll()
			c.load(0, 250, 20*time.Millisecond)
			c.run(900 * time.Millisecond)
			victim := c.nodes[int(seed)%n]
			victim.crash()
			if seed%2 == 1 {
				c.run(500 * time.Millisecond)
			}
			victim.log, victim.held = nil, nil
			victim.byDigest, victim.holds = map[types.Hash]*types.Vertex{}, map[types.BatchID]bool{}
			for _, x := range c.nodes {
				if x != victim {
					victim.above = max(victim.above, x.core.Status().Round+1)
				}
			}
			victim.start()
			victim.catchUp(c.nodes[(victim.index+1)%n])
			made := victim.roundsMade
			c.run(5 * time.Second) // transmit fails the test on a second vertex of a round, in whatever life
			c.check()
			for _, x := range c.nodes {
				c.wantAll(x)
			}
			if victim.roundsMade < made+20 {
				t.Errorf("seed %d: it made only %d rounds afterwards", seed, victim.roundsMade-made)
			}
			if got := c.nodes[(victim.index+1)%n].core.Status().Equivocators; len(got) != 0 {
				t.Errorf("seed %d: equivocators %v", seed, got)
			}
		}
	})
}

// TestClusterPartition splits the committee so that no side has a quorum, then heals, several times.
func TestClusterPartition(t *testing.T) {
	forSizes(t, func(t *testing.T, n int) {
		c := newCluster(t, 140, testCommittee(t, equalStakes(n)...))
		split := -1
		c.cut = func(a, b int) bool { return split >= 0 && (a+split)%2 != (b+split)%2 }
		c.startAll()
		c.load(0, 250, 20*time.Millisecond)
		for i := range 3 {
			c.run(600 * time.Millisecond)
			split = i
			before := c.nodes[0].core.Status().Round
			c.run(1200 * time.Millisecond)
			if n == 4 && c.nodes[0].core.Status().Round > before+2 {
				t.Fatal("rounds without a quorum")
			}
			split = -1
		}
		c.run(4 * time.Second)
		c.check()
		for _, x := range c.nodes {
			c.wantAll(x)
		}
		t.Logf("p50 %v p99 %v %+v", c.latency(c.nodes[0], .5), c.latency(c.nodes[0], .99), c.nodes[0].core.Counters())
	})
}

// TestClusterAfterAnOutage stops everything for a day: the heartbeat blocks of that day close at once, are certified at
// full pace, and then transactions go through as before.
func TestClusterAfterAnOutage(t *testing.T) {
	c := newCluster(t, 110, testCommittee(t, equalStakes(4)...))
	c.startAll()
	c.run(time.Second)
	for _, x := range c.nodes {
		x.crash()
	}
	c.run(24 * time.Hour)
	for _, x := range c.nodes {
		x.start()
	}
	c.load(0, 20, 20*time.Millisecond)
	c.run(15 * time.Second)
	c.check()
	c.wantAll(c.nodes[0])
	s := c.nodes[0].core.Status()
	if s.Height < 8600 || s.CertifiedHeight < s.Height-1 || s.Busy {
		t.Errorf("after a day: %+v", s)
	}
	t.Logf("a batch waited %v", c.latency(c.nodes[0], 1))
}

// TestClusterLiarsChooseOnlyInsideTheHonestSpread gives f members clocks that are far behind or as far ahead as is
// taken, beside a slow honest one: fair times stay inside the honest receive times, and what all honest members heard
// before any heard the next comes first.
func TestClusterLiarsChooseOnlyInsideTheHonestSpread(t *testing.T) {
	for _, lie := range []time.Duration{-10 * time.Second, -300 * time.Millisecond, 495 * time.Millisecond} {
		t.Run(lie.String(), func(t *testing.T) {
			forSizes(t, func(t *testing.T, n int) {
				c := newCluster(t, 130, testCommittee(t, equalStakes(n)...))
				for i := range (n - 1) / 3 {
					c.nodes[i].skew, c.nodes[i].hidden = lie, true
				}
				fast := c.delay
				c.delay = func(from, to int) time.Duration {
					if from == n-2 {
						return fast(from, to) + 60*time.Millisecond
					}
					return fast(from, to)
				}
				c.startAll()
				c.run(100 * time.Millisecond)
				c.load(0, 100, 25*time.Millisecond)
				c.run(6 * time.Second)
				c.check()
				c.wantAll(c.nodes[n-1])
				c.inRange(c.nodes[n-1])
				c.linear(c.nodes[n-1])
				t.Logf("p50 %v p99 %v", c.latency(c.nodes[n-1], .5), c.latency(c.nodes[n-1], .99))
				if p99 := c.latency(c.nodes[n-1], .99); p99 > 1200*time.Millisecond {
					t.Errorf("p99 is %v", p99)
				}
			})
		})
	}
}
