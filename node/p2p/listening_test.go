package p2p

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"

	manet "github.com/multiformats/go-multiaddr/net"
)

// TestTakenPort: a port that somebody listens at is not shared: it is an error, or the host moves to another.
func TestTakenPort(t *testing.T) {
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	for _, of := range []net.Addr{tcp.Addr(), udp.LocalAddr()} {
		a, err := manet.FromNetAddr(of)
		if err != nil {
			t.Fatal(err)
		}
		text := a.String()
		if strings.Contains(text, "/udp/") {
			text += "/quic-v1"
		}
		listen, err := ParseAddrs([]string{text})
		if err != nil {
			t.Fatal(err)
		}
		c := Config{Listen: listen, Log: slog.New(slog.DiscardHandler)}
		if _, err := c.free(); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "--listen") {
			t.Errorf("%s is taken: %v", text, err)
		}
		c.MayMove = true
		moved, err := c.free()
		if err != nil || len(moved) != len(anyPort()) || strings.Contains(moved[0].String(), text) {
			t.Errorf("%s is taken: moved to %v, %v", text, moved, err)
		}
	}
	free, err := ParseAddrs([]string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Listen: free}
	if same, err := c.free(); err != nil || len(same) != 2 || !same[0].Equal(free[0]) {
		t.Errorf("free ports: %v, %v", same, err)
	}
}
