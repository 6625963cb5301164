package sequencer

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// history is a log in which members 0..3 made round 1 and members 1..3 round 2.
func history(t *testing.T, net *network) *store.VertexLog {
	t.Helper()
	log := openLog(t, t.TempDir())
	at := net.parent.Time + 1000
	var first, second []*types.Vertex
	for m := range types.Member(4) {
		first = append(first, net.vertex(m, 1, at, nil))
	}
	for m := types.Member(1); m < 4; m++ {
		second = append(second, net.vertex(m, 2, at+1000, first))
	}
	for _, v := range append(first, second...) {
		if err := log.AppendVertex(v.Digest(), v.Encode()); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Sync(); err != nil {
		t.Fatal(err)
	}
	return log
}

// D2: before a fresh key signs anything the log and the node know that it is fresh no more: whichever of the two is lost
// afterwards, it does not begin again. A crash before that does not make the node think that it lost a log.
func TestD2AFreshKeyBeginsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork(t, 4, now())
		log, fresh := openLog(t, t.TempDir()), true
		life := func(log *store.VertexLog, script func(consensus.Event) consensus.Effects) (started bool, err error) {
			cfg := net.config(0, log)
			cfg.Streams.(*noStreams).answer = func(types.Member, *types.FetchRequest) (*types.FetchResponse, error) {
				return nil, errors.New("no answer")
			}
			cfg.FirstStart, cfg.Begun = fresh, func() error {
				if log.Bound() != boundBegun || log.Syncs() == 0 && log.Len() == 0 {
					t.Error("the mark goes before the log knows")
				}
				fresh = false
				return nil
			}
			cfg.setDefaults()
			c := &scriptedCore{script: script}
			stop := start(t, newWith(cfg, c))
			time.Sleep(time.Second)
			starts := seen[consensus.Start](c)
			if len(starts) > 0 && starts[0].Above != 0 {
				t.Errorf("a bound of %d", starts[0].Above)
			}
			return len(starts) > 0, stop()
		}
		signs := func(ev consensus.Event) consensus.Effects {
			if _, ok := ev.(consensus.Start); ok && fresh {
				t.Error("the core is started and the key still passes for a fresh one")
			}
			return consensus.Effects{}
		}
		if started, err := life(log, signs); !started || err != nil || fresh {
			t.Fatalf("first start: %v, %v", started, err)
		}
		if started, err := life(log, nil); !started || err != nil {
			t.Fatalf("second start with an empty log that knows of the first: %v, %v", started, err)
		}
		if started, err := life(openLog(t, t.TempDir()), nil); started || err != nil {
			t.Fatalf("start after a loss: %v, %v", started, err)
		}
	})
}

// D2: the bound after a lost log is one above the newest vertex of a quorum of others; whoever shows a vertex that
// cannot be accepted does not count, and without a quorum nothing starts.
func TestD2BoundAfterALostLog(t *testing.T) {
	for name, test := range map[string]struct {
		silent, lying types.Member // 0: nobody
		bound         types.Round
		started       bool
	}{
		"all answer":                 {bound: 3, started: true},
		"one is silent":              {silent: 2},
		"one shows a far round":      {lying: 3},
		"empty logs, a new network":  {silent: math.MaxUint16, started: true},
		"a crash in mid-recovery":    {bound: 3, started: true, silent: 4},
		"silent for twenty seconds":  {bound: 3, started: true, silent: 5},
		"lying, and the log is kept": {lying: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newNetwork(t, 4, now())
				shared, empty := history(t, net), openLog(t, t.TempDir())
				cfg := net.config(0, openLog(t, t.TempDir()))
				cfg.FirstStart = false
				begin := time.Now()
				cfg.Streams.(*noStreams).answer = func(from types.Member, r *types.FetchRequest) (*types.FetchResponse, error) {
					if from == test.silent || test.silent == 5 && time.Since(begin) < 20*time.Second {
						return nil, errors.New("no answer")
					}
					log := shared
					if test.silent == math.MaxUint16 {
						log = empty
					}
					if !r.Log {
						return &types.FetchResponse{}, nil
					}
					stretch, err := log.Range(r.From, types.MaxFetchBytes)
					if from == test.lying && len(stretch.Vertices) > 0 {
						orphan := net.vertex(from, 900, now(), []*types.Vertex{net.vertex(1, 899, now(), nil), net.vertex(2, 899, now(), nil), net.vertex(3, 899, now(), nil)})
						stretch.Vertices[len(stretch.Vertices)-1] = orphan.Encode()
					}
					return &types.FetchResponse{Vertices: stretch.Vertices, Next: stretch.Next, End: stretch.End}, err
				}
				if test.silent == 4 {
					if err := cfg.Log.SetBound(boundUnknown); err != nil {
						t.Fatal(err)
					}
				}
				cfg.setDefaults()
				c := new(scriptedCore)
				stop := start(t, newWith(cfg, c))
				time.Sleep(30 * time.Second)
				starts := seen[consensus.Start](c)
				if (len(starts) == 1) != test.started || (test.started && starts[0].Above != test.bound) {
					t.Errorf("started with %+v", starts)
				}
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if want := map[bool]types.Round{true: test.bound, false: boundUnknown}[test.started]; cfg.Log.Bound() != want {
					t.Errorf("bound %d in the log, want %d", cfg.Log.Bound(), want)
				}
			})
		})
	}
}

func TestHandleFetchIsBounded(t *testing.T) {
	net := newNetwork(t, 4, 1)
	log := openLog(t, t.TempDir())
	cfg := net.config(0, log)
	cfg.ServeLimit = 1
	cfg.setDefaults()
	s := newWith(cfg, new(scriptedCore))
	var ids []types.BatchID
	for i := range 40 {
		envelope := make([]byte, 100<<10)
		envelope[0] = byte(i)
		body, id := testBatch(t, string(envelope))
		if _, err := s.bodies.add(id, body); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := s.persist([]*types.Vertex{net.vertex(1, 1, 9, nil, ids...)}); err != nil {
		t.Fatal(err)
	}
	if err := s.sync(); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*types.FetchRequest{"bodies": {Batches: ids}, "log": {Log: true}} {
		answer, err := s.HandleFetch(context.Background(), r)
		if err != nil || len(answer.Batches) == 0 {
			t.Fatalf("%s: %v", name, err)
		}
		if n := len(answer.Encode()); n > types.MaxFetchBytes+types.MaxVertexBytes {
			t.Errorf("%s: an answer of %d bytes", name, n)
		}
	}
	if answer, err := s.HandleFetch(context.Background(), &types.FetchRequest{Log: true, From: math.MaxUint64}); err != nil || answer.End != 1 || len(answer.Vertices) != 0 {
		t.Errorf("beyond the end: %+v, %v", answer, err)
	}
	many := &types.FetchRequest{Vertices: make([]types.Hash, types.MaxFetchItems+1)}
	if _, err := s.HandleFetch(context.Background(), many); !errors.Is(err, types.ErrMalformed) {
		t.Errorf("too many items: %v", err)
	}
	s.serving <- struct{}{}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.HandleFetch(ctx, &types.FetchRequest{}); !errors.Is(err, context.Canceled) {
		t.Errorf("beyond the limit at a time: %v", err)
	}
}
