package consensus_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// passed is a cut with how much had happened when it was taken.
type passed struct {
	cut      consensus.Cut
	accepted int // vertices that were handed over before
	closed   int
}

// history is a random history as a core that saw all of it has it.
type history struct {
	cfg   consensus.Config
	order []*types.Vertex
	named []types.CommitteeMember
	whole *observer
	cuts  []passed
}

func newHistory(t *testing.T, seed uint64) *history {
	stakes := make([]types.Stake, []int{4, 7}[seed%2])
	for i := range stakes {
		stakes[i] = types.Stake(1 + (int(seed)+i)%2)
	}
	committee := bruteCommittee(t, stakes)
	parent := types.Header{Version: types.Version, Network: types.NetworkID{9}, Time: 1_700_000_000_000_000}
	d := newRandomDAG(seed, committee, parent.Network, parent.Time)
	d.play(newObserver(t, d, parent, sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed)), bruteRules(seed)))
	h := &history{named: namedNext(seed, committee), order: d.topological()}
	h.cfg = consensus.Config{Network: parent.Network, Committee: committee, Self: -1, Parent: parent, Rules: bruteRules(seed),
		Seed: sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed)), Windows: d.windows()}
	h.cfg.Windows.Cuts = 2
	core, err := consensus.New(h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	h.whole = &observer{core: core, now: d.start + 3_600_000_000}
	h.whole.step(consensus.NextEpoch{Committee: h.named})
	for _, b := range d.batches {
		h.whole.step(heldBatch(b.id, d.start))
	}
	for i, v := range h.order {
		before := len(h.whole.cuts)
		h.whole.receive(v)
		for _, c := range h.whole.cuts[before:] {
			h.cuts = append(h.cuts, passed{c, i + 1, 0})
		}
	}
	return h
}

// resume makes a core from the cut: with the log's end, and then what came after the cut.
func (h *history) resume(t *testing.T, at passed) *observer {
	t.Helper()
	core, err := consensus.NewFrom(h.cfg, at.cut.State)
	if err != nil {
		t.Fatal(err)
	}
	o := &observer{core: core, now: h.whole.now}
	o.step(consensus.NextEpoch{Committee: h.named})
	for _, id := range core.Held() {
		o.step(heldBatch(id, o.now))
	}
	for _, v := range h.order {
		if v.Round()+consensus.Horizon+8 <= at.cut.Round {
			continue
		}
		for _, r := range v.Body().Receipts {
			o.step(heldBatch(r.Batch, o.now))
		}
		o.step(consensus.Restored{Vertices: []*types.Vertex{v}})
	}
	if err := core.Err(); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestI8ACoreGoesOnFromACut: wherever a history is cut, a core that knows the cut and the end of the log says what one
// that saw all of it says.
func TestI8ACoreGoesOnFromACut(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 40
	}
	cuts := 0
	for seed := range seeds {
		h := newHistory(t, seed)
		for i, at := range h.cuts {
			if i%3 != int(seed)%3 { // a third of them
				continue
			}
			cuts++
			compareResumed(t, h, h.resume(t, at), at, h.cuts[i+1:])
			if t.Failed() {
				t.Fatalf("failing seed %d, cut at round %d", seed, at.cut.Round)
			}
		}
	}
	t.Logf("%d cuts", cuts)
}

func compareResumed(t *testing.T, h *history, o *observer, at passed, later []passed) {
	t.Helper()
	var released []consensus.Released
	for _, r := range h.whole.released {
		if r.Index >= at.cut.Index {
			released = append(released, r)
		}
	}
	show := func(_ int, x any) string { return fmt.Sprint(x) }
	expect(t, "appended", lines(anys(h.whole.appended[at.cut.Index:]), show), lines(anys(o.appended), show))
	expect(t, "released", lines(anys(released), show), lines(anys(o.released), show))
	header := func(_ int, c consensus.Closed) string { return fmt.Sprint(c.Header.Digest(), c.Transactions) }
	again := h.whole.closed // those above the last that the sequence certified at the cut are built again
	for len(again) > 0 && len(again) > len(o.closed) && again[0].Header.VertexIndex < at.cut.Index {
		again = again[1:]
	}
	expect(t, "closed", lines(again, header), lines(o.closed, header))
	if len(o.cuts) != len(later) {
		t.Fatalf("%d later cuts, want %d", len(o.cuts), len(later))
	}
	for i, c := range o.cuts {
		if c.Round != later[i].cut.Round || c.Digest != later[i].cut.Digest || !bytes.Equal(c.State, later[i].cut.State) {
			t.Fatalf("the cut of round %d differs", c.Round)
		}
	}
}

func anys[T any](list []T) []any {
	out := make([]any, len(list))
	for i := range list {
		out[i] = list[i]
	}
	return out
}

// TestCutsAreStrict: bytes of another epoch, or changed ones, are refused or at least harmless, and never taken for the
// same state.
func TestCutsAreStrict(t *testing.T) {
	h := newHistory(t, 3)
	state := h.cuts[len(h.cuts)-1].cut.State
	other := h.cfg
	other.Seed[0]++
	if _, err := consensus.NewFrom(other, state); !errors.Is(err, consensus.ErrCut) {
		t.Errorf("another epoch's state: %v", err)
	}
	for _, bad := range [][]byte{nil, state[:len(state)-1], append(bytes.Clone(state), 0)} {
		if _, err := consensus.NewFrom(h.cfg, bad); !errors.Is(err, consensus.ErrCut) {
			t.Errorf("%d bytes of %d: %v", len(bad), len(state), err)
		}
	}
	core, err := consensus.NewFrom(h.cfg, state)
	if err != nil {
		t.Fatal(err)
	}
	if owed := len(core.Held()); owed > 0 {
		core.Step(0, consensus.Start{})
		if !errors.Is(core.Err(), consensus.ErrCut) {
			t.Errorf("started without %d bodies: %v", owed, core.Err())
		}
	}
}

// FuzzNewFrom: no bytes make a core panic. (What a state says of times is believed: members vouch for it.)
func FuzzNewFrom(f *testing.F) {
	committee := bruteCommittee(f, []types.Stake{1, 1, 1, 1})
	parent := types.Header{Version: types.Version, Network: types.NetworkID{9}, Time: 1_700_000_000_000_000}
	d := newRandomDAG(2, committee, parent.Network, parent.Time)
	d.play(newObserver(f, d, parent, types.Hash{}, bruteRules(2)))
	cfg := consensus.Config{Network: parent.Network, Committee: committee, Self: 0, Parent: parent, Rules: bruteRules(2), Windows: d.windows()}
	cfg.Windows.Cuts = 4
	core, err := consensus.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	o := &observer{core: core, now: d.start + 3_600_000_000}
	order := d.topological()
	for _, b := range d.batches {
		o.step(heldBatch(b.id, d.start))
	}
	for _, v := range order {
		o.receive(v)
	}
	for _, c := range o.cuts {
		f.Add(c.State)
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		core, err := consensus.NewFrom(cfg, state)
		if err != nil {
			return
		}
		for _, id := range core.Held() {
			core.Step(o.now, heldBatch(id, o.now))
		}
		core.Step(o.now, consensus.Start{})
		core.Step(o.now+1_000_000, consensus.Tick{})
		core.Status()
	})
}
