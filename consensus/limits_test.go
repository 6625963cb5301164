package consensus

import (
	"encoding/binary"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// ghosts names made-up parents of members 0 to 2, other ones for each seed: a vertex with them waits for ever.
func ghosts(seed uint64) change {
	return func(_ *types.VertexID, b *types.VertexBody) {
		b.Parents, b.ParentDigests = types.NewBitmap(4), nil
		for m := range types.Member(3) {
			b.Parents.Set(m)
			b.ParentDigests = append(b.ParentDigests, hashOf(seed, uint64(m)))
		}
	}
}

func hashOf(a, b uint64) (h types.Hash) {
	binary.BigEndian.PutUint64(h[:], a)
	binary.BigEndian.PutUint64(h[8:], b)
	return h
}

// unheld lists receipts of n batches that nobody has, other ones for each seed.
func unheld(seed uint64, n int) change {
	return func(id *types.VertexID, b *types.VertexBody) {
		for k := range n {
			h := hashOf(seed, uint64(k))
			b.Receipts = append(b.Receipts, types.Receipt{Batch: types.BatchIDOf(h[:]), Time: id.Time - types.Time(n-k)})
		}
	}
}

func (d *drawer) waits(v *types.Vertex) bool { return d.core.suspended[v.Digest()] != nil }

// TestLimitOfWaitingPushes: of one author 256 vertices wait; one more goes, and a lower one makes the highest go.
func TestLimitOfWaitingPushes(t *testing.T) {
	d := newDrawer(t, 4, -1)
	push := func(r types.Round) *types.Vertex {
		v := d.draw(3, r, nil, ghosts(uint64(r)))
		d.give(v)
		return v
	}
	low, highest := types.Round(3), new(types.Vertex)
	for r := low; r < low+maxWaiting; r++ {
		if highest = push(r); !d.waits(highest) {
			t.Fatalf("number %d does not wait", r-low+1)
		}
	}
	if v := push(low + maxWaiting); d.waits(v) || len(d.core.suspended) != 256 {
		t.Fatalf("%d wait", len(d.core.suspended))
	}
	if v := push(low - 1); !d.waits(v) || d.waits(highest) || len(d.core.suspended) != 256 {
		t.Fatal("a lower round did not make the highest go")
	}
	if v := d.draw(2, 9, nil, ghosts(9)); d.give(v).Persist != nil || !d.waits(v) {
		t.Fatal("another author pays for it")
	}
}

// TestLimitsOfRoom: each of the two rooms of an author takes what fits exactly, in number and in bytes, and no byte more.
func TestLimitsOfRoom(t *testing.T) {
	v := newDrawer(t, 4, -1).draw(3, 9, nil, ghosts(1), unheld(1, 5))
	size := sizeOf(v) + (3+5)*wantBytes
	for name, x := range map[string]struct {
		asked bool
		used  room
		fits  bool
	}{
		"last push":              {false, room{maxWaiting - 1, 0}, true},
		"push too many":          {false, room{maxWaiting, 0}, false},
		"last bytes of pushes":   {false, room{0, maxWaitingBytes - size}, true},
		"one byte too many":      {false, room{0, maxWaitingBytes - size + 1}, false},
		"last answer":            {true, room{maxAsked - 1, 0}, true},
		"answer too many":        {true, room{maxAsked, 0}, false},
		"last bytes of answers":  {true, room{0, maxAskedBytes - size}, true},
		"answers' byte too many": {true, room{0, maxAskedBytes - size + 1}, false},
	} {
		d := newDrawer(t, 4, -1)
		*d.core.authors[3].room(x.asked) = x.used
		d.step(VertexReceived{Vertex: v, From: 3, Asked: x.asked})
		if d.waits(v) != x.fits {
			t.Errorf("%s: waits %v", name, d.waits(v))
		}
		if after := *d.core.authors[3].room(x.asked); x.fits && (after.vertices != x.used.vertices+1 || after.bytes != x.used.bytes+size) {
			t.Errorf("%s: %+v after %+v", name, after, x.used)
		}
	}
}

// TestMemoryOfWaitingVertices: the bytes that are counted are about those that are used, also of vertices that list as many
// missing bodies as a vertex may.
func TestMemoryOfWaitingVertices(t *testing.T) {
	for _, missing := range []int{0, types.MaxReceipts} {
		d := newDrawer(t, 4, -1)
		before := heapBytes()
		for r := types.Round(2); r < 300; r++ {
			d.give(d.draw(3, r, nil, ghosts(uint64(r)), unheld(uint64(r), missing)))
		}
		if grown := heapBytes() - before; grown > 2*maxWaitingBytes {
			t.Errorf("%d vertices with %d missing bodies each take %d KiB", len(d.core.suspended), missing, grown>>10)
		} else {
			t.Logf("%d vertices with %d missing bodies each: %d KiB, counted %d", len(d.core.suspended), missing, grown>>10, d.core.authors[3].pushed.bytes>>10)
		}
		runtime.KeepAlive(d)
	}
}

func heapBytes() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestItemThatNeverComes: a liar lists one made-up body in every vertex for ever; what no longer waits for it is forgotten.
func TestItemThatNeverComes(t *testing.T) {
	d := newDrawer(t, 4, -1)
	var last []*types.Vertex
	for r := types.Round(1); r < 4*Horizon; r++ {
		next := d.round(r, last)
		d.give(next[:3]...)
		d.give(d.draw(3, r, last, unheld(7, 1)))
		last = next[:3]
		d.now = d.now.Add(time.Second)
		d.step(Tick{})
	}
	if n := len(d.core.wants.bodies); n != 1 {
		t.Fatalf("%d bodies wanted", n)
	}
	for _, x := range d.core.wants.bodies {
		if len(x.waiters) > Horizon+4 {
			t.Errorf("%d vertices are remembered as waiting, %d wait", len(x.waiters), len(d.core.suspended))
		}
	}
}

// TestBodyForgottenWhileItsVertexWaits: a body that no accepted vertex refers to is forgotten after a while; a vertex that
// still waited for a parent then waits for the body again, and is not accepted without it.
func TestBodyForgottenWhileItsVertexWaits(t *testing.T) {
	d := newDrawer(t, 4, -1)
	one := d.round(1, nil)
	d.give(one[:3]...)
	id := types.BatchIDOf([]byte{1})
	d.step(BatchHeld{ID: id, From: -1})
	v := d.draw(2, 2, one, receipt(1, testStart+1500))
	d.give(v)
	d.now = d.now.Add(looseAge)
	d.step(Tick{})
	if d.core.holds(id, 1) {
		t.Fatal("the body is still held")
	}
	fx := d.step(VertexReceived{Vertex: one[3], From: 3, Asked: true})
	if len(fx.Persist) != 1 || !d.waits(v) || len(fx.Fetch) != 1 || fx.Fetch[0].Batches[0] != id {
		t.Fatalf("persisted %d, fetches %+v", len(fx.Persist), fx.Fetch)
	}
	if fx := d.step(BatchHeld{ID: id, From: -1}); len(fx.Persist) != 1 || len(d.core.dag.byDigest[v.Digest()].batches) != 1 {
		t.Fatal("not accepted with its body")
	}
}

// TestLimitsOfRounds: what is absurdly far ahead is not kept, asked for or not.
func TestLimitsOfRounds(t *testing.T) {
	for _, x := range []struct {
		round types.Round
		asked bool
		waits bool
	}{
		{1000, false, true}, {1001, false, false}, {1001, true, true},
		{1 << 48, true, true}, {1<<48 + 1, true, false}, {math.MaxUint64, true, false},
	} {
		d := newDrawer(t, 4, -1)
		v := d.draw(3, x.round, nil, ghosts(1))
		d.step(VertexReceived{Vertex: v, From: 3, Asked: x.asked})
		if d.waits(v) != x.waits {
			t.Errorf("round %d, asked %v: waits %v", x.round, x.asked, d.waits(v))
		}
	}
}

// TestLimitOfDrift: a vertex half a second ahead is accepted, one a microsecond further is held back.
func TestLimitOfDrift(t *testing.T) {
	for ahead, accepted := range map[types.Time]bool{500_000: true, 500_001: false} {
		d := newDrawer(t, 4, -1)
		v := d.draw(0, 1, nil, at(d.now+ahead))
		if d.give(v); (d.core.dag.byDigest[v.Digest()] != nil) != accepted {
			t.Errorf("%d us ahead: accepted is not %v", ahead, accepted)
		}
	}
}

// TestLimitOfBodies: an author may bring 1 MiB of bodies at once and 1 MiB a second; the vertex that goes into debt passes.
func TestLimitOfBodies(t *testing.T) {
	d := newDrawer(t, 4, -1)
	d.give(d.round(1, nil)...)
	if got := d.core.tokens(3); got != 1<<20 {
		t.Fatalf("%d bytes at once", got)
	}
	a := &d.core.authors[3]
	a.tokens, a.tokensAt = 0, d.now
	d.now = d.now.Add(500 * time.Millisecond)
	d.step(Tick{})
	if got := d.core.tokens(3); got != 512<<10 {
		t.Fatalf("%d bytes after half a second", got)
	}
	d.now = d.now.Add(time.Hour)
	d.step(Tick{})
	if got := d.core.tokens(3); got != 1<<20 {
		t.Fatalf("%d bytes after an hour", got)
	}
	one := d.round(1, nil)
	for _, left := range []int64{1, 0} {
		a.tokens, a.tokensAt = left, d.now
		k := byte(left)
		d.step(BatchHeld{ID: types.BatchIDOf([]byte{k}), Size: 100, From: 3})
		v := d.draw(3, types.Round(3-left), one, receipt(k, testStart+1500))
		if left == 0 {
			v = d.draw(3, 2, one, marked(9), receipt(k, testStart+1500))
			d.core.proven[3] = false
			d.step(VertexReceived{Vertex: v, From: 3, Asked: true})
		} else {
			d.give(v)
		}
		if accepted := d.core.dag.byDigest[v.Digest()] != nil; accepted != (left > 0) {
			t.Errorf("with %d bytes left: accepted %v", left, accepted)
		}
	}
}

// TestLimitOfRefused: the digests of the last 4096 vertices that broke a rule are remembered.
func TestLimitOfRefused(t *testing.T) {
	s := newRefusedSet()
	for k := range uint64(4096) {
		s.add(hashOf(k, 0))
		s.add(hashOf(k, 0))
	}
	if !s.has(hashOf(0, 0)) || !s.has(hashOf(4095, 0)) {
		t.Fatal("forgotten too early")
	}
	s.add(hashOf(4096, 0))
	if s.has(hashOf(0, 0)) || !s.has(hashOf(1, 0)) || !s.has(hashOf(4096, 0)) || len(s.digests) != 4096 || len(s.ring) != 4096 {
		t.Fatalf("%d digests, %d places", len(s.digests), len(s.ring))
	}
}

// TestLimitOfPending: own receipts that wait are bounded in number and in what is remembered of their bodies.
func TestLimitOfPending(t *testing.T) {
	d := newDrawer(t, 4, 0)
	held := func(k uint64, txs int) bool {
		h := hashOf(k, 1)
		id := types.BatchIDOf(h[:])
		d.step(BatchHeld{ID: id, Txs: make([]TxInfo, txs), Time: d.now, Admitted: true, From: -1})
		return d.core.batches[id].queued
	}
	for k := range uint64(1 << 16) {
		if !held(k, 0) {
			t.Fatalf("number %d is not taken", k)
		}
	}
	if held(1<<16, 0) {
		t.Error("one more is taken")
	}
	d = newDrawer(t, 4, 0)
	d.core.pendingBytes = 64<<20 - 320 - 64
	if held(1, 2) || !held(2, 1) || held(3, 0) {
		t.Error("the bound in bytes is not 64 MiB")
	}
}

// TestLimitsOfLooseBodies: a body that no vertex refers to is forgotten after two minutes, or when too many came since.
func TestLimitsOfLooseBodies(t *testing.T) {
	d := newDrawer(t, 4, -1)
	hold := func(k byte) types.BatchID {
		id := types.BatchIDOf([]byte{k})
		d.step(BatchHeld{ID: id, Txs: make([]TxInfo, 3), From: 1})
		return id
	}
	first := hold(1)
	d.now = d.now.Add(2*time.Minute - time.Microsecond)
	if d.step(Tick{}); !d.core.holds(first, 1) {
		t.Error("forgotten too early")
	}
	d.now = d.now.Add(time.Microsecond)
	if d.step(Tick{}); d.core.holds(first, 1) || d.core.looseBytes != 0 {
		t.Error("not forgotten")
	}
	first = hold(2)
	d.core.looseBytes += 64<<20 - 2*(320+3*64)
	second := hold(3)
	if d.step(Tick{}); !d.core.holds(first, 1) || !d.core.holds(second, 1) {
		t.Fatal("forgotten within the bound")
	}
	third := hold(4)
	if d.step(Tick{}); d.core.holds(first, 1) || !d.core.holds(second, 1) || !d.core.holds(third, 1) {
		t.Error("beyond the bound not exactly the oldest is forgotten")
	}
}

// TestLimitOfBehind: nine rounds that an honest member has and this one lacks are far behind, eight are not.
func TestLimitOfBehind(t *testing.T) {
	for rounds, far := range map[types.Round]bool{8: false, 9: true} {
		d := newDrawer(t, 4, -1)
		d.give(d.draw(1, rounds, nil, ghosts(1)), d.draw(2, rounds+50, nil, ghosts(2)))
		if d.core.farBehind() != far {
			t.Errorf("%d rounds: far behind is not %v", rounds, far)
		}
	}
}
