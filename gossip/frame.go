package gossip

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/etherscale/bedrock/types"
)

// A frame is how messages lie on a direct stream:
//
//	BE32 length | length bytes
//
// Frames are written and read in pieces of 64 KiB, each with a deadline of its own: a slow link may take its time, a
// stalled one is given up, and no other stream of the connection waits long behind a large frame.
const (
	framePiece = 64 << 10
	// pieceTimeout is how long one piece may take: it bounds the slowest link that is served, 64 KiB in 10 s.
	pieceTimeout = 10 * time.Second
)

// deadlined is the part of a stream that frames need.
type deadlined interface {
	io.ReadWriter
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// writeFrame writes parts as one frame.
func writeFrame(s deadlined, parts ...[]byte) error {
	length := 0
	for _, p := range parts {
		length += len(p)
	}
	head := make([]byte, 4, 4+min(length, framePiece))
	binary.BigEndian.PutUint32(head, uint32(length))
	if length <= framePiece { // one write for the small ones: one packet
		for _, p := range parts {
			head = append(head, p...)
		}
		return writePieces(s, head)
	}
	for _, p := range append([][]byte{head}, parts...) {
		if err := writePieces(s, p); err != nil {
			return err
		}
	}
	return nil
}

func writePieces(s deadlined, b []byte) error {
	for len(b) > 0 {
		n := min(len(b), framePiece+4)
		if err := s.SetWriteDeadline(time.Now().Add(pieceTimeout)); err != nil {
			return err
		}
		if _, err := s.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// readFrame reads one frame of at most limit bytes. The first byte may take idle; memory grows with the bytes that
// arrive, never with the length that is claimed.
func readFrame(s deadlined, limit int, idle time.Duration) ([]byte, error) {
	if err := s.SetReadDeadline(time.Now().Add(idle)); err != nil {
		return nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(s, head[:]); err != nil {
		return nil, err
	}
	length := int64(binary.BigEndian.Uint32(head[:]))
	if length > int64(limit) {
		return nil, fmt.Errorf("frame of %d bytes, at most %d: %w", length, limit, types.ErrMalformed)
	}
	var body []byte
	for int64(len(body)) < length {
		n := int(min(length-int64(len(body)), framePiece))
		if cap(body)-len(body) < n {
			grown := make([]byte, len(body), min(length, max(int64(2*cap(body)), int64(n))))
			copy(grown, body)
			body = grown
		}
		n = min(n, cap(body)-len(body))
		if err := s.SetReadDeadline(time.Now().Add(pieceTimeout)); err != nil {
			return nil, err
		}
		piece := body[len(body) : len(body)+n]
		if _, err := io.ReadFull(s, piece); err != nil {
			return nil, fmt.Errorf("frame of %d bytes ends early: %w", length, err)
		}
		body = body[:len(body)+n]
	}
	return body, nil
}
