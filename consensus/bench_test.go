package consensus

import (
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// BenchmarkAccept measures one core's share of a cluster under load, per accepted vertex: everything from reception to
// released batches, with hundreds of batches in flight.
//
//	go test -run - -bench Accept ./consensus
func BenchmarkAccept(b *testing.B) {
	for _, size := range []struct {
		name    string
		members int
		batches uint64 // a second
	}{{"n=4,500-batches/s", 4, 500}, {"n=4,4000-batches/s", 4, 4000}, {"n=16,500-batches/s", 16, 500}} {
		b.Run(size.name, func(b *testing.B) {
			c := newCluster(b, 1, testCommittee(b, equalStakes(size.members)...))
			c.startAll()
			seconds := 4
			c.load(0, size.batches*uint64(seconds), time.Second/time.Duration(size.batches))
			c.run(time.Duration(seconds+3) * time.Second)
			follower := c.nodes[0]
			held, log := follower.held, follower.log
			b.ReportAllocs()
			b.ResetTimer()
			accepted := 0
			for range b.N {
				b.StopTimer()
				n := &testNode{c: c, index: 0, member: -1, alive: true}
				core, err := New(Config{Network: log[0].ID().Network, Committee: c.committee, Seed: [32]byte{3}, Self: -1,
					Parent: testParent(), Rules: c.rules})
				if err != nil {
					b.Fatal(err)
				}
				n.core = core
				core.Step(c.now, Start{})
				for _, h := range held {
					core.Step(c.now, h)
				}
				b.StartTimer()
				for _, v := range log {
					core.Step(c.now, VertexReceived{Vertex: v, From: v.Author()})
				}
				accepted += int(core.Counters().Accepted)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(accepted), "us/vertex")
			b.ReportMetric(float64(accepted)/float64(b.N), "vertices")
		})
	}
}

// BenchmarkCut takes the state of an order at full memory: both generations of transactions, 100,000 released batches,
// 10,000 transactions in the queue; and makes a core from it.
//
//	go test -run - -bench Cut ./consensus
func BenchmarkCut(b *testing.B) {
	cfg := Config{Network: types.NetworkID{5}, Committee: testCommittee(b, equalStakes(16)...), Seed: types.Hash{3}, Self: -1, Parent: testParent(),
		Rules: Rules{Interval: 500_000, Heartbeat: 10_000_000, BlockBytes: 2 << 20, BlockGas: 60_000_000}}
	core, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	for i := range uint64(2 * seenTransactions) {
		tx := TxInfo{Hash: hashOf(i, 1), Gas: 21_000, Size: 200}
		if core.blocks.seen.add(tx.Hash); i < 10_000 {
			core.blocks.queue = append(core.blocks.queue, queued{TxRef{types.BatchIDOf(tx.Hash[:]), 0}, tx, testStart})
		}
	}
	for i := range uint64(100_000) {
		h := hashOf(i, 2)
		core.fair.done.released(types.BatchIDOf(h[:]), types.Round(i/25))
	}
	var state []byte
	b.Run("take", func(b *testing.B) {
		for range b.N {
			state = core.cutState(cutRounds).encode()
			CutDigest(state)
		}
		b.ReportMetric(float64(len(state))/(1<<20), "MiB")
	})
	b.Run("resume", func(b *testing.B) {
		for range b.N {
			if _, err := NewFrom(cfg, state); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkFalseVerdicts: what a vertex with 64 statements that nobody else makes costs, once its author's oldest go for it.
func BenchmarkFalseVerdicts(b *testing.B) {
	d := newVerdicts(testCommittee(b, equalStakes(4)...))
	lists := make([][]types.Verdict, 64)
	for i := range lists {
		lists[i] = verdictsOn(64*i, 64)
	}
	b.ReportAllocs()
	for i := range b.N {
		d.count(0, lists[i%len(lists)])
	}
}
