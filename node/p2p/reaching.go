package p2p

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/autorelay"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Timing of relays.
const (
	// relayBackoff is how long a relay that refused is not asked again. libp2p's hour is a long time to be unreachable.
	relayBackoff = time.Minute
	// relaySourceEvery is how often at most libp2p asks for more candidates.
	relaySourceEvery = 10 * time.Second
	// identifyPatience is how long a relay waits to learn what somebody speaks before it decides about it.
	identifyPatience = 5 * time.Second
)

// reaching are the options that make the host reachable from behind a router, and keep it polite in the open internet. A
// private network (see isPublicNetwork) needs none of it but to speak with those who are relayed.
func (c *Config) reaching(r *reach) []libp2p.Option {
	if !isPublicNetwork(c.Bootstrap, c.ownAddrs()) {
		return []libp2p.Option{libp2p.EnableRelay(), libp2p.AddrsFactory(c.withAnnounced)}
	}
	r.public = true
	options := []libp2p.Option{
		libp2p.EnableRelay(),
		libp2p.ConnectionGater(newGater(c.Bootstrap)),
		libp2p.AddrsFactory(c.publicAddrs),
	}
	if c.Light { // that others dial it to find out whether they can would be most of what an idle one sends
		return options
	}
	options = append(options, libp2p.EnableAutoNATv2(), libp2p.EnableNATService(), libp2p.EnableRelayService(c.relayOptions(r)...))
	if c.Mapping {
		options = append(options, libp2p.NATManager(r.mapping))
	}
	if r.known = c.isPublicHost(); r.known {
		return append(options, libp2p.ForceReachabilityPublic())
	}
	return append(options, libp2p.EnableAutoRelayWithPeerSource(c.relaySource(r), autorelay.WithBootDelay(0),
		autorelay.WithMinCandidates(1), autorelay.WithBackoff(relayBackoff), autorelay.WithMinInterval(relaySourceEvery)))
}

// ownAddrs are the addresses that the node can know of before it has asked anybody.
func (c *Config) ownAddrs() []multiaddr.Multiaddr {
	return append(append([]multiaddr.Multiaddr{}, c.Announce...), interfaceAddrs(c.Listen)...)
}

// isPublicHost reports whether the node has a public address that others surely reach: then nothing has to be found out. In
// a home every machine has public IPv6 addresses, and the router's firewall stands before them.
func (c *Config) isPublicHost() bool {
	reached := func(a multiaddr.Multiaddr) bool { return !isReserved(a) && !manet.IsIPUnspecified(a) }
	return slices.ContainsFunc(c.Announce, reached) || slices.ContainsFunc(interfaceAddrs(c.Listen), func(a multiaddr.Multiaddr) bool {
		return reached(a) && !(c.Home && has(a, multiaddr.P_IP6))
	})
}

// withAnnounced adds the addresses that the owner named.
func (c *Config) withAnnounced(addrs []multiaddr.Multiaddr) []multiaddr.Multiaddr {
	return append(append([]multiaddr.Multiaddr{}, addrs...), c.Announce...)
}

// publicAddrs are the addresses that strangers can use.
func (c *Config) publicAddrs(addrs []multiaddr.Multiaddr) []multiaddr.Multiaddr {
	var out []multiaddr.Multiaddr
	for _, a := range addrs {
		if !isReserved(a) {
			out = append(out, a)
		}
	}
	return append(out, c.Announce...)
}

func (c *Config) relayOptions(r *reach) []relay.Option {
	l := c.Limits.Relay
	resources := relay.DefaultResources()
	resources.Limit = &relay.RelayLimit{Duration: l.CircuitTime, Data: l.CircuitBytes}
	resources.MaxReservations, resources.MaxReservationsPerIP, resources.MaxReservationsPerASN = l.Reservations, l.ReservationsPerIP, l.Reservations
	resources.MaxCircuits = l.Circuits
	return []relay.Option{relay.WithResources(resources), relay.WithACL(relayACL{r})}
}

// relaySource offers the nodes to join by, then connected peers: libp2p looks which of them relay.
func (c *Config) relaySource(r *reach) autorelay.PeerSource {
	return func(ctx context.Context, num int) <-chan peer.AddrInfo {
		found := make(chan peer.AddrInfo, num)
		defer close(found)
		for _, info := range append(append([]peer.AddrInfo{}, c.Bootstrap...), r.directPeers()...) {
			select {
			case found <- info:
			default:
				return found
			}
		}
		return found
	}
}

// relayACL relays for peers of bedrock networks alone: between them and to them.
type relayACL struct {
	reach *reach
}

// AllowReserve implements relay.ACLFilter.
func (a relayACL) AllowReserve(p peer.ID, _ multiaddr.Multiaddr) bool {
	return a.reach.speaksBedrock(p)
}

// AllowConnect implements relay.ACLFilter.
func (a relayACL) AllowConnect(from peer.ID, _ multiaddr.Multiaddr, _ peer.ID) bool {
	return a.reach.speaksBedrock(from)
}

// protocolPrefix begins the name of every protocol of a bedrock network.
const protocolPrefix = "/bedrock/"

// speaksBedrock waits until a connected peer is identified, then says whether it speaks any of our protocols. A light client
// serves none, and is known by its agent.
func (r *reach) speaksBedrock(p peer.ID) bool {
	hosted := r.hosted()
	h, ok := hosted.(interface{ IDService() identify.IDService })
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), identifyPatience)
	defer cancel()
	for _, conn := range hosted.Network().ConnsToPeer(p) {
		select {
		case <-h.IDService().IdentifyWait(conn):
		case <-ctx.Done():
			return false
		}
	}
	protocols, err := hosted.Peerstore().GetProtocols(p)
	if err != nil {
		return false
	}
	for _, id := range protocols {
		if strings.HasPrefix(string(id), protocolPrefix) {
			return true
		}
	}
	agent, err := hosted.Peerstore().Get(p, "AgentVersion")
	text, isText := agent.(string)
	return err == nil && isText && strings.HasPrefix(text, AgentName)
}

// directPeers are the connected peers whose connection is direct and public, with the addresses known of them.
func (r *reach) directPeers() []peer.AddrInfo {
	h := r.hosted()
	if h == nil {
		return nil
	}
	var infos []peer.AddrInfo
	for _, conn := range h.Network().Conns() {
		if conn.Stat().Limited || IsRelayed(conn.RemoteMultiaddr()) || isReserved(conn.RemoteMultiaddr()) || conn.Stat().Direction != network.DirOutbound {
			continue
		}
		infos = append(infos, peer.AddrInfo{ID: conn.RemotePeer(), Addrs: []multiaddr.Multiaddr{conn.RemoteMultiaddr()}})
	}
	return infos
}

// IsRelayed reports whether an address is that of a circuit.
func IsRelayed(a multiaddr.Multiaddr) bool {
	_, err := a.ValueForProtocol(multiaddr.P_CIRCUIT)
	return err == nil
}

// mapping makes the manager of port mappings and keeps it, to ask what the router answered.
func (r *reach) mapping(n network.Network) basichost.NATManager {
	m := newPortMapper(n)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nat = m
	return m
}

var _ host.Host = relayedHost{}
