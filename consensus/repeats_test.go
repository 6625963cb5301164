package consensus

import (
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// TestLimitOfRepeats: up to the window's last round a receipt of a released batch needs no body and says nothing; from the
// next round on it counts anew, and its vertex waits for the body.
func TestLimitOfRepeats(t *testing.T) {
	for _, lateBy := range []types.Round{0, 1} {
		d, released, last := released(t)
		d.core.fair.done.window = last[0].Round() + 2 - released - lateBy // its last round is the next one, or this one
		v := d.draw(0, last[0].Round()+1, last, receipt(1, last[0].Time()+1))
		d.give(v)
		if got, want := d.waits(v), lateBy == 1; got != want {
			t.Fatalf("%d above the window: the vertex waits: %v", lateBy, got)
		}
		if lateBy == 1 {
			d.step(BatchHeld{ID: types.BatchIDOf([]byte{1}), Txs: []TxInfo{{Hash: types.Hash{1}}}, Size: 1, From: -1})
			if d.waits(v) {
				t.Fatal("the body is here and the vertex still waits")
			}
		}
		row := []*types.Vertex{v}
		for a := 1; a < 4; a++ {
			row = append(row, d.draw(types.Member(a), v.Round(), last))
		}
		d.give(row[1:]...)
		for range 7 {
			row = d.round(row[0].Round()+1, row)
			d.give(row...)
		}
		if got := d.core.fair.live[types.BatchIDOf([]byte{1})] != nil; got != (lateBy == 1) {
			t.Errorf("%d above the window: the receipt counts: %v", lateBy, got)
		}
		if err := d.core.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// released has batch 1 listed by all in round 2 and released; it returns the slot's round and the last row of vertices.
func released(t *testing.T) (*drawer, types.Round, []*types.Vertex) {
	d := newDrawer(t, 4, -1)
	id := types.BatchIDOf([]byte{1})
	d.step(BatchHeld{ID: id, Txs: []TxInfo{{Hash: types.Hash{1}}}, Size: 1, From: -1})
	last := d.round(1, nil)
	d.give(last...)
	for r := types.Round(2); r < 12; r++ {
		var row []*types.Vertex
		for a := range 4 {
			if r == 2 {
				row = append(row, d.draw(types.Member(a), r, last, receipt(1, testStart+1500)))
			} else {
				row = append(row, d.draw(types.Member(a), r, last))
			}
		}
		d.give(row...)
		last = row
	}
	by, known := d.core.fair.done.by[id]
	if !known || by == waiting || d.core.batches[id] != nil {
		t.Fatalf("the batch is not released: %v", by)
	}
	return d, by, last
}

// TestRepeatsAreForgotten: what is forgotten could not be appended any more; a batch released again is kept anew.
func TestRepeatsAreForgotten(t *testing.T) {
	r := newRepeats(10)
	a, b := types.BatchIDOf([]byte("a")), types.BatchIDOf([]byte("b"))
	r.completed(a)
	r.completed(b)
	r.forget(1 << 20)
	if !r.ignores(a, 1<<20) {
		t.Error("a batch that is not released is forgotten")
	}
	r.released(a, 100)
	r.released(b, 101)
	for _, x := range []struct {
		round types.Round
		want  bool
	}{{109, true}, {110, false}} {
		if r.ignores(a, x.round) != x.want {
			t.Errorf("receipt of round %d ignored: %v", x.round, !x.want)
		}
	}
	r.forget(100 + 10 + Horizon - 1)
	if len(r.by) != 2 {
		t.Fatal("forgotten a round too early")
	}
	r.completed(a) // a new life
	r.forget(100 + 10 + Horizon)
	if !r.ignores(a, 1<<20) || len(r.release) != 1 {
		t.Error("the end of the first life ended the second")
	}
	r.released(a, 200)
	r.forget(101 + 10 + Horizon)
	if len(r.by) != 1 || len(r.release) != 1 || !r.ignores(a, 209) {
		t.Errorf("%d remembered", len(r.by))
	}
}

func TestLimitOfSeen(t *testing.T) {
	s := newSeen(3)
	for i := range byte(7) {
		s.add(types.Hash{i})
	}
	for i := range byte(7) { // 0..2 | 3..5 | 6
		if got := s.has(types.Hash{i}); got != (i >= 3) {
			t.Errorf("transaction %d of 7 remembered: %v", i, got)
		}
	}
}

// TestClusterShortWindows: batches that come again after they are forgotten, crashes and replays among them. All order
// the same, and what is remembered is recent.
func TestClusterShortWindows(t *testing.T) {
	seeds := uint64(6)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		c := newCluster(t, 300+seed, testCommittee(t, equalStakes(4)...))
		c.configure = func(_ *testNode, cfg *Config) {
			cfg.Windows = Windows{Repeats: 3 + types.Round(seed), Transactions: 10}
		}
		c.startAll()
		c.load(0, 200, 20*time.Millisecond)
		c.after(500*time.Millisecond, func() { c.repeat(200, 20*time.Millisecond) })
		c.crashes(int(seed) % 4)
		c.run(12 * time.Second)
		c.check()
		again := 0
		for _, n := range c.nodes {
			c.wantAll(n)
			again += len(n.released) - len(n.at)
			done, seen := &n.core.fair.done, &n.core.blocks.seen
			if oldest := done.release[0].by; oldest+done.window+Horizon+2 < n.core.dag.current || len(seen.current.in) > 10 {
				t.Errorf("node %d in round %d remembers what was released in %d, %d transactions", n.index, n.core.dag.current,
					oldest, len(seen.current.in))
			}
		}
		if again < 20 {
			t.Errorf("seed %d: %d batches were released again", seed, again)
		}
	}
}

// repeat gossips batches of the past again, and every pool admits them.
func (c *cluster) repeat(count int, gap time.Duration) {
	if count == 0 {
		return
	}
	n := c.nodes[c.rng.IntN(len(c.nodes))]
	if n.alive && len(n.released) > 0 {
		id := n.released[c.rng.IntN(len(n.released))].Batch
		for _, x := range c.nodes {
			c.after(c.delay(n.index, x.index), func() { x.hold(id, -1, true) })
		}
	}
	c.after(gap, func() { c.repeat(count-1, gap) })
}
