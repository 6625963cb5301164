package p2p

import (
	"net/netip"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// reserved are the ranges that no peer of a public network is reached at. Who dials them scans the networks that it stands
// in: providers cut off hosts for that.
var reserved = prefixes(
	"0.0.0.0/8",       // RFC 1122, this host
	"10.0.0.0/8",      // RFC 1918, private
	"100.64.0.0/10",   // RFC 6598, carrier-grade NAT
	"127.0.0.0/8",     // RFC 1122, loopback
	"169.254.0.0/16",  // RFC 3927, link-local
	"172.16.0.0/12",   // RFC 1918
	"192.0.0.0/24",    // RFC 6890, protocol assignments
	"192.0.2.0/24",    // RFC 5737, documentation
	"192.168.0.0/16",  // RFC 1918
	"198.18.0.0/15",   // RFC 2544, benchmarks
	"198.51.100.0/24", // RFC 5737
	"203.0.113.0/24",  // RFC 5737
	"224.0.0.0/4",     // RFC 5771, multicast
	"240.0.0.0/4",     // RFC 1112, reserved
	"::/128",          // RFC 4291, unspecified
	"::1/128",         // RFC 4291, loopback
	"64:ff9b:1::/48",  // RFC 8215, local translation
	"100::/64",        // RFC 6666, discard
	"2001:2::/48",     // RFC 5180, benchmarks
	"2001:db8::/32",   // RFC 3849, documentation
	"fc00::/7",        // RFC 4193, unique local
	"fe80::/10",       // RFC 4291, link-local
	"ff00::/8",        // RFC 4291, multicast
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// isReserved reports whether the first IP address of a multiaddr is in a reserved range. Names (/dns...) are not: what they
// resolve to is looked at when it is dialled. A circuit is judged by its relay.
func isReserved(a multiaddr.Multiaddr) bool {
	ip, err := manet.ToIP(a)
	if err != nil {
		return false
	}
	addr, ok := netip.AddrFromSlice(ip)
	if !ok {
		return true
	}
	addr = addr.Unmap()
	for _, p := range reserved {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// gater keeps a node of a public network from dialling reserved ranges, but for the addresses that its owner named.
type gater struct {
	named map[string]bool // addresses as strings, without /p2p
}

var _ connmgr.ConnectionGater = (*gater)(nil)

func newGater(named []peer.AddrInfo) *gater {
	g := &gater{named: make(map[string]bool)}
	for _, info := range named {
		for _, a := range info.Addrs {
			g.named[a.String()] = true
		}
	}
	return g
}

// InterceptPeerDial implements connmgr.ConnectionGater.
func (g *gater) InterceptPeerDial(peer.ID) bool { return true }

// InterceptAddrDial implements connmgr.ConnectionGater.
func (g *gater) InterceptAddrDial(_ peer.ID, a multiaddr.Multiaddr) bool {
	return !isReserved(a) || g.named[a.String()]
}

// InterceptAccept implements connmgr.ConnectionGater: who dials from a reserved range stands in the same network.
func (g *gater) InterceptAccept(network.ConnMultiaddrs) bool { return true }

// InterceptSecured implements connmgr.ConnectionGater.
func (g *gater) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool {
	return true
}

// InterceptUpgraded implements connmgr.ConnectionGater.
func (g *gater) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }

// isPublicNetwork says whether a node is to behave as in the open internet. The nodes it joins by decide, if it names some:
// one public address is enough. Else its own addresses do. So a swarm on one machine, or in one house, is a private network:
// there are no routers to ask, and private addresses are the ones that work.
func isPublicNetwork(bootstrap []peer.AddrInfo, own []multiaddr.Multiaddr) bool {
	judged := own
	if len(bootstrap) > 0 {
		judged = nil
		for _, info := range bootstrap {
			judged = append(judged, info.Addrs...)
		}
	}
	for _, a := range judged {
		if !isReserved(a) && !manet.IsIPUnspecified(a) {
			return true
		}
	}
	return false
}
