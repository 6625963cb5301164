package consensus

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// TestLimitsOfWait: after eight rounds without a decision everybody is waited for, and the wait doubles every three rounds,
// six times.
func TestLimitsOfWait(t *testing.T) {
	d := newDrawer(t, 4, -1)
	c := d.core
	c.dag.ensure(60)
	for a := range c.authors {
		c.authors[a].punctual = 0
	}
	base := c.pacing.Wait
	for r, want := range map[types.Round]time.Duration{
		7: 0, 8: base, 10: base, 11: 2 * base, 13: 2 * base, 14: 4 * base, 25: 32 * base, 26: 64 * base, 59: 64 * base,
	} {
		got, waiting := c.wait(r)
		if !waiting {
			got = 0
		}
		if got != want {
			t.Errorf("%d rounds without a decision: wait %s, want %s", r, got, want)
		}
	}
	for a := range c.authors {
		c.authors[a].lag = 1 << 40
	}
	if got, _ := c.wait(8); got != c.pacing.MaxWait {
		t.Errorf("the wait adapts to %s", got)
	}
}

// TestLimitOfSleep: a vertex dated to the end of time wakes nobody before an hour, and not later.
func TestLimitOfSleep(t *testing.T) {
	for ahead, want := range map[types.Time]types.Time{3600_500_000: 3600_000_000, 3600_499_999: 3599_999_999, 1 << 63: 3600_000_000} {
		d := newDrawer(t, 4, -1)
		d.give(d.draw(0, 1, nil, at(d.now+ahead)))
		if fx := d.step(Tick{}); fx.Wake != d.now+want {
			t.Errorf("dated %d us ahead: woken in %d us", ahead, fx.Wake-d.now)
		}
	}
	d := newDrawer(t, 4, -1)
	d.give(d.draw(0, 1, nil, at(math.MaxUint64)))
	if fx := d.step(Tick{}); fx.Wake != d.now.Add(time.Hour) {
		t.Errorf("woken at %d", fx.Wake)
	}
}

// TestLimitOfPunctuality: an author is expected if it was on time in one of the last four own rounds.
func TestLimitOfPunctuality(t *testing.T) {
	for missed, expected := range map[int]bool{3: true, 4: false} {
		d := newDrawer(t, 4, -1)
		d.give(d.round(1, nil)...)
		d.core.notePunctual(1)
		d.core.dag.ensure(2)
		for range missed {
			d.core.notePunctual(2)
		}
		if _, waiting := d.core.wait(2); waiting != expected {
			t.Errorf("%d rounds missed: waited for %v", missed, waiting)
		}
	}
}

// TestLimitsOfCongestion: own receipts stop when 64 MiB are released and in no block, 64 blocks lack a certificate, or 64
// certified ones are not executed.
func TestLimitsOfCongestion(t *testing.T) {
	for name, x := range map[string]struct {
		bytes                  uint64
		closed, done, executed types.Height
		congested              bool
	}{
		"bytes":             {64 << 20, 0, 0, 0, false},
		"a byte more":       {64<<20 + 1, 0, 0, 0, true},
		"63 uncertified":    {0, 163, 100, 100, false},
		"64 uncertified":    {0, 164, 100, 100, true},
		"63 not executed":   {0, 163, 163, 100, false},
		"64 not executed":   {0, 164, 164, 100, true},
		"far ahead of that": {0, 164, 164, 1000, false},
	} {
		d := newDrawer(t, 4, 0)
		d.step(BatchHeld{ID: types.BatchIDOf([]byte{1}), Admitted: true, Time: d.now, From: -1})
		c := d.core
		c.blocks.bytes, c.certs.closed, c.certs.done, c.executed = x.bytes, x.closed, x.done, x.executed
		receipts, _ := c.nextReceipts(0)
		if c.Status().Congested != x.congested || (len(receipts) == 0) != x.congested {
			t.Errorf("%s: congested %v, %d receipts", name, c.Status().Congested, len(receipts))
		}
	}
}

// TestLimitsOfABlock: a block takes what fits its bytes and gas exactly; a transaction that fits no block is dropped.
func TestLimitsOfABlock(t *testing.T) {
	const gas, size = 100, 1000
	full := size - types.BlockDataSize(1, 0)
	for name, x := range map[string]struct {
		txs    []TxInfo
		queued int
		taken  int
	}{
		"a full one":        {[]TxInfo{{Hash: types.Hash{1}, Gas: gas, Size: full}}, 1, 1},
		"a byte too many":   {[]TxInfo{{Hash: types.Hash{1}, Size: full + 1}}, 0, 0},
		"gas too much":      {[]TxInfo{{Hash: types.Hash{1}, Gas: gas + 1}}, 0, 0},
		"gas of two":        {[]TxInfo{{Hash: types.Hash{1}, Gas: gas - 1}, {Hash: types.Hash{2}, Gas: 1}}, 2, 2},
		"gas for one":       {[]TxInfo{{Hash: types.Hash{1}, Gas: gas}, {Hash: types.Hash{2}, Gas: 1}}, 2, 1},
		"bytes of two":      {[]TxInfo{{Hash: types.Hash{1}, Size: size - types.BlockDataSize(2, 0) - 1}, {Hash: types.Hash{2}, Size: 1}}, 2, 2},
		"bytes for one":     {[]TxInfo{{Hash: types.Hash{1}, Size: size - types.BlockDataSize(2, 0)}, {Hash: types.Hash{2}, Size: 1}}, 2, 1},
		"one an interval":   {[]TxInfo{{Hash: types.Hash{1}, Gas: gas}, {Hash: types.Hash{1}, Gas: gas}}, 1, 1},
		"nothing to take":   {nil, 0, 0},
		"bytes, not lumped": {[]TxInfo{{Hash: types.Hash{1}, Size: 0}}, 1, 1},
	} {
		q := newBlockQueue(Rules{Interval: 10, Heartbeat: 100, BlockBytes: size, BlockGas: gas}, 5, 1)
		q.push(types.BatchIDOf(nil), x.txs, 6)
		if len(q.queue) != x.queued {
			t.Errorf("%s: %d queued", name, len(q.queue))
		}
		if _, taken, _ := q.close(10, false); len(taken) != x.taken {
			t.Errorf("%s: a block takes %d", name, len(taken))
		}
		if _, taken, closed := q.close(19, false); closed {
			t.Errorf("%s: a second block of the interval takes %d", name, len(taken))
		}
	}
}

// TestLimitOfEncoding: at most 16 blocks are being encoded.
func TestLimitOfEncoding(t *testing.T) {
	d := newDrawer(t, 4, -1)
	k := &d.core.certs
	for h := types.Height(1); h <= 40; h++ {
		k.closed, k.states[h] = h, &blockState{header: types.Header{Height: h}}
	}
	if fx := d.step(Tick{}); len(fx.Encode) != 16 || fx.Encode[15].Height != 16 {
		t.Fatalf("%d at once", len(fx.Encode))
	}
	if fx := d.step(Encoded{Height: 2}); len(fx.Encode) != 0 {
		t.Fatal("one more before the first is done")
	}
	if fx := d.step(Encoded{Height: 1}); len(fx.Encode) != 2 {
		t.Fatalf("%d after two are done", len(fx.Encode))
	}
}

// TestLimitsOfSignatures: others' signatures are kept for heights up to 1024 above the closed one, own ones down to 8 below
// the certified one; a vertex carries 64.
func TestLimitsOfSignatures(t *testing.T) {
	d := newDrawer(t, 4, -1)
	d.core.certs.closed, d.core.certs.asked, d.core.certs.done = 20, 20, 10
	d.give(d.draw(0, 1, nil, func(_ *types.VertexID, b *types.VertexBody) {
		for _, h := range []types.Height{10, 11, 20 + 1024, 20 + 1025} {
			b.HeaderSignatures = append(b.HeaderSignatures, types.HeaderSignature{Height: h})
		}
	}))
	if votes := d.core.certs.votes; len(votes) != 2 || votes[11] == nil || votes[1044] == nil {
		t.Errorf("signatures of %d heights are kept", len(votes))
	}
	k := &d.core.certs
	k.done = 100
	for _, h := range []types.Height{91, 92, 93, 94} {
		k.own = append(k.own, types.HeaderSignature{Height: h})
	}
	if got := k.ownSignatures(k.done); len(got) != 2 || got[0].Height != 93 {
		t.Errorf("%d of the stale ones are sent", len(got))
	}
	k.listed(nil, k.done)
	if len(k.own) != 2 {
		t.Errorf("%d of the stale ones are kept", len(k.own))
	}
	k.own = nil
	for h := range types.Height(65) {
		k.own = append(k.own, types.HeaderSignature{Height: 101 + h})
	}
	if got := k.ownSignatures(k.done); len(got) != 64 || got[63].Height != 164 {
		t.Errorf("%d signatures in a vertex", len(got))
	}
}

// TestLimitOfEvidence: a vertex carries four proofs; the others follow.
func TestLimitOfEvidence(t *testing.T) {
	d := newDrawer(t, 7, 0)
	d.step(Signed{Digest: d.core.draft.Digest()})
	for a := types.Member(2); a < 7; a++ {
		d.core.prove(types.NewEquivocation(d.draw(a, 1, nil).Signed(), d.draw(a, 1, nil, marked(9)).Signed()), true)
	}
	for _, want := range []int{4, 1} {
		draft := d.core.makeDraft(d.core.ownRound() + 1)
		if len(draft.Body().Evidence) != want {
			t.Fatalf("%d proofs, want %d", len(draft.Body().Evidence), want)
		}
		d.core.acceptOwn(&node{v: draft, ref: draft.Ref()})
	}
	if len(d.core.evidence) != 0 {
		t.Error("proofs are left over")
	}
	before := len(d.core.evidence)
	d.core.prove(types.NewEquivocation(d.draw(2, 3, nil).Signed(), d.draw(2, 3, nil, marked(9)).Signed()), true)
	if len(d.core.evidence) != before {
		t.Error("an author is proven twice")
	}
}

// TestLimitsOfAPush: a push holds 128 vertices and 1 MiB of them beside the own, the newest; and 1.5 MiB of bodies.
func TestLimitsOfAPush(t *testing.T) {
	d := newDrawer(t, 4, 0)
	small := d.draw(1, 1, nil)
	list := func(n int, v *types.Vertex) (nodes []*node) {
		for range n {
			nodes = append(nodes, &node{v: v})
		}
		return nodes
	}
	for n, want := range map[int]int{128: 128, 129: 128} {
		if got := newestThatFit(list(n, small)); len(got) != want {
			t.Errorf("%d of %d vertices", len(got), n)
		}
	}

	large := d.draw(1, 1, nil, unheld(1, types.MaxReceipts))
	fit := (1 << 20) / sizeOf(large)
	if got := newestThatFit(list(fit+3, large)); len(got) != fit {
		t.Errorf("%d vertices of %d bytes, want %d", len(got), sizeOf(large), fit)
	}
	exact := newestThatFit(append(list(1, sized(d, 1<<20-fit*sizeOf(large))), list(fit, large)...))
	over := newestThatFit(append(list(1, sized(d, 1<<20-fit*sizeOf(large)+4)), list(fit, large)...))
	if len(exact) != fit+1 || len(over) != fit {
		t.Errorf("at the bound %d vertices, past it %d", len(exact), len(over))
	}
	for size, want := range map[uint64]int{3<<19 - 100: 2, 3<<19 - 99: 1} {
		own := &node{v: small, ref: small.Ref(), known: newMemberSet(4)}
		for _, s := range []uint64{100, size} {
			h := hashOf(s, 0)
			own.batches = append(own.batches, &batch{id: types.BatchIDOf(h[:]), size: s, from: 1, known: newMemberSet(4)})
		}
		if got := d.core.push(2, own); len(got.Batches) != want {
			t.Errorf("%d bodies of 100 and %d bytes", len(got.Batches), size)
		}
	}
}

// sized is a vertex for which sizeOf is bytes; bytes must be 400 + a sum of 48s, 44s and 96s.
func sized(d *drawer, bytes int) *types.Vertex {
	for receipts := (bytes - 400) / 48; receipts >= 0; receipts-- {
		for verdicts := 0; ; verdicts++ {
			rest := bytes - 400 - 48*receipts - 96*verdicts
			if rest < 0 {
				break
			}
			if rest%44 == 0 {
				return d.draw(1, 1, nil, unheld(2, receipts), func(_ *types.VertexID, b *types.VertexBody) {
					b.Verdicts = make([]types.Verdict, verdicts)
					b.Weak = make([]types.VertexRef, rest/44)
				})
			}
		}
	}
	d.t.Fatalf("no vertex of %d bytes", bytes)
	return nil
}

// TestLimitsOfPushing: a body from gossip is left to gossip for 150 ms; a vertex is left to its author if the member is known
// to have heard the author 4 rounds before, not 5, is not 4 rounds beyond it, and the author's last 8 vertices came straight.
func TestLimitsOfPushing(t *testing.T) {
	d := newDrawer(t, 4, 0)
	b := &batch{from: -1, heldAt: d.now}
	d.core.now = d.now.Add(150 * time.Millisecond)
	if d.core.pushable(b) {
		t.Error("pushed at once")
	}
	if d.core.now++; !d.core.pushable(b) {
		t.Error("never pushed")
	}
	one := d.round(1, nil)
	d.give(one[1:]...)
	d.give(d.draw(2, 2, one[1:]))
	for _, x := range []struct {
		round, newest types.Round // of the vertex, by author 1; of member 2, that heard author 1 in round 1
		sent          bool
	}{{2, 2, true}, {4, 2, true}, {5, 2, false}, {5, 5, true}, {6, 5, false}, {5, 9, true}, {5, 10, false}} {
		d.core.dag.newest[2] = &node{ref: types.VertexRef{Author: 2, Round: x.newest}}
		if got := d.core.likelySent(&node{ref: types.VertexRef{Author: 1, Round: x.round}}, 2); got != x.sent {
			t.Errorf("%+v: taken for sent %v", x, got)
		}
	}
	n := &node{ref: types.VertexRef{Author: 1, Round: 5}}
	d.core.dag.newest[2] = n
	d.core.noteRelay(n, 3)
	for straight := range 9 {
		if got, want := d.core.likelySent(n, 2), straight == 8; got != want {
			t.Errorf("%d vertices came straight after one that did not: taken for sent %v", straight, got)
		}
		d.core.noteRelay(n, 1)
	}
}

// TestLimitOfOwnReceipts: an own vertex lists 4096 receipts, and says whether that is all.
func TestLimitOfOwnReceipts(t *testing.T) {
	for n, all := range map[int]bool{4096: true, 4097: false} {
		d := newDrawer(t, 4, 0)
		for k := range n {
			d.step(BatchHeld{ID: types.BatchIDOf(fmt.Append(nil, k)), Time: d.now, Admitted: true, From: -1})
		}
		if receipts, more := d.core.nextReceipts(0); len(receipts) != 4096 || more == all {
			t.Errorf("%d of %d are listed, more to come: %v", len(receipts), n, more)
		}
	}
}

// TestLimitsOfTheHorizon: 64 rounds below the lowest undecided one vertices are neither needed nor named; 8 more are kept.
func TestLimitsOfTheHorizon(t *testing.T) {
	d := newDrawer(t, 4, -1)
	var last []*types.Vertex
	for r := types.Round(1); r <= 100; r++ {
		last = d.round(r, last)
		d.give(last...)
	}
	g := d.core.dag
	if !g.needed(g.current-63) || g.needed(g.current-64) {
		t.Error("the horizon is not 64 rounds")
	}
	if g.base != g.current-64-8+1 {
		t.Errorf("rounds from %d on are kept, %d is undecided", g.base, g.current)
	}
	old := d.draw(3, g.current-64, nil, marked(9), ghosts(1))
	if d.step(VertexReceived{Vertex: old, From: 3, Asked: true}); d.waits(old) {
		t.Error("a vertex below the horizon waits")
	}
	young := d.draw(3, g.current-62, nil, marked(9), ghosts(1))
	if d.step(VertexReceived{Vertex: young, From: 3, Asked: true}); !d.waits(young) {
		t.Error("a vertex within the horizon does not wait")
	}
	for range 2 { // with every round the horizon rises, and what waits below it is swept
		last = d.round(last[0].Round()+1, last[:3])
		d.give(last[:3]...) // member 3 is proven to equivocate
	}
	if d.waits(young) || len(d.core.wants.vertices) != 0 {
		t.Error("what fell below the horizon still waits")
	}
}

// TestLimitOfVoid: a batch that at most f stake lists is void when a slot 64 rounds above its first receipt's appends.
func TestLimitOfVoid(t *testing.T) {
	for by, void := range map[types.Round]int{5 + 63: 0, 5 + 64: 1} {
		d := newDrawer(t, 4, -1)
		o := d.core.fair
		b := &tally{first: 5}
		o.unopened, o.live[b.id] = append(o.unopened, b), b
		if got := o.expire(by); len(got) != void {
			t.Errorf("round %d: %d void", by, len(got))
		}
	}
}
