package dht

import (
	"net"

	kad "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kbucket/peerdiversity"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Peers of one network group (a /16, or the provider of an IPv6 address) in kad-dht's routing table: in a bucket, and in
// all. Who has many addresses behind one provider cannot fill the table with them.
const (
	maxGroupInBucket = 2
	maxGroupInTable  = 3
)

// diversity limits the routing table's peers by the groups of their public addresses. Peers on the same network, or on
// the same machine, are in one group by necessity: they are not limited.
type diversity struct {
	peerdiversity.PeerIPGroupFilter
	host host.Host
}

func newDiversity(h host.Host) diversity {
	return diversity{kad.NewRTPeerDiversityFilter(h, maxGroupInBucket, maxGroupInTable), h}
}

// Allow implements peerdiversity.PeerIPGroupFilter.
func (d diversity) Allow(g peerdiversity.PeerGroupInfo) bool {
	ip := net.ParseIP(string(g.IPGroupKey)) // nil for a provider's number
	return ip.IsPrivate() || ip.IsLoopback() || !d.public(g.Id) || d.PeerIPGroupFilter.Allow(g)
}

// public reports whether p is connected by a public address.
func (d diversity) public(p peer.ID) bool {
	for _, c := range d.host.Network().ConnsToPeer(p) {
		if manet.IsPublicAddr(c.RemoteMultiaddr()) {
			return true
		}
	}
	return false
}
