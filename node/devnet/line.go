package devnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// line delays what nodes of one machine send each other, so that a swarm in one process behaves like one on a wide net. Every
// TCP connection leads through two goroutines that hold each piece back for the delay; they end with the connection.
type line struct{ delay time.Duration }

// piece is what was read at once, and when it may go on.
type piece struct {
	data []byte
	due  time.Time
}

// What is under way on a line, as on a real one, is bounded; who sends more waits.
const (
	pieceBytes  = 64 << 10
	piecesUnder = 256
)

// DialContext opens a delayed connection. It is a real one, to this process, as libp2p wants to set its options.
func (l line) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	far, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	near, end, err := pair(ctx)
	if err != nil {
		return nil, errors.Join(err, far.Close())
	}
	go l.carry(far, end)
	go l.carry(end, far)
	return near, nil
}

// pair makes a connection to itself.
func pair(ctx context.Context) (near, end net.Conn, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("simulated line: %w", err)
	}
	defer func() { _ = listener.Close() }()
	var dialer net.Dialer
	if near, err = dialer.DialContext(ctx, "tcp", listener.Addr().String()); err != nil {
		return nil, nil, fmt.Errorf("simulated line: %w", err)
	}
	if end, err = listener.Accept(); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("simulated line: %w", err), near.Close())
	}
	return near, end, nil
}

// carry passes on what comes from one end to the other, late, until either closes.
func (l line) carry(to io.WriteCloser, from io.ReadCloser) {
	pieces := make(chan piece, piecesUnder)
	go func() {
		defer func() { _ = to.Close() }()
		for p := range pieces {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.data); err != nil {
				_ = from.Close() // and read the rest to nowhere
			}
		}
	}()
	defer close(pieces)
	defer func() { _ = from.Close() }()
	for {
		data := make([]byte, pieceBytes)
		n, err := from.Read(data)
		if n > 0 {
			pieces <- piece{data[:n], time.Now().Add(l.delay)}
		}
		if err != nil {
			return
		}
	}
}
