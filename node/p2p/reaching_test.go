package p2p

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/multiformats/go-multiaddr"

	"github.com/etherscale/bedrock/rpc"
)

func addrsOf(t *testing.T, texts ...string) []multiaddr.Multiaddr {
	t.Helper()
	addrs, err := ParseAddrs(texts)
	if err != nil {
		t.Fatal(err)
	}
	return addrs
}

func TestGaterDialsNoReservedRange(t *testing.T) {
	const id = "/p2p/12D3KooWGatU8yVTDh6oVsCKvhaDLQpzoNTB5DHzgnpjmAvBjDoX"
	named, err := ParsePeers([]string{"/ip4/192.168.7.7/tcp/4848" + id})
	if err != nil {
		t.Fatal(err)
	}
	g := newGater(named)
	for text, dialled := range map[string]bool{
		"/ip4/10.1.2.3/tcp/4848": false, "/ip4/172.31.0.1/udp/4848/quic-v1": false, "/ip4/192.168.1.1/tcp/80": false,
		"/ip4/100.64.9.9/tcp/4848": false, "/ip4/169.254.1.1/tcp/1": false, "/ip4/127.0.0.1/tcp/1": false, "/ip4/198.18.0.1/tcp/1": false,
		"/ip4/240.0.0.1/tcp/1": false, "/ip6/fe80::1/tcp/1": false, "/ip6/fd00::1/tcp/1": false, "/ip6/::ffff:10.0.0.1/tcp/1": false,
		"/ip4/10.0.0.1/tcp/1" + id + "/p2p-circuit": false,
		"/ip4/192.168.7.7/tcp/4848":                 true, // named by the owner
		"/ip4/45.9.0.1/tcp/4848":                    true, "/ip4/172.32.0.1/tcp/1": true, "/ip6/2a00::1/udp/4848/quic-v1": true,
		"/ip4/45.9.0.1/tcp/1" + id + "/p2p-circuit": true,
	} {
		if got := g.InterceptAddrDial("", addrsOf(t, text)[0]); got != dialled {
			t.Errorf("%s: dialled %v, want %v", text, got, dialled)
		}
	}
}

func TestWhatIsAPublicNetwork(t *testing.T) {
	const id = "/p2p/12D3KooWGatU8yVTDh6oVsCKvhaDLQpzoNTB5DHzgnpjmAvBjDoX"
	for _, c := range []struct {
		bootstrap, own string
		public         bool
	}{
		{"/ip4/127.0.0.1/tcp/4848" + id, "/ip4/45.1.1.1/tcp/1", false},
		{"/ip4/192.168.0.2/tcp/4848" + id, "/ip4/192.168.0.3/tcp/1", false},
		{"/ip4/45.9.0.1/tcp/4848" + id, "/ip4/192.168.0.3/tcp/1", true},
		{"/dns4/join.example.org/tcp/4848" + id, "/ip4/192.168.0.3/tcp/1", true},
		{"", "/ip4/192.168.0.3/tcp/1", false},
		{"", "/ip4/45.9.0.1/tcp/1", true},
	} {
		var named []peer.AddrInfo
		if c.bootstrap != "" {
			var err error
			named, err = ParsePeers([]string{c.bootstrap})
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := isPublicNetwork(named, addrsOf(t, c.own)); got != c.public {
			t.Errorf("%+v: public %v", c, got)
		}
	}
}

// TestStreamsOverRelay: what no direct connection can be made to is worked with through a relay, limits and all.
func TestStreamsOverRelay(t *testing.T) {
	between, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.ForceReachabilityPublic(),
		libp2p.EnableRelayService(relay.WithResources(relay.DefaultResources())))
	if err != nil {
		t.Fatal(err)
	}
	defer between.Close()
	at := peer.AddrInfo{ID: between.ID(), Addrs: between.Addrs()}
	hidden, dialler := opened(t, 0, Config{}), opened(t, 1, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := hidden.Connect(ctx, at); err != nil {
		t.Fatal(err)
	}
	if _, err = client.Reserve(ctx, hidden.Host, at); err != nil {
		t.Fatal(err)
	}
	hidden.SetStreamHandler("/bedrock/test/1", func(s network.Stream) {
		_, _ = io.Copy(s, s)
		_ = s.Close()
	})
	circuit := at.Addrs[0].String() + "/p2p/" + at.ID.String() + "/p2p-circuit"
	if err := dialler.Connect(ctx, peer.AddrInfo{ID: hidden.ID(), Addrs: addrsOf(t, circuit)}); err != nil {
		t.Fatal(err)
	}
	if c := dialler.Host.Network().Connectedness(hidden.ID()); c != network.Limited {
		t.Fatalf("connection is %s, want one with a relay's limits", c)
	}
	if c := dialler.Network().Connectedness(hidden.ID()); c != network.Connected {
		t.Fatalf("the node's parts see %s", c)
	}
	s, err := dialler.NewStream(ctx, hidden.ID(), "/bedrock/test/1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Write([]byte("over a relay"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	echo, err := io.ReadAll(s)
	if err != nil {
		t.Fatal(err)
	}
	if string(echo) != "over a relay" {
		t.Fatalf("echo %q", echo)
	}
	if direct, relayed := countPeers(dialler.Host.Network()); direct != 1 || relayed != 1 {
		t.Fatalf("%d direct, %d relayed peers, want the relay and the hidden one", direct, relayed)
	}
}

func TestObservedAddressesAreBounded(t *testing.T) {
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	p, err := newPuncher(h, newReach(slog.Default()))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	for i := range maxObserved + 1 {
		p.saw(addrsOf(t, fmt.Sprintf("/ip4/45.1.1.1/tcp/%d", 1000+i))[0])
	}
	p.saw(addrsOf(t, "/ip4/45.1.1.1/tcp/1001")[0]) // told again: the newest now
	p.saw(addrsOf(t, "/ip4/45.1.1.1/tcp/2000")[0])
	told := make(map[string]bool)
	for _, a := range p.addrs() {
		told[a.String()] = true
	}
	if len(told) != maxObserved || told["/ip4/45.1.1.1/tcp/1000"] || told["/ip4/45.1.1.1/tcp/1002"] || !told["/ip4/45.1.1.1/tcp/1001"] {
		t.Fatalf("%d addresses: %v", len(told), told)
	}
}

// TestTCPIsGuessedFromQUIC: a router that kept the port of QUIC is taken to keep that of TCP.
func TestTCPIsGuessedFromQUIC(t *testing.T) {
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	p, err := newPuncher(h, newReach(slog.Default()))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	var tcp, quic string
	for _, a := range h.Network().ListenAddresses() {
		_, port, _ := transportPort(a)
		if TransportOf(a) == "quic" {
			quic = fmt.Sprintf("/ip4/45.1.1.1/udp/%d/quic-v1", port)
		} else {
			tcp = fmt.Sprintf("/ip4/45.1.1.1/tcp/%d", port)
		}
	}
	p.saw(addrsOf(t, "/ip4/45.9.9.9/udp/7/quic-v1")[0]) // another port: nothing follows from it
	p.saw(addrsOf(t, quic)[0])
	var got []string
	for _, a := range p.addrs() {
		got = append(got, a.String())
	}
	if len(got) != 3 || !slices.Contains(got, tcp) {
		t.Fatalf("addresses %q, want %s among them", got, tcp)
	}
}

func TestRouterWord(t *testing.T) {
	mapped := rpc.Reachability{Mapped: []string{"/ip4/45.1.1.1/tcp/9"}}
	behind := rpc.Reachability{Mapped: []string{"/ip4/100.64.1.1/tcp/9"}, CGNAT: true}
	for _, c := range []struct {
		of   rpc.Reachability
		says string
	}{{mapped, "/ip4/45.1.1.1/tcp/9"}, {behind, "another one of the provider"}, {rpc.Reachability{}, "that is fine"}} {
		if got := routerWord(c.of); !strings.Contains(got, c.says) {
			t.Errorf("%+v: %q, want %q in it", c.of, got, c.says)
		}
	}
}

func TestMappedAddress(t *testing.T) {
	for listen, want := range map[string]string{
		"/ip4/0.0.0.0/tcp/4848":         "/ip4/45.1.1.1/tcp/9",
		"/ip4/0.0.0.0/udp/4848/quic-v1": "/ip4/45.1.1.1/udp/9/quic-v1",
	} {
		if got := withPort(addrsOf(t, "/ip4/45.1.1.1")[0], addrsOf(t, listen)[0], 9); got.String() != want {
			t.Errorf("%s mapped as %s, want %s", listen, got, want)
		}
	}
}
