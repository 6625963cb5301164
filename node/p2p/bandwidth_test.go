package p2p

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// TestBandwidthIsKept: however much a host has to send and to receive over real sockets, in both directions and over many streams
// at once, no second and a half of it holds more than the bandwidth and its burst; small urgent messages pass bulk.
func TestBandwidthIsKept(t *testing.T) {
	const limit = 400_000
	bounded, other := opened(t, 0, Config{Bandwidth: limit}), opened(t, 1, Config{})
	const rows, urgent = "/bedrock/x/row/2", "/bedrock/x/dag/1"
	for _, h := range []*Host{bounded, other} {
		h.SetStreamHandler(rows, func(s network.Stream) { _, _ = io.Copy(io.Discard, s) })
		h.SetStreamHandler(urgent, func(s network.Stream) {
			_, _ = io.Copy(s, s)
			_ = s.Close()
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := other.Connect(ctx, peer.AddrInfo{ID: bounded.ID(), Addrs: bounded.Addrs()}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for _, way := range [][2]*Host{{bounded, other}, {other, bounded}} {
		for range 3 {
			s, err := way[0].NewStream(ctx, way[1].ID(), rows)
			if err != nil {
				t.Fatal(err)
			}
			stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
			wg.Go(func() {
				defer stop()
				for piece := make([]byte, 64<<10); ; {
					if _, err := s.Write(piece); err != nil {
						return
					}
				}
			})
		}
	}
	moved := func() float64 {
		s := bounded.traffic.GetBandwidthTotals()
		return float64(s.TotalIn + s.TotalOut)
	}
	time.Sleep(time.Second) // the first burst
	before, begin := moved(), time.Now()
	for range 4 {
		s, err := other.NewStream(ctx, bounded.ID(), urgent)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte("vertex")); err != nil {
			t.Fatal(err)
		}
		_ = s.CloseWrite()
		if echo, err := io.ReadAll(s); err != nil || string(echo) != "vertex" {
			t.Fatalf("echo %q: %v", echo, err)
		}
		time.Sleep(500 * time.Millisecond)
	}
	took := time.Since(begin).Seconds()
	rate := (moved() - before) / took
	// What the transport has taken in and the node has not read is counted too: a window for each stream, once.
	if most := limit*1.1 + float64(limit)/2/took; rate > most {
		t.Errorf("%.0f bytes a second moved, at most %.0f", rate, most)
	}
	if rate < limit/4 {
		t.Errorf("%.0f bytes a second moved of %d: the line is not used", rate, limit)
	}
	t.Logf("%.0f of %d bytes a second", rate, limit)
}
