package p2p

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	natpmp "github.com/jackpal/go-nat-pmp"
	"github.com/libp2p/go-libp2p/core/network"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-netroute"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Timing of NAT-PMP (RFC 6886: lifetimes of an hour or two, renewed at half of them).
const (
	pmpLifetime = time.Hour
	pmpRenew    = pmpLifetime / 2
	// pmpRetry and pmpRetryMax are between two tries where no router answered; it doubles. A line may come up after the node.
	pmpRetry    = 5 * time.Second
	pmpRetryMax = 10 * time.Minute
	pmpPatience = 3 * time.Second
)

// portMapper asks the router for the host's ports: by libp2p's manager, which speaks UPnP, and by NAT-PMP. libp2p's own NAT-PMP
// does not find the router on Linux: it asks go-netroute v0.4.0 for the route to 0.0.0.0, which that refuses.
type portMapper struct {
	basichost.NATManager
	network network.Network
	router  func() pmpRouter
	again   chan struct{} // the host listens at something new
	stop    context.CancelFunc
	done    chan struct{}

	mu     sync.Mutex
	outer  netip.Addr        // the router's outer address; invalid: no router answered
	mapped map[string]uint16 // outer port by portOf a listen address
}

var _ basichost.NATManager = (*portMapper)(nil)

// pmpRouter is what NAT-PMP asks of a router.
type pmpRouter interface {
	GetExternalAddress() (*natpmp.GetExternalAddressResult, error)
	AddPortMapping(protocol string, internalPort, requestedExternalPort, lifetime int) (*natpmp.AddPortMappingResult, error)
}

func newPortMapper(n network.Network) *portMapper { return startPortMapper(n, gatewayClient) }

func startPortMapper(n network.Network, router func() pmpRouter) *portMapper {
	ctx, stop := context.WithCancel(context.Background())
	m := &portMapper{NATManager: basichost.NewNATManager(n), network: n, router: router, again: make(chan struct{}, 1), stop: stop,
		done: make(chan struct{}), mapped: make(map[string]uint16)}
	go m.run(ctx)
	return m
}

// Close implements basichost.NATManager. The mappings are given back.
func (m *portMapper) Close() error {
	m.stop()
	<-m.done
	return m.NATManager.Close()
}

// HasDiscoveredNAT implements basichost.NATManager.
func (m *portMapper) HasDiscoveredNAT() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.outer.IsValid() || m.NATManager.HasDiscoveredNAT()
}

// GetMapping implements basichost.NATManager: the outer address of a listen address, or nil.
func (m *portMapper) GetMapping(listen multiaddr.Multiaddr) multiaddr.Multiaddr {
	if has(listen, multiaddr.P_IP6) { // a router forwards no ports of IPv6: addresses are everybody's own
		return nil
	}
	if outer := m.NATManager.GetMapping(listen); outer != nil {
		return outer
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	port, ok := m.mapped[portOf(listen)]
	if _, err := listen.ValueForProtocol(multiaddr.P_IP4); !ok || err != nil {
		return nil
	}
	ip, err := manet.FromIP(m.outer.AsSlice())
	if err != nil {
		return nil
	}
	return withPort(ip, listen, port)
}

// withPort is a listen address with another IP and port.
func withPort(ip, listen multiaddr.Multiaddr, port uint16) multiaddr.Multiaddr {
	out := ip
	multiaddr.ForEach(listen, func(c multiaddr.Component) bool {
		switch c.Protocol().Code {
		case multiaddr.P_IP4:
		case multiaddr.P_TCP, multiaddr.P_UDP:
			if moved, err := multiaddr.NewComponent(c.Protocol().Name, strconv.Itoa(int(port))); err == nil {
				out = out.Encapsulate(moved.Multiaddr())
			}
		default:
			out = out.Encapsulate(c.Multiaddr())
		}
		return true
	})
	return out
}

// run keeps the ports mapped. A host begins to listen after its mapper began to ask, so that a router that answers at once is
// told of no port: whatever is listened at later is a reason to ask again.
func (m *portMapper) run(ctx context.Context) {
	defer close(m.done)
	listens := &network.NotifyBundle{ListenF: func(network.Network, multiaddr.Multiaddr) {
		select {
		case m.again <- struct{}{}:
		default:
		}
	}}
	m.network.Notify(listens)
	defer m.network.StopNotify(listens)
	retry := pmpRetry
	for ctx.Err() == nil {
		pause := retry
		if m.renew(ctx) {
			pause, retry = pmpRenew, pmpRetry
		} else {
			retry = min(2*retry, pmpRetryMax)
		}
		select {
		case <-ctx.Done():
		case <-m.again:
		case <-time.After(pause):
		}
	}
	m.giveBack()
}

// renew asks for all ports anew; false says that no router answered.
func (m *portMapper) renew(ctx context.Context) bool {
	client := m.router()
	if client == nil {
		return false
	}
	answer, err := client.GetExternalAddress()
	if err != nil {
		return false
	}
	mapped := make(map[string]uint16)
	for _, listen := range m.network.ListenAddresses() {
		protocol, port, ok := transportPort(listen)
		if _, known := mapped[portOf(listen)]; !ok || known || ctx.Err() != nil {
			continue
		}
		if given, err := client.AddPortMapping(protocol, port, port, int(pmpLifetime/time.Second)); err == nil {
			mapped[portOf(listen)] = given.MappedExternalPort
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.outer, m.mapped = netip.AddrFrom4(answer.ExternalIPAddress), mapped
	return true
}

func (m *portMapper) giveBack() {
	m.mu.Lock()
	defer m.mu.Unlock()
	client := m.router()
	if client == nil || len(m.mapped) == 0 {
		return
	}
	for _, listen := range m.network.ListenAddresses() {
		if protocol, port, ok := transportPort(listen); ok {
			_, _ = client.AddPortMapping(protocol, port, 0, 0) // the lifetime ends it where this does not
		}
	}
	clear(m.mapped)
}

// gatewayClient speaks NAT-PMP to the default gateway; nil where there is none, or none that could be a home's router.
func gatewayClient() pmpRouter {
	routes, err := netroute.New()
	if err != nil {
		return nil
	}
	// Any public address will do: nothing is sent there.
	_, gateway, _, err := routes.Route(net.IPv4(1, 1, 1, 1))
	if err != nil || gateway == nil || !gateway.IsPrivate() {
		return nil
	}
	return natpmp.NewClientWithTimeout(gateway, pmpPatience)
}

// transportPort is the protocol and port that a listen address takes of the router: one of IPv4 alone.
func transportPort(a multiaddr.Multiaddr) (protocol string, port int, ok bool) {
	if has(a, multiaddr.P_IP6) {
		return "", 0, false
	}
	for code, name := range map[int]string{multiaddr.P_TCP: "tcp", multiaddr.P_UDP: "udp"} {
		if text, err := a.ValueForProtocol(code); err == nil {
			port, err := strconv.Atoi(text)
			return name, port, err == nil
		}
	}
	return "", 0, false
}
