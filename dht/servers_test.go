package dht

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	kb "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"
	"pgregory.net/rapid"
)

// nearest agrees with sorting everybody by kad-dht's own metric and dropping all but the nearest of each group.
func TestNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table []server
		var ids []peer.ID
		groups := make(map[peer.ID]string)
		for i := range rapid.IntRange(0, 30).Draw(t, "servers") {
			p := peer.ID(fmt.Sprint("peer", i))
			g := rapid.SampledFrom([]string{"", "", "a", "b"}).Draw(t, "group")
			table = append(table, server{id: p, place: [32]byte(kb.ConvertPeerID(p)), group: g})
			ids, groups[p] = append(ids, p), g
		}
		key, n := rapid.String().Draw(t, "key"), rapid.IntRange(1, 8).Draw(t, "n")
		var want []peer.ID
		taken := make(map[string]bool)
		for _, p := range kb.SortClosestPeers(ids, kb.ConvertKey(key)) {
			if g := groups[p]; len(want) == n || (g != "" && taken[g]) {
				continue
			}
			taken[groups[p]] = true
			want = append(want, p)
		}
		if got := nearest(table, key, n); !slices.Equal(got, want) {
			t.Fatalf("nearest %v, want %v", got, want)
		}
	})
}

func TestNetworkGroup(t *testing.T) {
	group := func(s ...string) string {
		var addrs []ma.Multiaddr
		for _, a := range s {
			addrs = append(addrs, ma.StringCast(a))
		}
		return networkGroup(addrs)
	}
	if g := group("/ip4/127.0.0.1/tcp/1", "/ip4/192.168.1.4/tcp/1"); g != "" {
		t.Fatalf("private addresses have group %x", g)
	}
	if group("/ip4/45.10.0.1/tcp/1") != group("/ip4/10.0.0.1/tcp/9", "/ip4/45.10.0.200/udp/2/quic-v1") {
		t.Fatal("one /24, two groups")
	}
	if group("/ip4/45.10.0.1/tcp/1") == group("/ip4/45.10.1.1/tcp/1") {
		t.Fatal("two /24, one group")
	}
	if g := group("/ip6/2604:a880:1::5/tcp/1"); !bytes.Equal([]byte(g), []byte{0x26, 0x04, 0xa8, 0x80, 0, 1}) {
		t.Fatalf("group %x is no /48", g)
	}
}

// silentHost is connected to nobody.
type silentHost struct{ host.Host }

func (silentHost) ID() peer.ID                    { return "self" }
func (silentHost) Network() network.Network       { return silentNetwork{} }
func (silentHost) Peerstore() peerstore.Peerstore { return silentStore{} }

type silentNetwork struct{ network.Network }

func (silentNetwork) Peers() []peer.ID { return nil }

type silentStore struct{ peerstore.Peerstore }

func (silentStore) Addrs(peer.ID) []ma.Multiaddr { return nil }

// A server that fails for less than absence stays on the roster, though readers pass it over; then it is gone until it
// gives a sign of life.
func TestGoneServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServers(silentHost{}, "kad", false, func() []peer.ID { return []peer.ID{"a", "b"} })
		has := func(table []server, p peer.ID) bool {
			return slices.ContainsFunc(table, func(s server) bool { return s.id == p })
		}
		s.failed("a")
		if has(s.list(), "a") || !has(s.roster(), "a") || !has(s.list(), "b") {
			t.Fatal("one failure: not passed over, or off the roster")
		}
		time.Sleep(absence - time.Second)
		s.failed("a")
		if !has(s.roster(), "a") || len(s.silent()) != 1 {
			t.Fatal("gone too early")
		}
		time.Sleep(time.Second)
		s.failed("a")
		if has(s.roster(), "a") || has(s.list(), "a") || len(s.silent()) != 0 {
			t.Fatal("not gone")
		}
		time.Sleep(2 * oldFailures)
		if has(s.list(), "a") {
			t.Fatal("back without a sign of life, because the routing table still names it")
		}
		s.alive("a")
		if !has(s.list(), "a") || !has(s.roster(), "a") {
			t.Fatal("not back")
		}
	})
}
