package node

import (
	"encoding/binary"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/types"
)

// benchServers is how many peers serve in the benchmarks.
const benchServers = 4

// BenchmarkJoin measures what joining late consists of, from four peers on real hosts over loopback, each beside a limit
// measured in the same run:
//
//	headers/s  beside how many certificates all cores verify a second
//	bodies     MB/s, beside what all cores encode (each body is encoded to be checked) and what one loopback stream copies
//	state      MB/s of parts, beside the same parts taken from memory by one caller
//
// far is the same with every answer held back 100 ms.
func BenchmarkJoin(b *testing.B) {
	for name, delay := range map[string]time.Duration{"near": 0, "far": 100 * time.Millisecond} {
		b.Run("headers/"+name, func(b *testing.B) { benchHeaders(b, delay) })
		b.Run("bodies/"+name, func(b *testing.B) { benchBodies(b, delay) })
		b.Run("state/"+name, func(b *testing.B) { benchState(b, delay) })
	}
}

// held are handlers whose answers wait.
func held(h gossip.Handlers, delay time.Duration) gossip.Handlers {
	headers, body, snapshot := h.Headers, h.Body, h.Snapshot
	if headers != nil {
		h.Headers = func(from types.Height, most int) []types.CertifiedHeader {
			time.Sleep(delay)
			return headers(from, most)
		}
		h.Body = func(at types.Height) ([]byte, error) { time.Sleep(delay); return body(at) }
	}
	if snapshot != nil {
		h.Snapshot = func(r *types.SnapshotRequest) ([]byte, bool) { time.Sleep(delay); return snapshot(r) }
	}
	return h
}

func benchLibrary(b *testing.B, s *exectest.Swarm, h gossip.Handlers, delay time.Duration) *library {
	l := newLibrary(b, s.Network, s.Committee())
	for range benchServers {
		l.serve(held(h, delay), nil)
	}
	return l
}

func benchHeaders(b *testing.B, delay time.Duration) {
	const blocks = 12_000
	s := headerChain(b, blocks, func(int) []byte { return nil })
	l := benchLibrary(b, s, shelf(s), delay)
	for b.Loop() {
		c := follower(b, l, s)
		began := time.Now()
		run(b, c)
		waitFor(b, "headers", func() bool { return int(c.Head().Header.Height) == blocks })
		b.ReportMetric(float64(blocks)/time.Since(began).Seconds(), "headers/s")
	}
	committee := s.Committee()
	rate := onAllCores(func(i int) int {
		ch, _ := s.Certified(types.Height(i%blocks + 1))
		if err := ch.Verify(s.Network, committee); err != nil {
			panic(err)
		}
		return 1
	})
	b.ReportMetric(rate, "verified/s")
}

// onAllCores is how much work of a kind all cores do in a second.
func onAllCores(work func(i int) int) float64 {
	var group errgroup.Group
	var mu sync.Mutex
	total, began := 0, time.Now()
	for core := range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			done := 0
			for i := core; time.Since(began) < time.Second; i += runtime.GOMAXPROCS(0) {
				done += work(i)
			}
			mu.Lock()
			defer mu.Unlock()
			total += done
			return nil
		})
	}
	_ = group.Wait()
	return float64(total) / time.Since(began).Seconds()
}

func benchBodies(b *testing.B, delay time.Duration) {
	const blocks, size = 150, 1 << 20
	random := make([]byte, size)
	rng := rand.NewChaCha8([32]byte{1})
	_, _ = rng.Read(random)
	s := headerChain(b, blocks, func(i int) []byte {
		data := append([]byte{}, random...)
		binary.BigEndian.PutUint32(data, uint32(i))
		return data
	})
	l := benchLibrary(b, s, shelf(s), delay)
	for b.Loop() {
		c := follower(b, l, s)
		began := time.Now()
		run(b, c)
		waitFor(b, "bodies", func() bool { return c.BodiesHead() == blocks })
		b.ReportMetric(blocks*size/1e6/time.Since(began).Seconds(), "MB/s")
	}
	rate := onAllCores(func(int) int {
		if _, err := coding.Encode(random); err != nil {
			panic(err)
		}
		return size
	})
	b.ReportMetric(rate/1e6, "encodedMB/s")
	b.ReportMetric(loopback(b)/1e6, "loopbackMB/s")
}

// loopback is how many bytes a second one TCP connection over loopback carries.
func loopback(b *testing.B) float64 {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	const bytes = 1 << 30
	go func() {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			return
		}
		defer conn.Close()
		piece := make([]byte, 64<<10)
		for range bytes / len(piece) {
			if _, err := conn.Write(piece); err != nil {
				return
			}
		}
	}()
	conn, err := listener.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{conn}, make([]byte, 64<<10))
	if err != nil || n != bytes {
		b.Fatal(n, err)
	}
	return float64(n) / time.Since(began).Seconds()
}

func benchState(b *testing.B, delay time.Duration) {
	const accounts, slots = 60_000, 60_000
	s, end := settledAt(b, accounts, slots)
	l := benchLibrary(b, s, gossip.Handlers{Snapshot: s.Chain.Snapshot}, delay)
	n := &Node{gossip: l.gossip, log: slog.New(slog.DiscardHandler)}
	var bytes uint64
	for b.Loop() {
		roots, err := n.findRoots(l.ctx, end)
		if err != nil {
			b.Fatal(err)
		}
		r := begin(b, newcomer(b, s, accounts, slots), end, roots[0])
		began := time.Now()
		if err := n.fetchPieces(l.ctx, r); err != nil {
			b.Fatal(err)
		}
		_, _, bytes = r.Progress()
		b.ReportMetric(float64(bytes)/1e6/time.Since(began).Seconds(), "MB/s")
	}
	roots, err := n.findRoots(l.ctx, end)
	if err != nil {
		b.Fatal(err)
	}
	r := begin(b, newcomer(b, s, accounts, slots), end, roots[0])
	began := time.Now()
	for !r.Whole() {
		t := r.Tasks(1, nil)[0]
		answer, ok := s.Chain.Snapshot(r.Request(t))
		if !ok {
			b.Fatal("a part is not served")
		}
		if err := r.Add(t, answer); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(bytes)/1e6/time.Since(began).Seconds(), "localMB/s")
}
