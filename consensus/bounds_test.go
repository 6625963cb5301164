package consensus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// TestI7MemoryIsBounded runs for many horizons under load, with one member down all the time, and looks at everything
// that could grow.
func TestI7MemoryIsBounded(t *testing.T) {
	c := newCluster(t, 200, testCommittee(t, equalStakes(4)...))
	c.configure = func(_ *testNode, cfg *Config) { cfg.Windows = Windows{Repeats: 100, Transactions: 100, Cuts: 64} }
	c.startAll()
	c.run(100 * time.Millisecond)
	c.nodes[3].crash()
	c.load(0, 1500, 20*time.Millisecond)
	c.run(32 * time.Second)
	c.check()
	k := c.nodes[0].core
	if rounds := k.dag.current; rounds < 8*Horizon {
		t.Fatalf("only %d rounds", rounds)
	}
	rounds := Horizon + keepBelow + 8
	for name, bound := range map[string][2]int{
		"rounds":    {len(k.dag.rounds), rounds},
		"vertices":  {len(k.dag.byDigest), 4 * rounds},
		"batches":   {len(k.batches), 20},
		"live":      {len(k.fair.live), 20},
		"open":      {len(k.fair.open), 200},
		"unopened":  {len(k.fair.unopened), 20},
		"bounds":    {len(k.fair.bounds), 200},
		"ready":     {len(k.fair.ready), 20},
		"pending":   {len(k.pending), 20},
		"suspended": {len(k.suspended), 10},
		"wants":     {len(k.wants.list), 10},
		"states":    {len(k.certs.states), 8},
		"votes":     {len(k.certs.votes), 8},
		"signing":   {len(k.certs.signing), 8},
		"own":       {len(k.certs.own), 16},
		"loose":     {len(k.loose), 1500},
		"queue":     {len(k.blocks.queue), 100},
		"done":      {len(k.fair.done.by), 3 * (100 + Horizon)}, // some three batches a round
		"releases":  {len(k.fair.done.release), 3 * (100 + Horizon)},
		"seen":      {len(k.blocks.seen.current.in) + len(k.blocks.seen.previous.in), 200},
		"recent":    {len(k.recent), 4 * Horizon * 4},
		"unsealed":  {len(k.unsealed), 8},
		"seals":     {len(k.seals.votes), 8},
		"cut":       {len(c.nodes[0].cut.State), 64 << 10},
	} {
		if bound[0] > bound[1] {
			t.Errorf("%s: %d, at most %d", name, bound[0], bound[1])
		}
	}
	if k.active != 0 && k.active > 20 {
		t.Errorf("%d active batches", k.active)
	}
	t.Logf("%+v", k.Status())
}

// TestI1OwnVerticesAscend looks at the times and receipts of every own vertex of a run with crashes.
func TestI1OwnVerticesAscend(t *testing.T) {
	c := newCluster(t, 210, testCommittee(t, equalStakes(4)...))
	c.startAll()
	c.load(0, 200, 10*time.Millisecond)
	c.crashes(2)
	c.run(6 * time.Second)
	c.check()
	for _, n := range c.nodes {
		var round types.Round
		var last types.Time
		listed := map[types.BatchID]int{}
		for _, v := range n.log {
			if int(v.Author()) != n.member {
				continue
			}
			if v.Round() <= round || v.Time() <= last {
				t.Fatalf("node %d: round %d time %d after round %d time %d", n.index, v.Round(), v.Time(), round, last)
			}
			for _, r := range v.Body().Receipts {
				if listed[r.Batch]++; listed[r.Batch] > 1 {
					t.Fatalf("node %d lists %s twice", n.index, r.Batch)
				}
				if r.Time <= last {
					t.Fatalf("node %d: receipt time %d is not above %d", n.index, r.Time, last)
				}
				last = r.Time
			}
			round, last = v.Round(), max(last, v.Time())
		}
	}
}

// TestEqualEventsGiveEqualEffects steps two cores through the same events and compares every byte of their effects.
func TestEqualEventsGiveEqualEffects(t *testing.T) {
	c := newCluster(t, 220, testCommittee(t, equalStakes(7)...), 2)
	type input struct {
		now types.Time
		ev  Event
	}
	var events []input
	c.tap = func(n *testNode, ev Event) {
		if n.index == 0 {
			events = append(events, input{n.clock(), ev})
		}
	}
	c.startAll()
	c.load(0, 100, 20*time.Millisecond)
	c.run(3 * time.Second)
	var transcripts [2]bytes.Buffer
	for i := range transcripts {
		core, err := New(Config{Network: types.NetworkID{5}, Committee: c.committee, Seed: types.Hash{3}, Self: 0, Parent: testParent(), Rules: c.rules})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			fx := core.Step(e.now, e.ev)
			encoded, err := json.Marshal(fx)
			if err != nil {
				t.Fatal(err)
			}
			transcripts[i].Write(encoded)
			for _, s := range fx.Send {
				for _, v := range s.Vertices {
					fmt.Fprint(&transcripts[i], v.Ref())
				}
			}
		}
	}
	if len(events) < 500 || !bytes.Equal(transcripts[0].Bytes(), transcripts[1].Bytes()) {
		t.Fatalf("two cores differ over %d events", len(events))
	}
	if got, want := c.nodes[0].core.Status(), c.nodes[0]; got.Sequenced != uint64(len(want.appended)) {
		t.Fatal("the run itself is inconsistent")
	}
}

// TestReceiptOverflowKeepsOrder lists more batches than a vertex holds: what waits keeps its order and its times.
func TestReceiptOverflowKeepsOrder(t *testing.T) {
	d := newDrawer(t, 1, 0)
	d.step(Signed{Digest: d.core.draft.Digest()})
	var ids []types.BatchID
	for k := range types.MaxReceipts + 10 {
		id := types.BatchIDOf(fmt.Appendf(nil, "overflow %d", k))
		ids = append(ids, id)
		d.now += 3
		d.step(BatchHeld{ID: id, Time: d.now, Admitted: true, From: -1})
	}
	d.now = d.now.Add(2 * time.Second)
	var listed []types.Receipt
	for d.step(Tick{}); len(listed) < len(ids); d.step(Tick{}) {
		v := d.core.draft
		if v == nil {
			t.Fatalf("no vertex: %d listed, %+v", len(listed), d.core.Status())
		}
		listed = append(listed, v.Body().Receipts...)
		if n := len(v.Body().Receipts); n == types.MaxReceipts && v.Time() != v.Body().Receipts[n-1].Time {
			t.Error("a full vertex is dated after its last receipt: what waits loses its times")
		}
		d.step(Signed{Digest: v.Digest()})
		d.now = d.now.Add(time.Second)
	}
	for i, r := range listed {
		if r.Batch != ids[i] {
			t.Fatalf("receipt %d is of another batch", i)
		}
		if want := testStart + 1_000_000 + types.Time(3*(i+1)); r.Time != want {
			t.Fatalf("receipt %d has time %d, received at %d", i, r.Time, want)
		}
	}
}
