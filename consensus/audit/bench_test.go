package audit

import (
	"testing"
	"time"
)

// BenchmarkReplay tells how many vertices of a loaded log are verified and replayed a second.
func BenchmarkReplay(b *testing.B) {
	s := newSwarm(b, 100)
	for range 50 {
		s.submit(4, 40*millisecond)
		s.run(40 * time.Millisecond)
	}
	cfg := s.config([32]byte{1})
	vertices := 0
	for b.Loop() {
		r, err := New(cfg)
		if err != nil {
			b.Fatal(err)
		}
		if err := feed(r, s.nodes[0].log); err != nil {
			b.Fatal(err)
		}
		vertices += int(r.Taken())
	}
	b.ReportMetric(float64(vertices)/b.Elapsed().Seconds(), "vertices/s")
}
