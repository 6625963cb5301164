package p2p

import (
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/execution/exectest"
)

// TestBothFamilies: a host listens over IPv4 and, where the machine has it, IPv6, and is dialled over each of its transports by
// each.
func TestBothFamilies(t *testing.T) {
	open := func(key int) *Host {
		h, err := New(Config{Key: exectest.PeerKey(key), Limits: Limits{ConnsLow: 36, ConnsHigh: 50, ConnsPerIP: 16}, Listen: addrsOf(t, anyPort()...), Log: slog.Default()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = h.Close() })
		return h
	}
	families := map[string]string{"/ip4/0.0.0.0/": "/ip4/127.0.0.1/"}
	if socket, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		_ = socket.Close()
		families["/ip6/::/"] = "/ip6/::1/"
	} else {
		t.Log("this machine has no IPv6")
	}
	listens := open(1)
	for any, own := range families {
		for _, transport := range []string{"/tcp/", "/quic-v1"} {
			var at string
			for _, a := range listens.Network().ListenAddresses() {
				if text := a.String(); strings.HasPrefix(text, any) && strings.Contains(text, transport) {
					at = own + strings.TrimPrefix(text, any)
				}
			}
			if at == "" {
				t.Fatalf("nothing of %s%s in %v", any, transport, listens.Network().ListenAddresses())
			}
			dials := open(2)
			if err := dials.Connect(t.Context(), peer.AddrInfo{ID: listens.ID(), Addrs: addrsOf(t, at)}); err != nil {
				t.Errorf("%s: %v", at, err)
			}
			if err := dials.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
