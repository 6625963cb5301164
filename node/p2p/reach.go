package p2p

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/etherscale/bedrock/rpc"
)

// reach follows what libp2p finds out about the host's addresses.
type reach struct {
	log    *slog.Logger
	public bool // the network is
	known  bool // the host has a public address of its own: nothing is to be found out
	host   host.Host
	sub    event.Subscription
	ended  chan struct{}

	mu      sync.Mutex
	nat     basichost.NATManager
	addrs   event.EvtHostReachableAddrsChanged
	relays  []multiaddr.Multiaddr
	state   network.Reachability // by AutoNAT v1, which asks about the host as a whole
	punches rpc.Punches
	said    string
	asked   *time.Timer // when the router's answer is worth a word; nil where it is not asked
}

// routerPatience is how long a router has to answer before the node says what it did.
const routerPatience = 20 * time.Second

func newReach(log *slog.Logger) *reach { return &reach{log: log, ended: make(chan struct{})} }

// watch begins to follow the host. Until AutoNAT has an answer the node takes itself for hidden and asks for a relay: that
// is the safe side, and saves the quarter of a minute that AutoNAT takes.
func (r *reach) watch(h host.Host) error {
	sub, err := h.EventBus().Subscribe([]any{new(event.EvtHostReachableAddrsChanged), new(event.EvtLocalReachabilityChanged),
		new(event.EvtAutoRelayAddrsUpdated)}, eventbus.Name("bedrock reachability"))
	if err != nil {
		return fmt.Errorf("reachability: %w", err)
	}
	r.mu.Lock()
	r.host, r.sub = h, sub
	r.mu.Unlock()
	go r.follow()
	r.awaitRouter()
	if !r.public || r.known {
		return nil
	}
	emitter, err := h.EventBus().Emitter(new(event.EvtLocalReachabilityChanged), eventbus.Stateful)
	if err != nil {
		return fmt.Errorf("reachability: %w", err)
	}
	defer emitter.Close()
	return emitter.Emit(event.EvtLocalReachabilityChanged{Reachability: network.ReachabilityUnknown})
}

func (r *reach) hosted() host.Host {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.host
}

func (r *reach) close() error {
	if r.sub == nil {
		return nil
	}
	r.mu.Lock()
	if r.asked != nil {
		r.asked.Stop()
	}
	r.mu.Unlock()
	err := r.sub.Close()
	<-r.ended
	return err
}

func (r *reach) follow() {
	defer close(r.ended)
	for e := range r.sub.Out() {
		r.mu.Lock()
		switch e := e.(type) {
		case event.EvtHostReachableAddrsChanged:
			r.addrs = e
		case event.EvtLocalReachabilityChanged:
			r.state = e.Reachability
		case event.EvtAutoRelayAddrsUpdated:
			r.relays = e.RelayAddrs
		}
		word := r.word()
		news := r.public && word != r.said
		r.said = word
		r.mu.Unlock()
		if news {
			r.log.Info(word)
		}
	}
}

// awaitRouter says once what the router answered to the wish for a port. That none answers is common and no fault.
func (r *reach) awaitRouter() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.nat == nil || r.known {
		return
	}
	r.asked = time.AfterFunc(routerPatience, func() {
		r.log.Info(routerWord(r.report(r.hosted())))
	})
}

// routerWord is what there is to say about the router.
func routerWord(now rpc.Reachability) string {
	switch {
	case now.CGNAT:
		return "the router forwards this node's port, but stands behind another one of the provider: peers reach the node by punched holes and relays"
	case len(now.Mapped) > 0:
		return "the router forwards this node's port: " + strings.Join(now.Mapped, ", ")
	default:
		return "the router forwards no port by itself (it answers neither UPnP nor NAT-PMP); that is fine: peers reach the node by punched holes and relays"
	}
}

// word says in plain words how others reach the node.
func (r *reach) word() string {
	switch {
	case len(r.addrs.Reachable) > 0:
		return "other peers can dial this node directly"
	case len(r.relays) > 0:
		return "this node is behind a router: peers reach it through relays, and directly where a hole can be punched"
	case r.state == network.ReachabilityPrivate:
		return "this node is behind a router and has no relay yet: it works by the connections that it opens itself"
	default:
		return ""
	}
}

// Trace implements holepunch.EventTracer.
func (r *reach) Trace(e *holepunch.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e := e.Evt.(type) {
	case *holepunch.StartHolePunchEvt:
		r.punches.Tried++
	case *holepunch.EndHolePunchEvt:
		if e.Success {
			r.punches.Done++
			r.punches.Elapsed += e.EllapsedTime
		}
	}
}

// Reachability is what the host knows of how others can reach it.
func (h *Host) Reachability() rpc.Reachability { return h.reach.report(h.Host) }

func (r *reach) report(h host.Host) rpc.Reachability {
	out := rpc.Reachability{Network: "private", State: rpc.Unknown, Addrs: []rpc.AddrReach{}}
	out.Direct, out.Relayed = countPeers(h.Network())
	r.mu.Lock()
	defer r.mu.Unlock()
	out.Punches = r.punches
	if !r.public {
		for _, a := range h.Addrs() {
			out.Addrs = append(out.Addrs, rpc.AddrReach{Addr: a.String(), Transport: TransportOf(a), State: rpc.Unknown})
		}
		return out
	}
	out.Network = "public"
	for _, of := range []struct {
		state string
		addrs []multiaddr.Multiaddr
	}{{rpc.Reachable, r.addrs.Reachable}, {rpc.Unreachable, r.addrs.Unreachable}, {rpc.Unknown, r.addrs.Unknown}} {
		for _, a := range of.addrs {
			out.Addrs = append(out.Addrs, rpc.AddrReach{Addr: a.String(), Transport: TransportOf(a), State: of.state})
		}
	}
	out.State = r.verdict()
	for _, a := range r.relays {
		out.Relays = append(out.Relays, a.String())
	}
	r.addMapping(h, &out)
	return out
}

// verdict is the node's state as a whole: per address where AutoNAT v2 could ask, else what v1 found.
func (r *reach) verdict() string {
	switch {
	case len(r.addrs.Reachable) > 0 || r.state == network.ReachabilityPublic:
		return rpc.Reachable
	case r.state == network.ReachabilityPrivate || len(r.addrs.Unreachable) > 0 && len(r.addrs.Unknown) == 0:
		return rpc.Unreachable
	default:
		return rpc.Unknown
	}
}

func (r *reach) addMapping(h host.Host, out *rpc.Reachability) {
	if r.nat == nil {
		return
	}
	out.Router = r.nat.HasDiscoveredNAT()
	for _, listen := range h.Network().ListenAddresses() {
		outer := r.nat.GetMapping(listen)
		if outer == nil {
			continue
		}
		out.Mapped = append(out.Mapped, outer.String())
		out.CGNAT = out.CGNAT || isReserved(outer)
	}
}

// countPeers counts connected peers: those with a direct connection, and those that only relays connect.
func countPeers(n network.Network) (direct, relayed int) {
	for _, p := range n.Peers() {
		onlyRelayed := true
		for _, conn := range n.ConnsToPeer(p) {
			onlyRelayed = onlyRelayed && IsRelayed(conn.RemoteMultiaddr())
		}
		if onlyRelayed {
			relayed++
		} else {
			direct++
		}
	}
	return direct, relayed
}

// TransportOf names an address's transport.
func TransportOf(a multiaddr.Multiaddr) string {
	switch {
	case IsRelayed(a):
		return "relay"
	case has(a, multiaddr.P_QUIC_V1):
		return "quic"
	default:
		return "tcp"
	}
}

func has(a multiaddr.Multiaddr, protocol int) bool {
	_, err := a.ValueForProtocol(protocol)
	return err == nil
}

// interfaceAddrs are the listen addresses with each unspecified IP replaced by those of the machine's interfaces.
func interfaceAddrs(listen []multiaddr.Multiaddr) []multiaddr.Multiaddr {
	var own []multiaddr.Multiaddr
	for _, a := range listen {
		if !manet.IsIPUnspecified(a) {
			own = append(own, a)
			continue
		}
		found, err := net.InterfaceAddrs()
		if err != nil {
			continue
		}
		for _, f := range found {
			if ip, err := manet.FromNetAddr(f); err == nil && has(ip, multiaddr.P_IP6) == has(a, multiaddr.P_IP6) {
				own = append(own, ip)
			}
		}
	}
	return own
}
