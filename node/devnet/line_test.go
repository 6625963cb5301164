package devnet

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// A line holds back both directions, changes nothing, and closes at both ends.
func TestLineDelaysBothWays(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	echoed := make(chan error, 1)
	go func() {
		c, err := listener.Accept()
		if err == nil {
			_, err = io.Copy(c, c)
			_ = c.Close()
		}
		echoed <- err
	}()
	const delay = 30 * time.Millisecond
	c, err := line{delay}.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	sent, start := bytes.Repeat([]byte("late"), 100_000), time.Now()
	go func() { _, _ = c.Write(sent) }()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
		t.Fatal("other bytes came back", err)
	}
	if took := time.Since(start); took < 2*delay { // a lower bound holds on a busy machine, too
		t.Errorf("there and back took %v", took)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-echoed; err != nil {
		t.Fatal("the far end was not closed:", err)
	}
}
