package sequencer

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// BenchmarkRestart is what a start over a log of 100,000 vertices of four members costs, with a batch of one transaction in
// every fourth round: from the whole log, and from the newest cut.
func BenchmarkRestart(b *testing.B) {
	const rounds = 25_000
	dir, blocks, net := b.TempDir(), newMemoryBlocks(nil), newNetwork(b, 4, 0)
	start := now() - types.Time(rounds*50_000+1_000_000)
	net.parent.Time = start
	push := make([]*types.Push, 0, rounds*4)
	bodies := make(map[types.Round][]byte)
	for _, v := range net.layers(rounds, start, func(r int) []types.BatchID {
		if r%4 != 0 {
			return nil
		}
		body, id := testBatch(b, fmt.Sprintf("transaction of round %d", r))
		bodies[types.Round(r)] = body
		return []types.BatchID{id}
	}) {
		p := &types.Push{Vertices: [][]byte{v.Encode()}}
		if body := bodies[v.Round()]; body != nil {
			p.Batches = [][]byte{body}
		}
		push = append(push, p)
	}
	net.life(b, dir, blocks, false, func(s *Sequencer) {
		for i, p := range push {
			for s.stats.vertices.Load()+16 < uint64(i) {
				time.Sleep(50 * time.Microsecond)
			}
			s.HandlePush(types.Member(i%4), p)
		}
		for s.stats.vertices.Load() < uint64(len(push)) || s.stats.cuts.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
	})
	for _, whole := range []bool{true, false} {
		b.Run(fmt.Sprintf("whole=%v", whole), func(b *testing.B) {
			before := cpuTime(b)
			for range b.N {
				net.life(b, dir, blocks, whole, func(s *Sequencer) {
					for s.Status().AcceptedRound < rounds {
						time.Sleep(time.Millisecond)
					}
				})
			}
			b.ReportMetric(float64((cpuTime(b)-before).Milliseconds())/float64(b.N), "cpu-ms/restart")
		})
	}
}

// withoutCuts is a log that knows of no cuts.
type withoutCuts struct{ Log }

func (withoutCuts) Cuts() ([]store.Cut, error) { return nil, nil }

func (withoutCuts) SaveCut(store.Cut) error { return nil }

// life runs a follower over the log in dir until act returns.
func (net *network) life(b *testing.B, dir string, blocks *memoryBlocks, whole bool, act func(s *Sequencer)) {
	log, err := store.OpenVertexLog(dir, store.LogOptions{})
	if err != nil {
		b.Fatal(err)
	}
	cfg := net.config(-1, log)
	if whole {
		cfg.Log = withoutCuts{log}
	}
	cfg.Blocks, cfg.SyncEvery = blocks, time.Hour
	s, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	act(s)
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	if err := log.Close(); err != nil {
		b.Fatal(err)
	}
}
