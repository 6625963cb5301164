package p2p

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/etherscale/bedrock/execution/exectest"
)

// joinPatient is how long tests wait for connections.
const joinPatient = time.Minute

func awaitTrue(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(joinPatient); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not in %v: %s", joinPatient, what)
		}
	}
}

// opened is a host of this machine.
func opened(t *testing.T, key int, c Config) *Host {
	t.Helper()
	c.Key, c.Limits, c.Log = exectest.PeerKey(key), Limits{ConnsLow: 36, ConnsHigh: 50, ConnsPerIP: 16}, slog.New(slog.DiscardHandler)
	c.Listen = addrsOf(t, "/ip4/127.0.0.1/tcp/0")
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func infoOf(h *Host) peer.AddrInfo { return peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()} }

// joining keeps a host joined until stop.
func joining(t *testing.T, h *Host, data string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.StayJoined(ctx, data, func(_ context.Context, by []peer.AddrInfo) {
			for _, p := range by {
				if !slices.ContainsFunc(h.config.Bootstrap, func(b peer.AddrInfo) bool { return b.ID == p.ID }) {
					t.Errorf("joined by %s, which is no node to join by", p.ID)
				}
			}
		})
	}()
	return func() {
		cancel()
		<-done
	}
}

// TestAStartWithoutNodesToJoinBy: when the only node to join by is gone for good, a host that was in the network before finds it
// again by the peers that it met.
func TestAStartWithoutNodesToJoinBy(t *testing.T) {
	boot, other, data := opened(t, 31, Config{}), opened(t, 32, Config{}), t.TempDir()
	at := infoOf(boot)
	for start := range 2 {
		h := opened(t, 33, Config{Light: true, Bootstrap: []peer.AddrInfo{at}})
		stop := joining(t, h, data)
		met := func(p *Host) bool { return len(h.Network().ConnsToPeer(p.ID())) > 0 }
		if start == 0 {
			awaitTrue(t, "joined by the node to join by", func() bool { return met(boot) })
			if err := h.Connect(t.Context(), infoOf(other)); err != nil {
				t.Fatal(err)
			}
		} else {
			awaitTrue(t, "joined by a peer of the address book", func() bool { return met(other) })
		}
		stop()
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		if start == 0 {
			if err := boot.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestLostPeersAreDialledAgain: a host that lost all its peers comes back by itself.
func TestLostPeersAreDialledAgain(t *testing.T) {
	boot := opened(t, 31, Config{})
	h := opened(t, 32, Config{Light: true, Bootstrap: []peer.AddrInfo{infoOf(boot)}})
	defer joining(t, h, t.TempDir())()
	for range 2 {
		awaitTrue(t, "joined", func() bool { return len(h.Network().Peers()) == 1 })
		if err := boot.Network().ClosePeer(h.ID()); err != nil {
			t.Fatal(err)
		}
		awaitTrue(t, "the loss seen", func() bool { return len(boot.Network().Peers()) == 0 })
	}
	awaitTrue(t, "joined again", func() bool { return len(h.Network().Peers()) == 1 })
}

func TestLineNoticesSleepAndNewAddresses(t *testing.T) {
	own := []net.Addr{&net.IPNet{IP: net.IPv4(192, 168, 1, 2), Mask: net.CIDRMask(24, 32)}}
	l := &line{addrs: func() ([]net.Addr, error) { return own, nil }}
	now := time.Now()
	after := func(d time.Duration, want bool) {
		t.Helper()
		now = now.Add(d)
		if why := l.changed(now); (why != "") != want {
			t.Errorf("after %v: %q", d, why)
		}
	}
	after(0, false)
	after(time.Hour, false) // a busy process is no sleeping machine
	own = append(own, &net.IPNet{IP: net.IPv4(192, 168, 9, 9), Mask: net.CIDRMask(24, 32)})
	after(lineEvery, false) // one more address breaks no connection
	own = own[1:]
	after(lineEvery, true)
	after(lineEvery, false)
	l.wall = l.wall.Add(-time.Hour) // the clock on the wall went on by an hour more than the process's
	after(time.Second, true)
	after(time.Second, false)
}

// frozen dials connections that fall silent, as those do whose machine moved.
type frozen struct {
	mu    sync.Mutex
	conns []*frozenConn
}

type frozenConn struct {
	net.Conn
	silent atomic.Bool
}

// freeze makes the connections of until now silent.
func (f *frozen) freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.silent.Store(true)
	}
}

// thaw closes what was dialled.
func (f *frozen) thaw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		_ = c.Conn.Close()
	}
}

func (f *frozen) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns = append(f.conns, &frozenConn{Conn: c})
	return f.conns[len(f.conns)-1], nil
}

// Write loses what is written while the line is silent.
func (c *frozenConn) Write(b []byte) (int, error) {
	if c.silent.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// Close tells the other side nothing while the line is silent.
func (c *frozenConn) Close() error {
	if c.silent.Load() {
		return c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
	return c.Conn.Close()
}

func TestSilentConnectionsAreDropped(t *testing.T) {
	quick := opened(t, 31, Config{})
	dead := opened(t, 32, Config{})
	line := new(frozen)
	defer line.thaw()
	n := opened(t, 33, Config{Light: true, Dialer: line})
	if err := n.Connect(t.Context(), infoOf(dead)); err != nil {
		t.Fatal(err)
	}
	if err := quick.Connect(t.Context(), infoOf(n)); err != nil {
		t.Fatal(err)
	}
	n.dropSilent(t.Context(), "nothing happened")
	if got := len(n.Network().Peers()); got != 2 {
		t.Fatalf("%d of 2 living peers are kept", got)
	}
	line.freeze()
	n.dropSilent(t.Context(), "the machine moved")
	if got := n.Network().Peers(); len(got) != 1 || got[0] != quick.ID() {
		t.Fatalf("connected with %v, want %s alone", got, quick.ID())
	}
}

// TestADeadConnectionMakesRoomForTheNewOne: who moved connects anew, and the other side sends into the old connection no longer.
func TestADeadConnectionMakesRoomForTheNewOne(t *testing.T) {
	stays := opened(t, 31, Config{})
	line := new(frozen)
	defer line.thaw()
	moves := opened(t, 32, Config{Light: true, Dialer: line})
	at := infoOf(stays)
	if err := moves.Connect(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	held := func() []network.Conn { return stays.Network().ConnsToPeer(moves.ID()) }
	awaitTrue(t, "connected at both sides", func() bool { return len(held()) == 1 })
	dead := held()[0]
	line.freeze()
	if err := moves.Network().ClosePeer(at.ID); err != nil {
		t.Fatal(err)
	}
	if err := moves.Connect(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	awaitTrue(t, "the new connection alone", func() bool { return len(held()) == 1 && held()[0] != dead })
	// The multiplexer itself notices after 30 s (yamux's keep-alive).
	if lived := time.Since(dead.Stat().Opened); lived > 25*time.Second {
		t.Errorf("the dead connection was held for %v", lived)
	}
}

// TestWhoIsAPublicHost: a global IPv6 address at home stands behind the router's firewall.
func TestWhoIsAPublicHost(t *testing.T) {
	for _, c := range []struct {
		home             bool
		listen, announce string
		public           bool
	}{
		{true, "/ip4/192.168.0.3/tcp/1", "", false},
		{true, "/ip4/45.1.1.1/tcp/1", "", true},
		{true, "/ip6/2a00::1/tcp/1", "", false},
		{true, "/ip6/2a00::1/udp/1/quic-v1", "", false},
		{true, "/ip6/2a00::1/tcp/1", "/ip6/2a00::1/tcp/1", true},
		{false, "/ip6/2a00::1/tcp/1", "", true},
		{false, "/ip6/2a00::1/tcp/1", "", true},
		{false, "/ip6/fe80::1/tcp/1", "", false},
	} {
		config := Config{Home: c.home, Listen: addrsOf(t, c.listen)}
		if c.announce != "" {
			config.Announce = addrsOf(t, c.announce)
		}
		if got := config.isPublicHost(); got != c.public {
			t.Errorf("%+v: public %v", c, got)
		}
	}
	for _, listen := range []string{"/ip4/0.0.0.0/tcp/1", "/ip6/::/tcp/1"} {
		for _, a := range interfaceAddrs(addrsOf(t, listen)) {
			if has(a, multiaddr.P_IP6) != has(addrsOf(t, listen)[0], multiaddr.P_IP6) {
				t.Errorf("%s is not listened at by %s", a, listen)
			}
		}
	}
}
