package sequencer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted runs a sequencer over a scripted core in virtual time; act runs once it has started.
func scripted(t *testing.T, n int, prepare func(*network, *Config, *scriptedCore), act func(*network, *Sequencer, *scriptedCore) error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t, n, now())
		cfg := net.config(0, openLog(t, t.TempDir()))
		fake := new(scriptedCore)
		if prepare != nil {
			prepare(net, &cfg, fake)
		}
		cfg.setDefaults()
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		s := newWith(cfg, fake)
		stop := start(t, s)
		synctest.Wait()
		want := act(net, s, fake)
		if err := stop(); !errors.Is(err, want) || (want == nil && err != nil) {
			t.Fatalf("Run ended with %v, want %v", err, want)
		}
	})
}

func TestConfigNamesEveryProblem(t *testing.T) {
	net := newNetwork(t, 4, 1)
	cfg := net.config(1, nil)
	cfg.Key = net.keys[2]
	cfg.Workers = -1
	_, err := New(cfg)
	for _, want := range []string{"Log", "negative", "not the key of member 1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not mention %q", err, want)
		}
	}
}

// D1: at each push everything in it, and every body receipted there, is synced, by one fsync for all.
func TestD1DiskBeforeWire(t *testing.T) {
	var s *Sequencer
	body, id := testBatch(t, "transaction")
	pushes := 0
	scripted(t, 4, func(net *network, cfg *Config, c *scriptedCore) {
		other := net.vertex(1, 1, now(), nil, id)
		own := net.vertex(0, 1, now(), nil, id)
		cfg.Unguarded = true                                 // the script's own vertex was not made by this sequencer
		if err := cfg.Log.SetBound(boundBegun); err != nil { // not the first start: that has an fsync of its own
			t.Fatal(err)
		}
		if err := cfg.Log.Sync(); err != nil {
			t.Fatal(err)
		}
		log := cfg.Log.(interface{ Syncs() uint64 })
		before := log.Syncs()
		cfg.Streams.(*noStreams).onPush = func(p *types.Push) {
			pushes++
			if durable := cfg.Log.(interface{ Durable() uint64 }).Durable(); durable != 2 || cfg.Log.Len() != 2 {
				t.Errorf("pushed while %d of %d vertices are synced", durable, cfg.Log.Len())
			}
			if !cfg.Log.HasBatch(id) || log.Syncs() != before+1 {
				t.Errorf("pushed after %d fsyncs, body in the log: %v", log.Syncs(), cfg.Log.HasBatch(id))
			}
			if len(p.Vertices) != 2 || len(p.Batches) != 1 {
				t.Errorf("pushed %d vertices and %d bodies", len(p.Vertices), len(p.Batches))
			}
		}
		c.script = func(ev consensus.Event) consensus.Effects {
			switch ev.(type) {
			case consensus.BatchHeld:
				return consensus.Effects{Persist: []*types.Vertex{other}}
			case consensus.Executed:
				vertices := []*types.Vertex{other, own}
				return consensus.Effects{Persist: []*types.Vertex{own}, Send: []consensus.Send{
					{To: 1, Batches: []types.BatchID{id}, Vertices: vertices}, {To: 2, Batches: []types.BatchID{id}, Vertices: vertices}}}
			}
			return consensus.Effects{}
		}
	}, func(_ *network, seq *Sequencer, _ *scriptedCore) error {
		s = seq
		s.Hold(id, body, nil, now(), true)
		synctest.Wait()
		if pushes != 0 {
			t.Error("pushed too early")
		}
		s.Executed(1)
		synctest.Wait()
		return nil
	})
	if pushes != 2 {
		t.Fatalf("%d pushes, want 2", pushes)
	}
}

// D1: when the disk fails nothing is pushed and the sequencer stops.
func TestD1NothingLeavesAfterAFailedSync(t *testing.T) {
	broken := errors.New("disk is gone")
	scripted(t, 4, func(net *network, cfg *Config, c *scriptedCore) {
		own := net.vertex(0, 1, now(), nil)
		cfg.Log = &failingLog{Log: cfg.Log, err: broken}
		cfg.Streams.(*noStreams).onPush = func(*types.Push) { t.Error("pushed an unsynced vertex") }
		c.script = func(ev consensus.Event) consensus.Effects {
			if _, ok := ev.(consensus.Start); !ok {
				return consensus.Effects{}
			}
			return consensus.Effects{Persist: []*types.Vertex{own}, Send: []consensus.Send{{To: 1, Vertices: []*types.Vertex{own}}}}
		}
	}, func(*network, *Sequencer, *scriptedCore) error { return broken })
}

type failingLog struct {
	Log
	err error
}

func (l *failingLog) Sync() error { return l.err }

// D1: an own vertex in the log is shown to nobody before it is synced.
func TestD1UnsyncedOwnVertexIsNotServed(t *testing.T) {
	net := newNetwork(t, 4, 1)
	cfg := net.config(0, openLog(t, t.TempDir()))
	cfg.setDefaults()
	s := newWith(cfg, new(scriptedCore))
	own, other := net.vertex(0, 1, 5, nil), net.vertex(1, 1, 5, nil)
	s.signed(own.Digest())
	if err := s.persist([]*types.Vertex{other, own}); err != nil {
		t.Fatal(err)
	}
	byDigest := &types.FetchRequest{Vertices: []types.Hash{own.Digest(), other.Digest()}}
	byRange := &types.FetchRequest{Log: true}
	count := func(r *types.FetchRequest) int {
		answer, err := s.HandleFetch(context.Background(), r)
		if err != nil {
			t.Fatal(err)
		}
		return len(answer.Vertices)
	}
	if count(byDigest) != 1 || count(byRange) != 0 {
		t.Fatalf("served %d by digest, %d by range before the sync", count(byDigest), count(byRange))
	}
	if err := s.sync(); err != nil {
		t.Fatal(err)
	}
	if count(byDigest) != 2 || count(byRange) != 2 {
		t.Fatalf("served %d by digest, %d by range after the sync", count(byDigest), count(byRange))
	}
}

// D2: a core that made a second vertex of a round is stopped before anything is written or sent.
func TestD2SecondVertexOfARoundHalts(t *testing.T) {
	for name, round := range map[string]types.Round{"same round": 1, "lower round": 0} {
		t.Run(name, func(t *testing.T) {
			scripted(t, 4, func(net *network, cfg *Config, c *scriptedCore) {
				first, second := net.vertex(0, 1, now(), nil), net.vertex(0, round, now()+1, nil)
				c.script = func(ev consensus.Event) consensus.Effects {
					switch ev := ev.(type) {
					case consensus.Start:
						return consensus.Effects{Sign: []types.Hash{first.Digest(), second.Digest()}}
					case consensus.Signed:
						v := first
						if ev.Digest == second.Digest() {
							v = second
						}
						return consensus.Effects{Persist: []*types.Vertex{v}, Send: []consensus.Send{{To: 1, Vertices: []*types.Vertex{v}}}}
					}
					return consensus.Effects{}
				}
				cfg.Streams.(*noStreams).onPush = func(p *types.Push) {
					if v, err := types.DecodeVertex(p.Vertices[0]); err != nil || v.Digest() != first.Digest() {
						t.Errorf("the second vertex was pushed (%v)", err)
					}
				}
			}, func(*network, *Sequencer, *scriptedCore) error { return ErrHalted })
		})
	}
}

// D3: the header is signed only when its block is stored.
func TestD3SignsAfterTheBlockIsStored(t *testing.T) {
	gate := make(chan struct{})
	header := types.Header{Version: types.Version, Height: 1}
	block, err := coding.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	header.Commitment = block.Commitment()
	synctest.Test(t, func(t *testing.T) {
		gate = make(chan struct{})
		net := newNetwork(t, 4, now())
		cfg := net.config(0, openLog(t, t.TempDir()))
		cfg.Blocks.(*memoryBlocks).gate = gate
		cfg.setDefaults()
		c := new(scriptedCore)
		c.script = func(ev consensus.Event) consensus.Effects {
			switch ev.(type) {
			case consensus.Start:
				return consensus.Effects{Encode: []consensus.Encode{{Height: 1}}}
			case consensus.Encoded:
				return consensus.Effects{Sign: []types.Hash{header.Digest()}, Closed: []consensus.Closed{{Header: header}}}
			}
			return consensus.Effects{}
		}
		s := newWith(cfg, c)
		stop := start(t, s)
		synctest.Wait()
		if n := len(seen[consensus.Encoded](c)); n != 1 {
			t.Fatalf("%d answers to Encode", n)
		}
		if n := len(seen[consensus.Signed](c)); n != 0 {
			t.Fatal("signed a header before its block was stored")
		}
		close(gate)
		synctest.Wait()
		signed := seen[consensus.Signed](c)
		if len(signed) != 1 || types.VerifyDigest(net.committee.Member(0).Key, header.Digest(), signed[0].Signature) != nil {
			t.Fatalf("signatures after the block was stored: %v", signed)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// D5: a replay that closes another block than the stored one stops the node.
func TestD5AnotherBlockThanTheStoredOneHalts(t *testing.T) {
	scripted(t, 4, func(_ *network, cfg *Config, c *scriptedCore) {
		stored := types.Header{Version: types.Version, Height: 1, Time: 1}
		cfg.Blocks.(*memoryBlocks).headers[1] = stored
		c.script = func(ev consensus.Event) consensus.Effects {
			switch ev.(type) {
			case consensus.Start:
				return consensus.Effects{Encode: []consensus.Encode{{Height: 1}}}
			case consensus.Encoded:
				other := stored
				other.Time = 2
				return consensus.Effects{Closed: []consensus.Closed{{Header: other}}, Sign: []types.Hash{other.Digest()}}
			case consensus.Signed:
				t.Error("signed the other block")
			}
			return consensus.Effects{}
		}
	}, func(*network, *Sequencer, *scriptedCore) error { return ErrHalted })
}

func TestAHaltedCoreStopsTheSequencer(t *testing.T) {
	conflict := errors.New("two certified candidates")
	scripted(t, 4, func(_ *network, _ *Config, c *scriptedCore) { c.err = conflict },
		func(*network, *Sequencer, *scriptedCore) error { return conflict })
}

// D4: bodies beyond the memory bound go to the log; none is lost, and the core hears of each once.
func TestD4SpilledBodiesStayKnown(t *testing.T) {
	var ids []types.BatchID
	scripted(t, 4, func(_ *network, cfg *Config, _ *scriptedCore) { cfg.UnloggedMax = 500 },
		func(_ *network, s *Sequencer, c *scriptedCore) error {
			for i := range 40 {
				body, id := testBatch(t, fmt.Sprintf("transaction %d %s", i, strings.Repeat("x", 50)))
				ids = append(ids, id)
				for range 2 {
					brought(t, s, id, body)
				}
			}
			synctest.Wait()
			if n := len(seen[consensus.BatchHeld](c)); n != len(ids) {
				t.Errorf("the core heard of %d bodies, want %d", n, len(ids))
			}
			for _, id := range ids {
				body, err := s.bodies.get(id)
				if err != nil || types.BatchIDOf(body) != id {
					t.Errorf("body of %s: %v", id, err)
				}
			}
			if s.bodies.bytes > 500 || s.Stats().Spilled == 0 {
				t.Errorf("%d bytes in memory, %d spilled", s.bodies.bytes, s.Stats().Spilled)
			}
			return nil
		})
}

// D6: a full queue of batches drops the newest and counts it.
func TestD6HoldDropsWhenFull(t *testing.T) {
	net := newNetwork(t, 4, 1)
	cfg := net.config(0, openLog(t, t.TempDir()))
	cfg.HoldQueue = 3
	cfg.setDefaults()
	s := newWith(cfg, new(scriptedCore))
	body, id := testBatch(t, "transaction")
	for range 5 {
		s.Hold(id, body, nil, 1, true)
	}
	if s.Stats().HoldsDropped != 2 || s.holding.Load() != int64(3*len(body)) {
		t.Fatalf("%d dropped, %d bytes held", s.Stats().HoldsDropped, s.holding.Load())
	}
	s.cfg.HoldBytes = 1
	<-s.holds
	s.holding.Store(0)
	s.Hold(id, body, nil, 1, true)
	if s.Stats().HoldsDropped != 3 || len(s.holds) != 2 {
		t.Fatalf("%d dropped, %d queued with a bound of one byte", s.Stats().HoldsDropped, len(s.holds))
	}
}

// D6: one member's flood fills its own queue only, and members take turns.
func TestD6InboxIsFair(t *testing.T) {
	b := newInbox(3, 100)
	for i := range 20 {
		if took := b.put(arrived{from: 0, bytes: 10}); took != (i < 10) {
			t.Fatalf("push %d taken: %v", i, took)
		}
	}
	if !b.put(arrived{from: 1, bytes: 10}) || !b.put(arrived{from: 2, bytes: 100}) || b.put(arrived{from: 2, bytes: 1}) || b.put(arrived{from: 3}) {
		t.Fatal("the other members' queues are wrong")
	}
	var order [][]types.Member
	for range 3 {
		pushes, err := b.next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var together []types.Member
		for _, p := range pushes {
			together = append(together, p.from)
			b.done(p.from)
		}
		order = append(order, together)
	}
	if fmt.Sprint(order) != "[[0 1 2] [0] [0]]" {
		t.Fatalf("order of work %v", order)
	}
}

// D6: a worker takes at most pushesTogether pushes at once.
func TestD6PushesTogether(t *testing.T) {
	b := newInbox(pushesTogether+1, 100)
	for m := range pushesTogether + 1 {
		b.put(arrived{from: types.Member(m)})
	}
	for _, want := range []int{pushesTogether, 1} {
		if pushes, err := b.next(context.Background()); err != nil || len(pushes) != want {
			t.Fatalf("%d pushes at once, want %d, %v", len(pushes), want, err)
		}
	}
}

// One forged vertex among many spoils none of the others, however many chunks they make.
func TestForgedVerticesAmongGoodOnes(t *testing.T) {
	for _, forged := range []int{0, 1, verifiedTogether - 1, verifiedTogether, 2*verifiedTogether + 3} {
		scripted(t, 4, nil, func(net *network, s *Sequencer, c *scriptedCore) error {
			var push types.Push
			for i := range 2*verifiedTogether + 4 {
				v := net.vertex(1, 1, now()+types.Time(i), nil)
				if i == forged {
					v = v.WithSignature(types.Signature{1})
				}
				push.Vertices = append(push.Vertices, v.Encode())
			}
			for range 2 { // the second time their signatures are known
				s.HandlePush(1, &push)
				synctest.Wait()
			}
			if got := len(seen[consensus.VertexReceived](c)); got != 2*(len(push.Vertices)-1) {
				t.Errorf("with number %d forged %d vertices were handed over", forged, got)
			}
			if bad := s.Stats().BadVertices; bad != 2 {
				t.Errorf("%d bad vertices, want 1 each time", bad)
			}
			return nil
		})
	}
}

// A signature that was good stays good for its vertex alone, and what is remembered is bounded.
func TestVerifiedSet(t *testing.T) {
	net := newNetwork(t, 4, 0)
	set := newVerifiedSet()
	first := net.vertex(1, 1, 7, nil)
	set.add(first)
	if !set.has(first) || set.has(first.WithSignature(types.Signature{1})) || set.has(net.vertex(1, 1, 8, nil)) {
		t.Error("another vertex or signature passes for the one that was checked")
	}
	id := first.ID()
	for i := range maxVerified {
		if !set.has(first) {
			t.Fatalf("forgotten after %d others", i)
		}
		id.Time = types.Time(i + 100)
		set.add(types.NewVertex(id, *first.Body()))
	}
	if set.has(first) || len(set.signatures) != maxVerified {
		t.Errorf("%d vertices are remembered, want %d", len(set.signatures), maxVerified)
	}
}

func TestVerticesOfOthersAreSyncedInTime(t *testing.T) {
	scripted(t, 4, func(net *network, cfg *Config, c *scriptedCore) {
		other := net.vertex(1, 1, now(), nil)
		c.script = func(ev consensus.Event) consensus.Effects {
			if _, ok := ev.(consensus.Executed); ok {
				return consensus.Effects{Persist: []*types.Vertex{other}}
			}
			return consensus.Effects{}
		}
	}, func(_ *network, s *Sequencer, _ *scriptedCore) error {
		time.Sleep(100 * time.Millisecond)
		s.Executed(1)
		time.Sleep(2500 * time.Millisecond)
		if durable := s.cfg.Log.(interface{ Durable() uint64 }).Durable(); durable != 1 {
			t.Errorf("%d vertices are synced after two seconds", durable)
		}
		return nil
	})
}

// D6: bodies that the own pool refuses come in at a bounded rate for each member; admitted ones are not limited.
func TestD6PushedBodiesAreLimited(t *testing.T) {
	for _, refuse := range []bool{true, false} {
		scripted(t, 4, func(_ *network, cfg *Config, _ *scriptedCore) {
			cfg.BodyRate, cfg.BodyBurst = 1000, 2000
			cfg.Batches.(*openBatches).refuse = refuse
		}, func(_ *network, s *Sequencer, c *scriptedCore) error {
			flood := func(from types.Member, text string) int {
				before := len(seen[consensus.BatchHeld](c))
				for i := range 10 {
					body, _ := testBatch(t, fmt.Sprintf("%s %d %d %s", text, from, i, strings.Repeat("x", 470)))
					s.HandlePush(from, &types.Push{Batches: [][]byte{body}})
				}
				synctest.Wait()
				return len(seen[consensus.BatchHeld](c)) - before
			}
			first, again := flood(1, "first"), flood(1, "again")
			other := flood(2, "other")
			time.Sleep(1100 * time.Millisecond)
			later := flood(1, "later")
			got, want := fmt.Sprint(first, again, other, later), "4 0 4 2"
			if !refuse {
				want = "10 10 10 10"
			}
			if got != want {
				t.Errorf("pool refuses: %v; bodies taken %s, want %s", refuse, got, want)
			}
			return nil
		})
	}
}
