package sequencer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// testCuts makes cuts and pruning frequent: a cut every 32 rounds, batches remembered for 80.
func testCuts(cfg *Config) {
	cfg.Core.Windows = consensus.Windows{Cuts: 32, Repeats: 80}
	cfg.KeepLog = time.Second
	cfg.JoinLag = 400
}

// startAll starts the nodes with frequent cuts.
func (c *cluster) startAll(nodes ...int) {
	for _, i := range nodes {
		c.nodes[i].start(testCuts)
	}
}

// run submits a transaction every so often for a while and returns the number of the next one.
func (c *cluster) run(from int, span, every time.Duration) (next int) {
	for end := time.Now().Add(span); time.Now().Before(end); from++ {
		c.submit(from, from+1)
		time.Sleep(every)
	}
	return from
}

// A restart goes on from the newest cut with the end of the log: not all comes again, and what was ordered stays as it was.
func TestClusterRestartsFromACut(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		c.startAll(0, 1, 2, 3)
		next := c.run(0, 20*time.Second, 100*time.Millisecond)
		c.await(next, 20*time.Second, 0, 1, 2, 3)
		victim := c.nodes[1]
		if victim.sequencer().Stats().Cuts < 3 {
			t.Fatalf("cuts were not saved: %+v", victim.sequencer().Stats())
		}
		before := victim.sequencer().Status()
		victim.kill()
		victim.start(testCuts)
		time.Sleep(300 * time.Millisecond)
		if again := victim.sequencer().Stats().Appended; again == 0 || again > before.Sequenced/2 {
			t.Errorf("%d vertices of the sequence came again, of %d", again, before.Sequenced)
		}
		next2 := c.run(next, 5*time.Second, 100*time.Millisecond)
		c.await(next2, 20*time.Second, 0, 1, 2, 3)
		if r := victim.sequencer().Status().Round; r <= before.Round {
			t.Errorf("own round %d, before the restart %d", r, before.Round)
		}
		if st := victim.sequencer().Stats(); st.Joins != 0 {
			t.Errorf("it took up others' state for no reason: %+v", st)
		}
	})
}

// All stop at once and go on from their own cuts: nobody waits for anybody's state.
func TestClusterRestartsAsAWholeFromCuts(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		c.startAll(0, 1, 2, 3)
		next := c.run(0, 15*time.Second, 100*time.Millisecond)
		for range 3 {
			for _, n := range c.nodes {
				n.kill()
			}
			c.startAll(0, 1, 2, 3)
			next = c.run(next, 3*time.Second, 100*time.Millisecond)
		}
		c.submit(next, next+1)
		c.awaitLast(fmt.Sprintf("transaction %d", next), 30*time.Second)
	})
}

// The log of a long life stays bounded. A node that was away for longer than the others keep their logs goes on from their state;
// the others' pace does not suffer, and what they serve is bounded.
func TestClusterFarBehindTakesUpOthersState(t *testing.T) {
	for name, lose := range map[string]bool{"log kept": false, "log lost": true} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, 4, func(c *cluster) {
				c.segmentBytes = 64 << 10
				c.startAll(0, 1, 2, 3)
				next := c.run(0, 10*time.Second, 200*time.Millisecond)
				victim := c.nodes[1]
				before := victim.sequencer().Status()
				victim.kill()
				victim.blocks.gap = true
				next = c.run(next, 28*time.Second, 200*time.Millisecond) // more than 10 horizons
				others := c.nodes[0].sequencer().Status()
				if others.AcceptedRound < before.AcceptedRound+10*consensus.Horizon {
					t.Fatalf("the others went from round %d to %d only", before.AcceptedRound, others.AcceptedRound)
				}
				for _, i := range []int{0, 2, 3} {
					if log := c.nodes[i].log; log.First() == 0 {
						t.Fatalf("node %d dropped nothing of %d vertices in %d segments", i, log.Len(), len(log.Segments()))
					}
				}
				start := testCuts
				if lose {
					victim.dir = t.TempDir()
					start = func(cfg *Config) { testCuts(cfg); cfg.FirstStart = false }
				}
				pace := c.pace(5 * time.Second)
				victim.start(start)
				if during := c.pace(5 * time.Second); during < 0.9*pace {
					t.Errorf("the others made %.1f rounds a second, while it caught up %.1f", pace, during)
				}
				next = c.run(next, 10*time.Second, 200*time.Millisecond)
				c.submit(next, next+1, 1) // through the victim alone: its own vertices carry it
				c.awaitAt(fmt.Sprintf("transaction %d", next), 30*time.Second, 0, 2, 3)
				status, stats := victim.sequencer().Status(), victim.sequencer().Stats()
				if stats.Joins == 0 {
					t.Errorf("it took up nobody's state: %+v", stats)
				}
				if status.Round <= before.Round || status.Round+8 < c.nodes[0].sequencer().Status().Round {
					t.Errorf("own round %d, before %d, the others' %d", status.Round, before.Round, c.nodes[0].sequencer().Status().Round)
				}
				c.checkAgreement(0, 1, 2, 3)
				victim.kill()
				victim.start(testCuts) // from the cut that it took up, or a later one
				c.submit(next+1, next+2, 1)
				c.awaitAt(fmt.Sprintf("transaction %d", next+1), 30*time.Second, 0, 2, 3)
			})
		})
	}
}

// A node whose log lacks its beginning and whose cuts are gone too goes on from the others' state; meanwhile it makes nothing
// that it may have made before.
func TestClusterLostCuts(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		c.segmentBytes = 64 << 10
		c.startAll(0, 1, 2, 3)
		next := c.run(0, 14*time.Second, 100*time.Millisecond)
		victim := c.nodes[1]
		if victim.log.First() == 0 {
			t.Fatal("nothing was dropped")
		}
		before := victim.sequencer().Status().Round
		victim.kill()
		victim.blocks.gap = true
		cuts, err := filepath.Glob(filepath.Join(victim.dir, "*.cut"))
		if err != nil || len(cuts) != 2 {
			t.Fatalf("cuts %v, %v", cuts, err)
		}
		for i, name := range cuts { // one is damaged, one is gone
			if err := os.Truncate(name, 50); err != nil || i == 0 && os.Remove(name) != nil {
				t.Fatal(err)
			}
		}
		victim.start(testCuts)
		next = c.run(next, 5*time.Second, 100*time.Millisecond)
		c.submit(next, next+1, 1)
		c.awaitAt(fmt.Sprintf("transaction %d", next), 30*time.Second, 0, 1, 2, 3)
		if st := victim.sequencer(); st.Stats().Joins != 1 || st.Status().Round <= before {
			t.Errorf("own round %d, before %d: %+v", st.Status().Round, before, st.Stats())
		}
	})
}

// A damaged newest cut costs the way from the older one, nothing else.
func TestClusterDamagedCut(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		c.startAll(0, 1, 2, 3)
		next := c.run(0, 6*time.Second, 100*time.Millisecond)
		victim := c.nodes[1]
		victim.kill()
		cuts, err := filepath.Glob(filepath.Join(victim.dir, "*.cut"))
		if err != nil || len(cuts) != 2 {
			t.Fatalf("cuts %v, %v", cuts, err)
		}
		if err := os.Truncate(cuts[1], 1000); err != nil {
			t.Fatal(err)
		}
		victim.start(testCuts)
		next = c.run(next, 2*time.Second, 100*time.Millisecond)
		c.await(next, 20*time.Second, 0, 1, 2, 3)
		if st := victim.sequencer().Stats(); st.Joins != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// pace is how many rounds a second node 0 makes under load.
func (c *cluster) pace(span time.Duration) float64 {
	before := c.nodes[0].sequencer().Status().Round
	c.run(1_000_000+int(before), span, 200*time.Millisecond)
	return float64(c.nodes[0].sequencer().Status().Round-before) / span.Seconds()
}

// awaitAt waits until the nodes have certified a block with the transaction.
func (c *cluster) awaitAt(text string, limit time.Duration, nodes ...int) {
	c.t.Helper()
	deadline := time.Now().Add(limit)
	for _, i := range nodes {
		for !contains(c.nodes[i].blocks.envelopes(), text) {
			if time.Now().After(deadline) {
				for k, n := range c.nodes {
					c.t.Logf("node %d: %+v %+v", k, n.sequencer().Status(), n.sequencer().Stats())
				}
				c.t.Fatalf("node %d has no %q after %s", i, text, limit)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

func contains(list []string, text string) bool {
	for _, x := range list {
		if x == text {
			return true
		}
	}
	return false
}

// Only what members with more than f stake name alike is taken, the newest of it, and only if it leads ahead.
func TestChooseCut(t *testing.T) {
	scripted(t, 4, nil, func(_ *network, s *Sequencer, _ *scriptedCore) error {
		name := func(r types.Round, digest byte) types.CutName {
			return types.CutName{Round: r, Digest: types.Hash{digest}, Size: 10, Position: uint64(r)}
		}
		for what, c := range map[string]struct {
			named map[types.Member][]types.CutName
			want  types.Round
		}{
			"nobody answers":          {nil, 0},
			"one member":              {map[types.Member][]types.CutName{1: {name(1024, 1)}}, 0},
			"one member twice":        {map[types.Member][]types.CutName{1: {name(1024, 1), name(1024, 1)}}, 0},
			"two members":             {map[types.Member][]types.CutName{1: {name(1024, 1)}, 2: {name(1024, 1)}}, 1024},
			"two members differ":      {map[types.Member][]types.CutName{1: {name(1024, 1)}, 2: {name(1024, 2)}}, 0},
			"newest and older":        {map[types.Member][]types.CutName{1: {name(2048, 1), name(1024, 1)}, 2: {name(1024, 1)}}, 1024},
			"newest of both":          {map[types.Member][]types.CutName{1: {name(2048, 1), name(1024, 1)}, 2: {name(2048, 1), name(1024, 1)}}, 2048},
			"behind":                  {map[types.Member][]types.CutName{1: {name(100, 1)}, 2: {name(100, 1)}}, 0},
			"one ahead of the border": {map[types.Member][]types.CutName{1: {name(101, 1)}, 2: {name(101, 1)}}, 101},
		} {
			best, err := s.chooseCut(c.named, 100)
			if best.name.Round != c.want || (err == nil) != (c.want > 0) {
				t.Errorf("%s: round %d, %v, want %d", what, best.name.Round, err, c.want)
			}
		}
		return nil
	})
}

// Back-pressure: with 64 certified blocks that the own execution lacks no sequencer lists receipts any more; with one less
// it does; once they are executed all that waited is ordered.
func TestClusterExecutionHoldsUpReceipts(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(func(cfg *Config) {
				cfg.Blocks = n.blocks // certified blocks are not executed
				cfg.Core.Pacing.MinRound = 120 * time.Millisecond
			})
		}
		next, most := 0, types.Height(0)
		for range 90 {
			c.submit(next, next+1)
			next++
			time.Sleep(490 * time.Millisecond)
			for _, n := range c.nodes {
				status := n.sequencer().Status()
				if congested := status.CertifiedHeight >= 64; status.Congested != congested {
					t.Fatalf("height %d: congested %v", status.CertifiedHeight, status.Congested)
				}
				most = max(most, status.CertifiedHeight)
			}
		}
		time.Sleep(5 * time.Second)
		ordered := len(c.nodes[0].blocks.envelopes())
		if most < 64 || ordered < 50 || ordered > 70 {
			t.Errorf("%d transactions were ordered up to height %d without execution", ordered, most)
		}
		for _, n := range c.nodes {
			n.sequencer().Executed(n.blocks.certified())
		}
		c.await(next, 30*time.Second, 0, 1, 2, 3)
	})
}

// counting counts what a node's requests bring, and how many are under way at once.
type counting struct {
	Streams

	mu          sync.Mutex
	asked, got  int // requests, bytes of answers
	now, atOnce int
}

func (s *counting) Fetch(ctx context.Context, from types.Member, r *types.FetchRequest) (*types.FetchResponse, error) {
	s.mu.Lock()
	s.asked++
	s.now++
	s.atOnce = max(s.atOnce, s.now)
	s.mu.Unlock()
	answer, err := s.Streams.Fetch(ctx, from, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	if err == nil {
		s.got += len(answer.Encode())
	}
	return answer, err
}

// Catching up costs the others at most three times what was missed, and only so many requests at once.
func TestClusterCatchUpIsBounded(t *testing.T) {
	inCluster(t, 4, func(c *cluster) {
		for _, n := range c.nodes {
			n.start(nil)
		}
		next := c.run(0, 5*time.Second, 50*time.Millisecond)
		victim := c.nodes[1]
		c.await(next, 20*time.Second, 0, 1, 2, 3)
		victim.kill()
		size := func() (n int64) {
			for _, s := range c.nodes[0].log.Segments() {
				n += s.Bytes
			}
			return n
		}
		before := size()
		round := c.nodes[0].sequencer().Status().Round
		next = c.run(next, 13*time.Second, 50*time.Millisecond)
		if away := c.nodes[0].sequencer().Status().Round - round; away < 5*consensus.Horizon {
			t.Fatalf("away for %d rounds only", away)
		}
		missed := size() - before
		var streams *counting
		victim.start(func(cfg *Config) {
			streams = &counting{Streams: cfg.Streams}
			cfg.Streams = streams
		})
		next = c.run(next, 10*time.Second, 50*time.Millisecond)
		c.await(next, 20*time.Second, 0, 1, 2, 3)
		streams.mu.Lock()
		defer streams.mu.Unlock()
		t.Logf("missed %d bytes, asked %d times, got %d, %d requests at once", missed, streams.asked, streams.got, streams.atOnce)
		if missed == 0 || int64(streams.got) > 3*missed {
			t.Errorf("%d bytes were fetched for %d that were missed", streams.got, missed)
		}
		if most := 1 + 3*2; streams.atOnce > most { // one for the log, FetchLimit for each other member
			t.Errorf("%d requests at once, at most %d", streams.atOnce, most)
		}
	})
}
