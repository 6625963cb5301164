package dht

import (
	"testing"

	"github.com/libp2p/go-libp2p-kbucket/peerdiversity"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// addressed is a host that is connected to each peer by one address.
type addressed struct {
	host.Host
	addrs map[peer.ID]ma.Multiaddr
}

func (a addressed) Network() network.Network { return addressedNet{addrs: a.addrs} }

type addressedNet struct {
	network.Network
	addrs map[peer.ID]ma.Multiaddr
}

func (a addressedNet) ConnsToPeer(p peer.ID) []network.Conn {
	return []network.Conn{connTo{addr: a.addrs[p]}}
}

type connTo struct {
	network.Conn
	addr ma.Multiaddr
}

func (c connTo) RemoteMultiaddr() ma.Multiaddr { return c.addr }

// Of one public network group two peers enter a bucket and three the table; peers of the own network and machine all do.
func TestDiversity(t *testing.T) {
	h := addressed{addrs: make(map[peer.ID]ma.Multiaddr)}
	bucket := func(p peer.ID) int { return int(p[0]) }
	filter, err := peerdiversity.NewFilter(newDiversity(h), "test", bucket)
	if err != nil {
		t.Fatal(err)
	}
	add := func(p peer.ID, addr string) bool {
		h.addrs[p] = ma.StringCast(addr)
		return filter.TryAdd(p)
	}
	for _, c := range []struct {
		p    peer.ID
		addr string
		want bool
	}{
		{"a1", "/ip4/8.8.1.1/tcp/1", true},
		{"a2", "/ip4/8.8.2.1/tcp/1", true},
		{"a3", "/ip4/8.8.3.1/tcp/1", false}, // third in the bucket
		{"a4", "/ip4/9.9.3.1/tcp/1", true},
		{"b1", "/ip4/8.8.4.1/tcp/1", true},
		{"c1", "/ip4/8.8.5.1/tcp/1", false}, // fourth in the table
	} {
		if got := add(c.p, c.addr); got != c.want {
			t.Errorf("%s at %s: %v", c.p, c.addr, got)
		}
	}
	for i := range 10 {
		if p := peer.ID([]byte{'d', byte(i)}); !add(p, "/ip4/192.168.1.7/tcp/1") || !add(p+"x", "/ip4/127.0.0.1/tcp/1") {
			t.Fatalf("peer %d of the own network was refused", i)
		}
	}
	filter.Remove("a1")
	if !add("a3", "/ip4/8.8.3.1/tcp/1") {
		t.Error("no room after one left")
	}
}
