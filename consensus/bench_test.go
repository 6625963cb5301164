package consensus

import (
	"testing"
	"time"
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
