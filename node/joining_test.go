package node

import (
	"context"
	"log/slog"
	"net"
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

// joining keeps a node joined until stop.
func joining(t *testing.T, n *Node) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.stayJoined(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestAStartWithoutNodesToJoinBy: when the only node to join by is gone for good, a node that was in the network before finds it
// again by the peers that it met.
func TestAStartWithoutNodesToJoinBy(t *testing.T) {
	s := exectest.New(t, nil)
	boot := quietNode(t, s, Config{Key: exectest.PeerKey(31), Role: Bootstrap})
	other := quietNode(t, s, Config{Key: exectest.PeerKey(32), Role: Bootstrap})
	cfg := Config{Genesis: s.Genesis, Key: exectest.PeerKey(33), Role: Light, Data: t.TempDir(), Listen: []string{"/ip4/127.0.0.1/tcp/0"},
		Bootstrap: boot.Addrs(), Logger: slog.New(slog.DiscardHandler)}
	for start := range 2 {
		n, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		stop := joining(t, n)
		met := func(p *Node) bool { return len(n.host.Network().ConnsToPeer(p.host.ID())) > 0 }
		if start == 0 {
			awaitTrue(t, "joined by the node to join by", func() bool { return met(boot) })
			if err := n.host.Connect(t.Context(), peer.AddrInfo{ID: other.host.ID(), Addrs: other.host.Addrs()}); err != nil {
				t.Fatal(err)
			}
		} else {
			awaitTrue(t, "joined by a peer of the address book", func() bool { return met(other) })
		}
		stop()
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		if start == 0 {
			if err := boot.host.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestLostPeersAreDialledAgain: a node that lost all its peers comes back by itself.
func TestLostPeersAreDialledAgain(t *testing.T) {
	s := exectest.New(t, nil)
	boot := quietNode(t, s, Config{Key: exectest.PeerKey(31), Role: Bootstrap})
	n := quietNode(t, s, Config{Key: exectest.PeerKey(32), Role: Light, Bootstrap: boot.Addrs()})
	defer joining(t, n)()
	for range 2 {
		awaitTrue(t, "joined", func() bool { return len(n.host.Network().Peers()) == 1 })
		if err := boot.host.Network().ClosePeer(n.host.ID()); err != nil {
			t.Fatal(err)
		}
		awaitTrue(t, "the loss seen", func() bool { return len(boot.host.Network().Peers()) == 0 })
	}
	awaitTrue(t, "joined again", func() bool { return len(n.host.Network().Peers()) == 1 })
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
	s := exectest.New(t, nil)
	quick := quietNode(t, s, Config{Key: exectest.PeerKey(31), Role: Bootstrap})
	dead := quietNode(t, s, Config{Key: exectest.PeerKey(32), Role: Bootstrap})
	line := new(frozen)
	defer line.thaw()
	n := quietNode(t, s, Config{Key: exectest.PeerKey(33), Role: Light, Dialer: line})
	if err := n.host.Connect(t.Context(), peer.AddrInfo{ID: dead.host.ID(), Addrs: dead.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	if err := quick.host.Connect(t.Context(), peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	n.dropSilent(t.Context(), "nothing happened")
	if got := len(n.host.Network().Peers()); got != 2 {
		t.Fatalf("%d of 2 living peers are kept", got)
	}
	line.freeze()
	n.dropSilent(t.Context(), "the machine moved")
	if got := n.host.Network().Peers(); len(got) != 1 || got[0] != quick.host.ID() {
		t.Fatalf("connected with %v, want %s alone", got, quick.host.ID())
	}
}

// TestADeadConnectionMakesRoomForTheNewOne: who moved connects anew, and the other side sends into the old connection no longer.
func TestADeadConnectionMakesRoomForTheNewOne(t *testing.T) {
	s := exectest.New(t, nil)
	stays := quietNode(t, s, Config{Key: exectest.PeerKey(31), Role: Bootstrap})
	line := new(frozen)
	defer line.thaw()
	moves := quietNode(t, s, Config{Key: exectest.PeerKey(32), Role: Light, Dialer: line})
	at := peer.AddrInfo{ID: stays.host.ID(), Addrs: stays.host.Addrs()}
	if err := moves.host.Connect(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	held := func() []network.Conn { return stays.host.Network().ConnsToPeer(moves.host.ID()) }
	awaitTrue(t, "connected at both sides", func() bool { return len(held()) == 1 })
	dead := held()[0]
	line.freeze()
	if err := moves.host.Network().ClosePeer(at.ID); err != nil {
		t.Fatal(err)
	}
	if err := moves.host.Connect(t.Context(), at); err != nil {
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
		profile          Profile
		listen, announce string
		public           bool
	}{
		{ProfileHome, "/ip4/192.168.0.3/tcp/1", "", false},
		{ProfileHome, "/ip4/45.1.1.1/tcp/1", "", true},
		{ProfileHome, "/ip6/2a00::1/tcp/1", "", false},
		{ProfilePi, "/ip6/2a00::1/udp/1/quic-v1", "", false},
		{ProfileHome, "/ip6/2a00::1/tcp/1", "/ip6/2a00::1/tcp/1", true},
		{ProfileServer, "/ip6/2a00::1/tcp/1", "", true},
		{ProfileBootstrap, "/ip6/2a00::1/tcp/1", "", true},
		{ProfileServer, "/ip6/fe80::1/tcp/1", "", false},
	} {
		config := hostConfig{profile: c.profile, listen: addrsOf(t, c.listen)}
		if c.announce != "" {
			config.announce = addrsOf(t, c.announce)
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
