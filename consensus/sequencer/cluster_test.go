package sequencer

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

func TestClusterOrdersAndCertifies(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(0, 50)
		order := c.await(50, 20*time.Second, 0, 1, 2, 3)
		if len(order) != 50 {
			t.Errorf("%d transactions, want each of 50 once", len(order))
		}
		for i, n := range c.nodes {
			if len(n.rows.list()) == 0 {
				t.Errorf("node %d published no rows", i)
			}
			st := n.sequencer().Stats()
			if own := uint64(n.sequencer().Status().Round); n.log.Syncs() > own+60 {
				t.Errorf("node %d: %d fsyncs for %d own vertices", i, n.log.Syncs(), own)
			}
			if st.Rejected+st.BadVertices+st.BadBodies+st.Equivocations > 0 {
				t.Errorf("node %d: %+v", i, st)
			}
		}
	})
}

// A batch that reaches one sequencer only is ordered all the same: the others learn and admit it through its vertex.
func TestClusterLearnsBatchesThroughVertices(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(0, 10, 2)
		c.await(10, 20*time.Second, 0, 1, 2, 3)
	})
}

func TestClusterKillAndRestart(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(0, 20)
		c.await(20, 20*time.Second, 0, 1, 2, 3)
		victim := c.nodes[1]
		before := victim.sequencer().Status().Round
		victim.kill()
		c.submit(20, 60)
		c.await(60, 30*time.Second, 0, 2, 3)
		time.Sleep(200 * time.Second) // rounds go on at heartbeat pace, beyond the horizon
		victim.start(nil)
		c.submit(60, 80)
		c.await(80, 60*time.Second, 0, 1, 2, 3)
		time.Sleep(5 * time.Second)
		status, stats := victim.sequencer().Status(), victim.sequencer().Stats()
		if status.Round <= before || status.Round+5 < c.nodes[0].sequencer().Status().Round {
			t.Errorf("after the restart the node is at round %d, the others at %d", status.Round, c.nodes[0].sequencer().Status().Round)
		}
		if stats.CaughtUp == 0 {
			t.Errorf("the node did not read the others' logs: %+v", stats)
		}
		headers := victim.sequencer().Status().CertifiedHeight
		if other := c.nodes[0].sequencer().Status().CertifiedHeight; headers+2 < other {
			t.Errorf("certified height %d, the others %d", headers, other)
		}
	})
}

// D1, D2: the power goes at random moments; what no fsync covers is gone. No member ever has two vertices of a round on
// the wire, and the node finds back.
func TestClusterPowerCuts(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		victim := c.nodes[2]
		var image *imagedLog
		imaged := func(cfg *Config) {
			image = &imagedLog{Log: cfg.Log, dir: victim.dir, copies: t.TempDir()}
			cfg.Log = image
		}
		for _, n := range c.nodes {
			if n == victim {
				n.start(imaged)
			} else {
				n.start(nil)
			}
		}
		for life := range 6 {
			c.submit(10*life, 10*life+10)
			time.Sleep(time.Duration(137*life) * time.Millisecond)
			victim.cutPower(image)
			victim.dir = image.restored(t)
			victim.start(imaged)
		}
		c.submit(60, 70)
		c.await(70, 60*time.Second, 0, 1, 2, 3)
	})
}

// D2: a node that lost its log asks the others, follows until it knows its place, and never repeats a round.
func TestD2ClusterLostLog(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(0, 20)
		c.await(20, 20*time.Second, 0, 1, 2, 3)
		victim := c.nodes[1]
		c.nodes[2].kill() // from here on rounds need the victim, and not enough others can answer
		time.Sleep(200 * time.Millisecond)
		for _, m := range []types.Member{0, 2, 3} {
			c.setCut(1, m, true) // its newest vertex reaches nobody
		}
		c.submit(100, 103)
		before := victim.sequencer().Status().Round
		victim.kill()
		victim.dir, victim.blocks = t.TempDir(), newMemoryBlocks(c.net.committee)
		for _, m := range []types.Member{0, 2, 3} {
			c.setCut(1, m, false)
		}
		lost := func(cfg *Config) { cfg.FirstStart = false }
		victim.start(lost)
		time.Sleep(20 * time.Second)
		if r := victim.sequencer().Status().Round; r != 0 {
			t.Errorf("made a vertex of round %d before a quorum of others answered", r)
		}
		if _, err := victim.sequencer().HandleFetch(context.Background(), &types.FetchRequest{Log: true}); !errors.Is(err, ErrRecovering) {
			t.Errorf("a recovering node shows its log: %v", err)
		}
		victim.kill() // a crash in mid-recovery does not end it
		victim.start(lost)
		c.nodes[2].start(nil)
		c.submit(20, 40)
		c.await(40, 60*time.Second, 0, 1, 2, 3)
		if r := victim.sequencer().Status().Round; r <= before {
			t.Errorf("at round %d, before the loss at %d", r, before)
		}
		bound := victim.log.Bound()
		if bound < before || bound == boundUnknown {
			t.Errorf("bound %d, last round before the loss %d", bound, before)
		}
		victim.kill()
		victim.start(lost)
		c.submit(40, 50)
		c.await(50, 60*time.Second, 0, 1, 2, 3)
	})
}

// All stop at once, with batches in the log that nobody's pool remembers.
func TestClusterRestartsAsAWhole(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(0, 30)
		time.Sleep(130 * time.Millisecond) // longer than a pause between bursts: all is in somebody's synced vertex
		for range 3 {
			for _, n := range c.nodes {
				n.kill()
			}
			for _, n := range c.nodes {
				n.start(nil)
			}
			time.Sleep(300 * time.Millisecond)
		}
		c.submit(30, 40)
		c.await(40, 60*time.Second, 0, 1, 2, 3)
	})
}

// Two of four stop: nothing is certified; when they are back, all goes on.
func TestClusterStallsAndHeals(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		c.submit(0, 5)
		c.await(5, 20*time.Second, 0, 1, 2, 3)
		for a := range types.Member(2) {
			for b := types.Member(2); b < 4; b++ {
				c.setCut(a, b, true)
			}
		}
		time.Sleep(time.Second)
		height := c.nodes[0].blocks.certified()
		c.submit(5, 10)
		time.Sleep(20 * time.Second)
		if now := c.nodes[0].blocks.certified(); now > height+1 {
			t.Errorf("certified %d blocks without a quorum", now-height)
		}
		for a := range types.Member(2) {
			for b := types.Member(2); b < 4; b++ {
				c.setCut(a, b, false)
			}
		}
		c.await(10, 60*time.Second, 0, 1, 2, 3)
	})
}

func TestClusterFollower(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes[:3] {
			n.start(nil)
		}
		c.submit(0, 10)
		c.await(10, 20*time.Second, 0, 1, 2)
		follower := c.nodes[3]
		follower.start(func(cfg *Config) { cfg.Core.Self, cfg.Key = -1, nil })
		c.submit(10, 20)
		c.await(20, 40*time.Second, 0, 1, 2, 3)
		if r := follower.sequencer().Status().Round; r != 0 {
			t.Errorf("a follower is at own round %d", r)
		}
	})
}

func TestClusterSizes(t *testing.T) {
	for _, n := range []int{1, 2, 7} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			inCluster(t, n, func(c *cluster) {
				var all []int
				for i, node := range c.nodes {
					node.start(nil)
					all = append(all, i)
				}
				c.submit(0, 10)
				c.await(10, 20*time.Second, all...)
			})
		})
	}
}

// Random crashes (power cuts), cuts between pairs and load; then a healed network must order everything.
func TestClusterChaos(t *testing.T) {
	seeds := int64(3)
	if s := os.Getenv("SEQUENCER_SEEDS"); s != "" {
		fmt.Sscan(s, &seeds)
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inCluster(t, 4, func(c *cluster) { c.chaos(rand.New(rand.NewSource(seed)), nil) })
		})
		if testing.Short() {
			continue
		}
		// The same with short logs and frequent cuts: who was away for a while goes on from others' state.
		t.Run(fmt.Sprintf("%d with cuts", seed), func(t *testing.T) {
			inCluster(t, 4, func(c *cluster) {
				c.segmentBytes = 16 << 10
				for _, n := range c.nodes {
					n.blocks.gap = true
				}
				c.chaos(rand.New(rand.NewSource(seed)), func(cfg *Config) {
					testCuts(cfg)
					cfg.JoinLag = 100
				})
			})
		})
	}
}

func (c *cluster) chaos(rng *rand.Rand, change func(*Config)) {
	images := make([]*imagedLog, len(c.nodes))
	up := func(i int) {
		c.nodes[i].start(func(cfg *Config) {
			images[i] = &imagedLog{Log: cfg.Log, dir: c.nodes[i].dir, copies: c.t.TempDir()}
			cfg.Log = images[i]
			if change != nil {
				change(cfg)
			}
		})
	}
	for i := range c.nodes {
		up(i)
	}
	down, sent := -1, 0
	for range 30 {
		switch i := rng.Intn(len(c.nodes)); {
		case down >= 0 && rng.Intn(2) == 0:
			up(down)
			down = -1
		case down < 0 && rng.Intn(3) == 0:
			c.nodes[i].cutPower(images[i])
			if images[i].last != "" {
				c.nodes[i].dir = images[i].restored(c.t)
			}
			down = i
		case rng.Intn(2) == 0:
			c.setCut(types.Member(i), types.Member((i+1)%len(c.nodes)), rng.Intn(2) == 0)
		}
		more := rng.Intn(5)
		c.submit(sent, sent+more)
		sent += more
		time.Sleep(time.Duration(rng.Intn(1500)) * time.Millisecond)
		if change != nil && down >= 0 && rng.Intn(4) == 0 {
			sent = c.run(sent, 6*time.Second, 50*time.Millisecond)
		}
	}
	if down >= 0 {
		up(down)
	}
	for i := range c.nodes {
		c.setCut(types.Member(i), types.Member((i+1)%len(c.nodes)), false)
	}
	c.submit(sent, sent+5)
	c.awaitLast(fmt.Sprintf("transaction %d", sent+4), 120*time.Second)
	for i, n := range c.nodes {
		st := n.sequencer().Stats()
		c.t.Logf("node %d in its last life: %d cuts, %d joins, %d caught up", i, st.Cuts, st.Joins, st.CaughtUp)
	}
}

// awaitLast waits until all nodes have certified a block with the transaction.
func (c *cluster) awaitLast(text string, limit time.Duration) {
	c.t.Helper()
	deadline := time.Now().Add(limit)
	for i := 0; i < len(c.nodes); {
		if slices.Contains(c.nodes[i].blocks.envelopes(), text) {
			i++
			continue
		}
		if time.Now().After(deadline) {
			for _, n := range c.nodes {
				c.t.Logf("node %d: %+v %+v", n.self, n.sequencer().Status(), n.sequencer().Stats())
			}
			c.t.Fatalf("node %d lacks %q after %s", i, text, limit)
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.checkAgreement(0, 1, 2, 3)
}
