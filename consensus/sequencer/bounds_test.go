package sequencer

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// idleSequencer is one that nobody runs, with the default bounds.
func idleSequencer(t *testing.T) (*network, *Sequencer) {
	net := newNetwork(t, 4, 1)
	cfg := net.config(0, openLog(t, t.TempDir()))
	cfg.setDefaults()
	return net, newWith(cfg, new(scriptedCore))
}

// TestLimitOfTheInbox: 8 MiB of a member's unchecked pushes wait.
func TestLimitOfTheInbox(t *testing.T) {
	_, s := idleSequencer(t)
	if !s.inbox.put(arrived{from: 1, bytes: 8 << 20}) || s.inbox.put(arrived{from: 1, bytes: 1}) || !s.inbox.put(arrived{from: 2, bytes: 1}) {
		t.Error("not 8 MiB a member")
	}
	if n := pushBytes(&types.Push{}); n < 200 {
		t.Errorf("an empty push costs %d bytes", n)
	}
}

// TestLimitsOfHolds: 4096 batches from gossip, 32 MiB of them.
func TestLimitsOfHolds(t *testing.T) {
	_, s := idleSequencer(t)
	for i := range 4097 {
		s.Hold(types.BatchID{byte(i)}, []byte{1}, nil, 1, true)
	}
	if s.Stats().HoldsDropped != 1 || len(s.holds) != 4096 {
		t.Errorf("%d of 4097 queued", len(s.holds))
	}
	_, s = idleSequencer(t)
	s.Hold(types.BatchID{1}, make([]byte, 32<<20), nil, 1, true)
	if s.Stats().HoldsDropped != 0 {
		t.Error("32 MiB are too many")
	}
	if s.Hold(types.BatchID{2}, []byte{1}, nil, 1, true); s.Stats().HoldsDropped != 1 {
		t.Error("a byte more is taken")
	}
}

// TestLimitOfUnloggedBodies: 32 MiB of bodies stay in memory only; a byte more sends them all to the log.
func TestLimitOfUnloggedBodies(t *testing.T) {
	_, s := idleSequencer(t)
	for i := range 32 << 3 {
		if spilled, err := s.bodies.add(types.BatchID{byte(i)}, make([]byte, 128<<10)); spilled != 0 || err != nil {
			t.Errorf("%d spilled: %v", spilled, err)
		}
	}
	if spilled, err := s.bodies.add(types.BatchID{0, 1}, []byte{1}); spilled != 32<<3+1 || err != nil || s.bodies.bytes != 0 {
		t.Errorf("%d spilled, %d bytes in memory: %v", spilled, s.bodies.bytes, err)
	}
}

// TestLimitOfParkedBodies: 16 MiB of refused bodies, what a small one costs besides counted; then the oldest leaves.
func TestLimitOfParkedBodies(t *testing.T) {
	_, s := idleSequencer(t)
	s.parked.put(types.BatchID{1}, make([]byte, 100))
	s.parked.put(types.BatchID{2}, make([]byte, 16<<20-100-2*parkedOverhead))
	if len(s.parked.bodies) != 2 || s.parked.bytes != 16<<20 {
		t.Errorf("%d parked in %d bytes", len(s.parked.bodies), s.parked.bytes)
	}
	if s.parked.put(types.BatchID{3}, nil); len(s.parked.bodies) != 2 || s.parked.bodies[types.BatchID{1}] != nil {
		t.Errorf("%d parked in %d bytes", len(s.parked.bodies), s.parked.bytes)
	}
	if s.parked.put(types.BatchID{4}, make([]byte, 16<<20-parkedOverhead+1)); s.parked.bodies[types.BatchID{4}] != nil || len(s.parked.bodies) != 2 {
		t.Error("one that fits nowhere made others leave")
	}
}

// TestLimitsOfPushedBodies: a member's pushes bring 8 MiB of bodies at once and 1 MiB a second.
func TestLimitsOfPushedBodies(t *testing.T) {
	_, s := idleSequencer(t)
	a, start := &s.allowances[1], types.TimeOf(time.Now())
	a.at = start
	if !a.take(8<<20, start) || a.take(1, start) {
		t.Error("not 8 MiB at once")
	}
	if at := start + 1_000_000; a.take(1<<20+1, at) || !a.take(1<<20, at) || a.take(1, at) {
		t.Error("not 1 MiB a second")
	}
}

// TestLimitsOfAnswers: 256 items are asked for at once; an answer ends at 2 MiB.
func TestLimitsOfAnswers(t *testing.T) {
	_, s := idleSequencer(t)
	for n, want := range map[int]int{256: 256, 257: 256} {
		f := consensus.Fetch{Vertices: make([]types.Hash, 100)}
		for i := range n - 100 {
			f.Batches = append(f.Batches, types.BatchIDOf([]byte{byte(i), byte(i >> 8)}))
		}
		r := s.missing(f)
		if len(r.Vertices)+len(r.Batches) != want {
			t.Errorf("%d items of %d are asked for", len(r.Vertices)+len(r.Batches), n)
		}
		if _, err := s.HandleFetch(context.Background(), &types.FetchRequest{Vertices: make([]types.Hash, n)}); (err == nil) != (n == want) {
			t.Errorf("a request for %d items: %v", n, err)
		}
	}
	var ids []types.BatchID
	for _, size := range []int{1, 2<<20 - 1, 1, 2<<20 + 1} {
		id := types.BatchID{byte(len(ids) + 1)}
		s.bodies.fresh[id] = make([]byte, size)
		ids = append(ids, id)
	}
	for name, x := range map[string]struct {
		ids  []types.BatchID
		want int
	}{"2 MiB": {ids[:2], 2}, "2 MiB and a byte": {ids[:3], 2}, "the first, whatever its size": {ids[3:], 1}} {
		answer, err := s.HandleFetch(context.Background(), &types.FetchRequest{Batches: x.ids})
		if err != nil || len(answer.Batches) != x.want {
			t.Errorf("%s: %d bodies, %v", name, len(answer.Batches), err)
		}
	}
}

// TestLimitOfServing: eight requests are answered at a time.
func TestLimitOfServing(t *testing.T) {
	_, s := idleSequencer(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 7 {
		s.serving <- struct{}{}
	}
	s.serving <- struct{}{}
	if _, err := s.HandleFetch(ctx, &types.FetchRequest{}); err == nil {
		t.Error("a ninth is answered")
	}
	<-s.serving
	if _, err := s.HandleFetch(context.Background(), &types.FetchRequest{}); err != nil {
		t.Error(err)
	}
}

// TestLimitOfRequests: two requests to one member are under way.
func TestLimitOfRequests(t *testing.T) {
	_, s := idleSequencer(t)
	for under, want := range map[int]types.Member{1: 1, 2: 2} {
		s.inflight[1] = under
		if m, ok := s.free([]types.Member{0, 1, 2}); !ok || m != want {
			t.Errorf("with %d under way to member 1, member %d is asked", under, m)
		}
	}
}

// TestLimitOfAPushMessage: what is pushed fits a message, the own vertex before all else.
func TestLimitOfAPushMessage(t *testing.T) {
	net, s := idleSequencer(t)
	v := net.vertex(0, 1, 9, nil)
	room := pushBudget - len(v.Encode()) - 3*itemPrefix
	for name, x := range map[string]struct {
		sizes []int
		want  int
	}{"all": {[]int{room - 10, 10}, 2}, "a byte more": {[]int{room - 10, 11}, 1}, "a large one is passed over": {[]int{room + itemPrefix + 1, 11}, 1}} {
		send := consensus.Send{To: 1, Vertices: []*types.Vertex{v}}
		for i, size := range x.sizes {
			id := types.BatchID{byte(i), byte(size)}
			s.bodies.fresh[id] = make([]byte, size)
			send.Batches = append(send.Batches, id)
		}
		push := s.buildPush(send, make(map[types.Hash][]byte))
		if len(push.Vertices) != 1 || len(push.Batches) != x.want || len(push.Encode()) > types.MaxMessageBytes {
			t.Errorf("%s: %d vertices, %d bodies, %d bytes", name, len(push.Vertices), len(push.Batches), len(push.Encode()))
		}
	}
}

// TestLimitOfSmallItems: a push of many small bodies fits a message with its encoding.
func TestLimitOfSmallItems(t *testing.T) {
	_, s := idleSequencer(t)
	send := consensus.Send{To: 1}
	for i := range 1 << 16 {
		id := types.BatchID{byte(i), byte(i >> 8), 7}
		s.bodies.fresh[id] = make([]byte, 63)
		send.Batches = append(send.Batches, id)
	}
	encoded := s.buildPush(send, make(map[types.Hash][]byte)).Encode()
	if p, err := types.DecodePush(encoded); err != nil || len(p.Batches) == 0 {
		t.Errorf("%d bytes: %v", len(encoded), err)
	}
}

// TestLimitsOfReadmission: how many refused bodies are remembered to be asked about, and how many wait for it.
func TestLimitsOfReadmission(t *testing.T) {
	_, s := idleSequencer(t)
	id := func(i int) types.BatchID { return types.BatchIDOf(fmt.Append(nil, i)) }
	for i := range 1<<16 + 1 {
		s.noteAdmission(consensus.BatchHeld{ID: id(i)})
	}
	if len(s.unsettled) != 1<<16 {
		t.Errorf("%d are remembered", len(s.unsettled))
	}
	for i := range 1<<17 + 1 {
		s.pool.ask([]types.BatchID{id(i)})
	}
	if n := s.pool.asked.length(); n != 1<<17 {
		t.Errorf("%d wait", n)
	}
}
