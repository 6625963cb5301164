package consensus

import (
	"runtime"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// TestLimitOfFetchShare: in one step a member pays for 256 items, and nobody else's wait for it; a request holds 256.
func TestLimitOfFetchShare(t *testing.T) {
	d := newDrawer(t, 4, -1)
	for k := range uint64(3) {
		d.give(d.draw(3, types.Round(2+k), nil, ghosts(k), unheld(k, 1000)))
	}
	d.give(d.draw(2, 2, nil, ghosts(9), unheld(9, 1)))
	d.now = d.now.Add(time.Second)
	fx := d.step(Tick{})
	items, honest, h := 0, false, hashOf(9, 0)
	for _, f := range fx.Fetch {
		if n := len(f.Batches) + len(f.Vertices); n > 256 {
			t.Errorf("a request for %d items", n)
		}
		items += len(f.Batches) + len(f.Vertices)
		for _, id := range f.Batches {
			honest = honest || id == types.BatchIDOf(h[:])
		}
	}
	if items != 256+4 || !honest {
		t.Errorf("%d items asked for, the honest one among them: %v", items, honest)
	}
}

// TestLimitOfRequests: a request to one member holds 256 items, whoever pays for them; the next one begins another.
func TestLimitOfRequests(t *testing.T) {
	d := newDrawer(t, 4, -1)
	d.give(d.draw(3, 2, nil, ghosts(1)))
	for held, want := range map[int]int{255: 1, 256: 2} {
		c, x := d.core, d.core.wants.list[0]
		c.fx.Fetch = []Fetch{{From: []types.Member{0}, Vertices: make([]types.Hash, held)}}
		x.tries, x.ask = 0, []types.Member{0}
		c.fetch(x, &fetchRound{byTarget: map[types.Member]int{0: 0}, shares: make([]int, 4)})
		if len(c.fx.Fetch) != want {
			t.Errorf("one more than %d makes %d requests", held, len(c.fx.Fetch))
		}
		c.fx = Effects{}
	}
}

// TestTwinTree: two members sign trees of twins over each other's twins, as many as are asked for, over parents that nobody
// has. What waits stays within the rooms, and what is asked for within the credit of what came.
func TestTwinTree(t *testing.T) {
	d := newDrawer(t, 7, -1)
	var last []*types.Vertex
	for r := types.Round(1); r <= 70; r++ {
		last = d.round(r, last)
		d.give(last...)
	}
	before, made, bytes, asked := heapBytes(), uint64(0), 0, 0
	known := make(map[types.Hash]VertexReceived)
	grow := func(author types.Member, r types.Round) {
		made++
		v := d.draw(author, r, nil, func(_ *types.VertexID, b *types.VertexBody) {
			for m := range types.Member(7) {
				if m != 4 && m != 3 { // the ghosts of 0 to 2, and of the twins 5 and 6
					b.Parents.Set(m)
					b.ParentDigests = append(b.ParentDigests, hashOf(made, uint64(m)))
				}
			}
		})
		known[v.Digest()] = VertexReceived{Vertex: v, From: author}
		bytes += sizeOf(v)
		d.step(VertexReceived{Vertex: v, From: author, Asked: r < 70})
	}
	grow(5, 71)
	grow(6, 71)
	for r := types.Round(70); r > 10; r-- {
		for range 200 {
			grow(types.Member(5+made%2), r)
		}
		d.now = d.now.Add(50 * time.Millisecond)
		for _, f := range d.step(Tick{}).Fetch {
			asked += itemBytes * (len(f.Vertices) + len(f.Batches))
		}
	}
	if n := len(d.core.suspended); n > 2*(maxAsked+maxWaiting) {
		t.Errorf("%d vertices wait", n)
	}
	if grown := heapBytes() - before; grown > 64<<20 {
		t.Errorf("%d MiB for %d vertices that wait of %d", grown>>20, len(d.core.suspended), made)
	}
	if asked > 3*bytes {
		t.Errorf("%d bytes in, %d out", bytes, asked)
	}
	w := &d.core.wants
	d.now = max(w.due, w.rest)
	d.step(Tick{})
	w.due = 0
	if d.now += types.Time(len(w.list)/4 - 1); len(d.step(Tick{}).Fetch) != 0 || w.due != 0 {
		t.Error("the list is looked through again at once")
	}
	if d.now++; len(w.list) < 1000 || d.step(Tick{}).Wake == 0 || w.due == 0 {
		t.Errorf("a list of %d is not looked through", len(w.list))
	}
	t.Logf("%d of %d wait, %d bytes in, %d out, heap %d KiB", len(d.core.suspended), made, bytes, asked, (heapBytes()-before)>>10)
	runtime.KeepAlive(known)
}

// TestLimitsOfCredit: an item is asked for once in any case, and again while whoever pushed what needs it has credit.
func TestLimitsOfCredit(t *testing.T) {
	for credit, again := range map[int]bool{1: true, 0: false} {
		d := newDrawer(t, 4, -1)
		v := d.draw(3, 2, nil, ghosts(1))
		a := &d.core.authors[3]
		if d.give(v); a.credit != 2*sizeOf(v) {
			t.Errorf("a vertex of %d bytes brings %d", sizeOf(v), a.credit)
		}
		a.credit = 0
		d.now = d.now.Add(30 * time.Millisecond)
		d.core.wants.paidAt = d.now
		if fx := d.step(Tick{}); len(fx.Fetch) == 0 || a.credit != -3*40 {
			t.Fatalf("%d requests the first time, credit %d", len(fx.Fetch), a.credit)
		}
		d.now = d.now.Add(300 * time.Millisecond)
		d.core.wants.paidAt, a.credit = d.now, credit
		if fx := d.step(Tick{}); (len(fx.Fetch) > 0) != again {
			t.Errorf("with a credit of %d: %d requests", credit, len(fx.Fetch))
		}
		d.now = d.now.Add(time.Second)
		if d.step(Tick{}); !again && a.credit != 4096-3*40 {
			t.Errorf("credit %d a second later", a.credit)
		}
		a.earn(1 << 30)
		if a.credit != 1<<20 {
			t.Errorf("%d are saved up", a.credit)
		}
	}
}

// TestLimitOfBackoff: the time until an item is asked for again doubles four times.
func TestLimitOfBackoff(t *testing.T) {
	d := newDrawer(t, 4, -1)
	d.give(d.draw(3, 2, nil, ghosts(1)))
	d.now = d.now.Add(time.Second)
	for try := range 7 {
		if fx := d.step(Tick{}); len(fx.Fetch) == 0 {
			t.Fatalf("try %d asks nobody", try)
		}
		wait := 300 * time.Millisecond << min(try, 4)
		d.now = d.now.Add(wait - time.Microsecond)
		if fx := d.step(Tick{}); len(fx.Fetch) != 0 {
			t.Fatalf("try %d comes before %s", try+1, wait)
		}
		d.now = d.now.Add(time.Microsecond)
	}
}
