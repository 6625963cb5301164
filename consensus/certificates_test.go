package consensus

import (
	"errors"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// heartbeat brings a follower to its first closed and built block and returns its header and the newest round.
func heartbeat(t *testing.T) (*drawer, types.Header, []*types.Vertex) {
	t.Helper()
	d := newDrawer(t, 4, -1)
	d.now = testStart.Add(time.Minute)
	var parents []*types.Vertex
	var fx Effects
	for r := types.Round(1); r <= 5; r++ {
		var next []*types.Vertex
		for a := range types.Member(4) {
			next = append(next, d.draw(a, r, parents, at(testStart.Add(11*time.Second)+types.Time(r))))
		}
		parents = next
		for _, v := range next {
			got := d.step(VertexReceived{Vertex: v, From: v.Author()})
			fx.Encode = append(fx.Encode, got.Encode...)
		}
	}
	if len(fx.Encode) != 1 || fx.Encode[0].Height != 1 || len(fx.Encode[0].Transactions) != 0 {
		t.Fatalf("encodes %+v", fx.Encode)
	}
	fx = d.step(Encoded{Height: 1, Commitment: types.Hash{4}})
	if len(fx.Closed) != 1 || len(fx.Sign) != 0 {
		t.Fatalf("closed %+v, sign %v", fx.Closed, fx.Sign)
	}
	return d, fx.Closed[0].Header, parents
}

func signs(h types.Height, digest types.Hash) change {
	return func(_ *types.VertexID, b *types.VertexBody) {
		b.HeaderSignatures = append(b.HeaderSignatures, types.HeaderSignature{Height: h, Digest: digest, Signature: types.Signature{1}})
	}
}

func TestCertificateNeedsAQuorumOverTheOwnHeader(t *testing.T) {
	d, header, parents := heartbeat(t)
	if want := (testStart/500_000 + 20) * 500_000; header.Time != want {
		t.Errorf("the heartbeat is at %d, want the boundary %d", header.Time, want)
	}
	var all []types.CertifiedHeader
	for a := range types.Member(4) {
		v := d.draw(a, 6, parents, at(testStart.Add(12*time.Second)), signs(1, header.Digest()))
		fx := d.step(VertexReceived{Vertex: v, From: a})
		if got := len(fx.Certified); (got == 1) != (a == 2) {
			t.Fatalf("%d certificates with the signature of member %d", got, a)
		}
		all = append(all, fx.Certified...)
	}
	if got := all[0].Certificate.Signers.Count(); got != 3 || len(all[0].Certificate.Signatures) != 3 || all[0].Header.Digest() != header.Digest() {
		t.Errorf("certificate %+v", all[0])
	}
}

func TestQuorumOverAnotherHeaderStopsTheCore(t *testing.T) {
	d, _, parents := heartbeat(t)
	for a := range types.Member(3) {
		v := d.draw(a, 6, parents, at(testStart.Add(12*time.Second)), signs(1, types.Hash{66}))
		if fx := d.step(VertexReceived{Vertex: v, From: a}); len(fx.Certified) != 0 {
			t.Fatal("certified what was not built here")
		}
		if stopped := d.core.Err() != nil; stopped != (a == 2) {
			t.Fatalf("after member %d: %v", a, d.core.Err())
		}
	}
	var conflict *ConflictError
	if !errors.As(d.core.Err(), &conflict) {
		t.Fatal(d.core.Err())
	}
}

func TestFirstSignatureOfAHeightCounts(t *testing.T) {
	d, header, parents := heartbeat(t)
	last := make([]*types.Vertex, 4)
	for a := range types.Member(4) {
		digest := header.Digest()
		if a == 0 {
			digest = types.Hash{66}
		}
		last[a] = d.draw(a, 6, parents, at(testStart.Add(12*time.Second)), signs(1, digest))
	}
	certified := 0
	for _, v := range last[:3] {
		certified += len(d.step(VertexReceived{Vertex: v, From: v.Author()}).Certified)
	}
	if certified != 0 {
		t.Fatal("two signatures made a certificate")
	}
	if fx := d.step(VertexReceived{Vertex: last[3], From: 3}); len(fx.Certified) != 1 || fx.Certified[0].Certificate.Signers.Has(0) {
		t.Fatalf("certified %+v", fx.Certified)
	}
}

// TestWaitEscalates: 8 rounds without a decision make everybody expected, and the wait doubles every 3 rounds.
func TestWaitEscalates(t *testing.T) {
	d := newDrawer(t, 4, 0)
	c := d.core
	c.dag.ensure(100)
	for a := range c.authors {
		c.authors[a].punctual = 0
	}
	for _, x := range []struct {
		behind types.Round
		want   time.Duration
	}{{7, 0}, {8, 1}, {10, 1}, {11, 2}, {14, 4}, {17, 8}, {26, 64}, {60, 64}} {
		wait, waiting := c.wait(c.dag.current - 1 + x.behind)
		if waiting != (x.want > 0) {
			t.Errorf("%d behind: waiting %v", x.behind, waiting)
		}
		if want := x.want * c.pacing.Wait; waiting && wait != want {
			t.Errorf("%d behind: wait %v, want %v", x.behind, wait, want)
		}
	}
}

// TestBackPressure: no receipts while too much is uncertified or not executed.
func TestBackPressure(t *testing.T) {
	d := newDrawer(t, 1, 0)
	c := d.core
	c.enqueue(&batch{id: types.BatchIDOf([]byte{1}), known: newMemberSet(1)}, d.now)
	c.batches[c.pending[0].id] = c.pending[0]
	for name, set := range map[string]func(on bool){
		"bytes":   func(on bool) { c.blocks.bytes = map[bool]uint64{true: maxWaitingReleased + 1}[on] },
		"headers": func(on bool) { c.certs.closed = map[bool]types.Height{true: maxUncertified}[on] },
		"executed": func(on bool) {
			c.certs.done = map[bool]types.Height{true: maxUnexecuted}[on]
			c.certs.closed = c.certs.done
		},
	} {
		set(true)
		if got, _ := c.nextReceipts(0); len(got) != 0 {
			t.Errorf("%s: receipts under pressure", name)
		}
		set(false)
		if got, _ := c.nextReceipts(0); len(got) != 1 {
			t.Errorf("%s: no receipts after it", name)
		}
	}
}
