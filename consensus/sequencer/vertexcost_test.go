package sequencer

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// layers makes rounds of vertices of the whole committee, each with all of the round below as parents and one receipt for
// each batch given for its round.
func (net *network) layers(rounds int, start types.Time, batches func(r int) []types.BatchID) (all []*types.Vertex) {
	var last []*types.Vertex
	for r := 1; r <= rounds; r++ {
		var round []*types.Vertex
		for m := range net.keys {
			at := start + types.Time(r*50_000+m)
			round = append(round, net.vertex(types.Member(m), types.Round(r), at, last, batches(r)...))
		}
		last = round
		all = append(all, round...)
	}
	return all
}

// BenchmarkVertexPath is what one vertex of another member costs a follower from the bytes of a push to the log: decode,
// check, order, append. One push carries one vertex, as it does while nothing is lost.
func BenchmarkVertexPath(b *testing.B) {
	for _, n := range []int{4, 100} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			net := newNetwork(b, n, now()-1)
			rounds := 12_000 / n
			start := now() - types.Time(rounds*50_000+1_000_000)
			net.parent.Time = start
			var encoded [][]byte
			for _, v := range net.layers(rounds, start, func(int) []types.BatchID { return nil }) {
				encoded = append(encoded, v.Encode())
			}
			b.ReportAllocs()
			b.ResetTimer()
			before := cpuTime(b)
			for range b.N {
				net.follow(b, encoded)
			}
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N*len(encoded)), "cpu-µs/vertex")
		})
	}
}

// follow runs a follower and pushes the vertices to it until it has them all.
func (net *network) follow(b *testing.B, encoded [][]byte) {
	n := len(net.keys)
	net.life(b, b.TempDir(), newMemoryBlocks(nil), false, func(s *Sequencer) {
		for i, v := range encoded {
			for s.stats.vertices.Load()+uint64(4*n) < uint64(i) {
				time.Sleep(50 * time.Microsecond)
			}
			s.HandlePush(types.Member(i%n), &types.Push{Vertices: [][]byte{v}})
		}
		for s.stats.vertices.Load() < uint64(len(encoded)) {
			time.Sleep(time.Millisecond)
		}
	})
}

// cpuTime is what this process has used: on a busy machine time by the clock says little.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
