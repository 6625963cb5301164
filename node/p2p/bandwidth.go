package p2p

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"golang.org/x/time/rate"
)

// bandwidth holds what the node's protocols send and receive, together, to a number of bytes a second. All streams of all
// protocols take from one bucket of a second's worth. What moves in bulk (rows, blocks, states) takes from a smaller one first, so
// that a sequencer's vertices and certified headers find room while a block is being fetched: they are small, and what a peer
// gains from this line depends on them.
//
// A stream that has to wait reads or writes later; the other side is slowed down by the transport's own flow control, and
// nothing is lost. What libp2p says by itself (identify, AutoNAT) is not held up, nor is what relays pass on for others: those
// have limits of their own.
type bandwidth struct {
	limit int64
	all   *rate.Limiter
	bulk  *rate.Limiter
	used  atomic.Int64
}

// bulkShare is the part of the bandwidth that bulk may take, and pacedPiece the most that is let through at once.
const (
	bulkShare  = 0.7
	pacedPiece = 16 << 10
)

// newBandwidth is nil for no limit.
func newBandwidth(bytesPerSecond int64) *bandwidth {
	if bytesPerSecond == 0 {
		return nil
	}
	burst := max(int(bytesPerSecond/2), pacedPiece)
	return &bandwidth{limit: bytesPerSecond, all: rate.NewLimiter(rate.Limit(bytesPerSecond), burst),
		bulk: rate.NewLimiter(rate.Limit(bulkShare*float64(bytesPerSecond)), burst)}
}

// isBulk reports whether a protocol moves much.
func isBulk(id protocol.ID) bool {
	switch useOf(id) {
	case useBlocks, useProofs, useRows, useSnapshot:
		return true
	}
	return false
}

// take waits until n bytes, at most pacedPiece, may pass.
func (b *bandwidth) take(ctx context.Context, n int, bulk bool) error {
	b.used.Add(int64(n))
	if bulk {
		if err := b.bulk.WaitN(ctx, n); err != nil {
			return err
		}
	}
	return b.all.WaitN(ctx, n)
}

// pacedStream is a stream that keeps to the bandwidth.
type pacedStream struct {
	network.Stream
	b    *bandwidth
	bulk atomic.Bool
	// deadline of writes and reads, as Unix nanoseconds; 0: none. A wait ends with it, as the stream's own would.
	readUntil, writeUntil atomic.Int64
}

func (b *bandwidth) pace(s network.Stream) network.Stream {
	if b == nil || s == nil {
		return s
	}
	p := &pacedStream{Stream: s, b: b}
	p.bulk.Store(isBulk(s.Protocol()))
	return p
}

// SetProtocol implements network.Stream.
func (s *pacedStream) SetProtocol(id protocol.ID) error {
	s.bulk.Store(isBulk(id))
	return s.Stream.SetProtocol(id)
}

// Read implements network.Stream: what was read is paid for before the next read.
func (s *pacedStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p[:min(len(p), pacedPiece)])
	if n > 0 {
		if late := s.wait(n, &s.readUntil); late != nil && err == nil {
			err = late
		}
	}
	return n, err
}

// Write implements network.Stream.
func (s *pacedStream) Write(p []byte) (done int, err error) {
	for len(p) > done {
		piece := p[done:min(len(p), done+pacedPiece)]
		if err := s.wait(len(piece), &s.writeUntil); err != nil {
			return done, err
		}
		n, err := s.Stream.Write(piece)
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func (s *pacedStream) wait(n int, until *atomic.Int64) error {
	ctx := context.Background()
	if at := until.Load(); at != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, time.Unix(0, at))
		defer cancel()
	}
	if err := s.b.take(ctx, n, s.bulk.Load()); err != nil {
		return errPaced
	}
	return nil
}

// SetDeadline implements network.Stream.
func (s *pacedStream) SetDeadline(t time.Time) error {
	s.readUntil.Store(nanosOf(t))
	s.writeUntil.Store(nanosOf(t))
	return s.Stream.SetDeadline(t)
}

// SetReadDeadline implements network.Stream.
func (s *pacedStream) SetReadDeadline(t time.Time) error {
	s.readUntil.Store(nanosOf(t))
	return s.Stream.SetReadDeadline(t)
}

// SetWriteDeadline implements network.Stream.
func (s *pacedStream) SetWriteDeadline(t time.Time) error {
	s.writeUntil.Store(nanosOf(t))
	return s.Stream.SetWriteDeadline(t)
}

func nanosOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// errPaced is what a stream says whose deadline would pass before the bandwidth has room. It is a time-out, as net.Error has it.
var errPaced error = pacedError{}

type pacedError struct{}

func (pacedError) Error() string { return "no bandwidth is left before the deadline" }

// Timeout and Temporary implement net.Error.
func (pacedError) Timeout() bool   { return true }
func (pacedError) Temporary() bool { return true }
