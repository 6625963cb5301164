package sampling

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etherscale/bedrock/types"
)

// I7: what sampling receives stays within its bound over time, and under the bound the newest block still comes first.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		cost := int64(0)
		for range 60 {
			cost = int64(28*w.add(largeBlock, everything).block.Params().ShardSize() + 2081)
		}
		time.Sleep(time.Minute)
		cfg := w.config()
		cfg.Rate = 2 * cost // two blocks a second
		var order []types.Height
		cfg.Verdict = func(r Result) { order = append(order, r.Height) }
		client, _ := w.run(cfg)
		start := time.Now()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(order); n < 18 || n > 26 {
			t.Fatalf("%d blocks in 10 s, the bound is 20", n)
		}
		w.add(largeBlock, everything)
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if !slices.Contains(order[len(order)-4:], 61) {
			t.Fatalf("a new block waits behind old ones: %v", order)
		}
		for client.Safe() < 61 && time.Since(start) < time.Minute {
			time.Sleep(time.Second)
		}
		if took := time.Since(start); client.Safe() != 61 || took < 25*time.Second {
			t.Fatalf("61 blocks after %v, safe %d", took, client.Safe())
		}
	})
}

// A rate below one block still lets every block through, one after the other.
func TestRateBelowOneBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.add(largeBlock, everything)
		w.add(largeBlock, everything)
		cfg := w.config()
		cfg.Rate = 1000
		client, _ := w.run(cfg)
		w.want(client, 2, 2*time.Second, Available)
		if _, looked := client.Sampling(1); looked {
			t.Fatal("the older block was not held back")
		}
		w.want(client, 1, 2*time.Minute, Available)
	})
}

// Receipts and states are given up with the retention time, receipts beyond their number before; drawn rows above Safe never.
func TestPrune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, receipts := newWorld(t), newWorld(t)
		for h := 1; h <= 8; h++ {
			p := w.add(largeBlock, everything)
			if h == 3 {
				p.serves = onlyFirst(5)
			}
		}
		cfg := w.config()
		cfg.Receipts, cfg.MaxReceipts, cfg.Retention = receipts, 6, 10*time.Minute
		client, _ := w.run(cfg)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		kept := func(s *world) (out []types.Height) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for h := range s.store {
				if h > 0 {
					out = append(out, h)
				}
			}
			slices.Sort(out)
			return out
		}
		if got := kept(receipts); !slices.Equal(got, []types.Height{3, 4, 5, 6, 7, 8}) {
			t.Fatalf("receipts of %v", got)
		}
		if got := kept(w); len(got) != 8 {
			t.Fatalf("states of %v", got)
		}
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		if got := kept(receipts); len(got) != 0 {
			t.Fatalf("receipts of %v after the retention time", got)
		}
		// Safe is 2: what lies above, the block that is not available among it, is remembered.
		if got := kept(w); client.Safe() != 2 || !slices.Equal(got, []types.Height{3, 4, 5, 6, 7, 8}) {
			t.Fatalf("safe %d, states of %v", client.Safe(), got)
		}
	})
}

// I1: stricter rules continue the draw of weaker ones, they do not begin anew; and weaker ones use the first rows.
func TestRulesChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.add(largeBlock, onlyFirst(0))
		cfg := w.config()
		client, stop := w.run(cfg)
		before := w.want(client, 1, 20*time.Second, Unavailable).Indices
		stop()
		cfg.Rules = Strict
		client, stop = w.run(cfg)
		after := w.want(client, 1, time.Minute, Unavailable).Indices
		if len(before) != 44 || len(after) != 92 || !slices.Equal(after[:44], before) {
			t.Fatalf("%v, then %v", before, after)
		}
		slices.Sort(after)
		if len(slices.Compact(after)) != 92 {
			t.Fatal("a row was drawn twice")
		}
		stop()
		w.mu.Lock()
		p.serves = everything
		w.mu.Unlock()
		cfg.Rules, cfg.Chance = Default, bytes.NewReader(nil)
		client, _ = w.run(cfg)
		if r := w.want(client, 1, time.Minute, Available); r.MissLog2 != Default.MissLog2(shape(t, 128), 0) {
			t.Fatalf("%+v", r)
		}
	})
}

// The rows of the second rule are asked for as soon as nothing comes, not when it is sure that nothing will.
func TestEscalatesEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.add(largeBlock, func(n int, _ uint32) bool { return n >= 7 })
		client, _ := w.run(w.config())
		if r := w.want(client, 1, 2*time.Second, Available); r.Asked != 44 || r.Elapsed > time.Second {
			t.Fatalf("%+v: the first rows take 3 s to be given up", r)
		}
	})
}
