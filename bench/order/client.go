package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// lot is a net.Conn that can hold writes back: what is due at once is one system call.
type lot struct {
	net.Conn
	mu      sync.Mutex // the reader's goroutine writes too: pongs
	buffer  *bufio.Writer
	holding bool
}

// Write implements net.Conn.
func (l *lot) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.buffer.Write(b)
	if err == nil && !l.holding {
		err = l.buffer.Flush()
	}
	return n, err
}

// hold keeps what is written from now on until release.
func (l *lot) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holding = true
}

func (l *lot) release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holding = false
	return l.buffer.Flush()
}

// connection is the client's WebSocket to one node.
type connection struct {
	socket *websocket.Conn
	lot    *lot
}

// dial connects to a node that serves.
func dial(s system, p *process) (*connection, error) {
	c := new(connection)
	dialer := websocket.Dialer{
		HandshakeTimeout: 5 * time.Second, ReadBufferSize: 64 << 10, WriteBufferSize: 64 << 10,
		NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			c.lot = &lot{Conn: conn, buffer: bufio.NewWriterSize(conn, 256<<10)}
			return c.lot, nil
		},
	}
	socket, _, err := dialer.Dial("ws://"+p.ready.RPC+s.path(), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.ready.RPC, err)
	}
	c.socket = socket
	return c, nil
}

// send writes messages at once. It waits while the node does not read, at most until the deadline.
func (c *connection) send(messages [][]byte, deadline time.Time) error {
	if err := c.socket.SetWriteDeadline(deadline); err != nil {
		return err
	}
	c.lot.hold()
	for _, m := range messages {
		if err := c.socket.WriteMessage(websocket.TextMessage, m); err != nil {
			return err
		}
	}
	return c.lot.release()
}
