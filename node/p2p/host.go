package p2p

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/x/rate"
	"github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"
)

// AgentName begins what every node calls itself to its peers, and UserAgent is what this program says: name/version.
const (
	AgentName = "bedrock/"
	Version   = "0.6"
	UserAgent = AgentName + Version
)

// Dialer opens the host's TCP connections.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Config is what New needs.
type Config struct {
	Key       ed25519.PrivateKey
	Light     bool // nobody needs to reach it
	Home      bool // the machine stands behind a home's router, whatever its addresses look like
	Limits    Limits
	Listen    []multiaddr.Multiaddr
	MayMove   bool                  // listen at any free port where one of Listen is taken; else that is an error
	Announce  []multiaddr.Multiaddr // told to peers beside what the host finds out
	Bootstrap []peer.AddrInfo       // whom to join by
	Bandwidth int64                 // bytes a second, in and out; 0: no bound
	Mapping   bool                  // ask the router to forward the port
	Dialer    Dialer
	Metrics   prometheus.Registerer // nil: libp2p counts nothing
	Log       *slog.Logger
}

// Limits are how many connections a host keeps, and what it relays.
type Limits struct {
	ConnsLow, ConnsHigh int // the connection manager trims to Low when High is passed
	ConnsPerIP          int // from one IPv4 address or IPv6 /56
	Relay               RelayLimits
}

// RelayLimits bound what a node that is reachable forwards for others; see docs/bounds.md.
type RelayLimits struct {
	Reservations, ReservationsPerIP int
	Circuits                        int           // open at once, by peer
	CircuitBytes                    int64         // in each direction, then the circuit ends
	CircuitTime                     time.Duration // likewise
}

// Host is a node's libp2p host: what the node's parts use, and what it knows of its place in the internet.
type Host struct {
	relayedHost
	config   Config
	reach    *reach
	traffic  *Traffic
	punching *puncher // nil in private networks
	newer    *superseder
}

// Close implements host.Host.
func (h *Host) Close() error {
	var err error
	h.newer.close()
	if h.punching != nil {
		err = h.punching.close()
	}
	return errors.Join(err, h.reach.close(), h.Host.Close())
}

// New builds the host. TCP with TLS is the first transport: it costs a third of QUIC's CPU per byte; QUIC is
// there for those who dial it, and for holes in routers.
func New(c Config) (*Host, error) {
	identity, err := crypto.UnmarshalEd25519PrivateKey(c.Key)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	limits, err := newLimits(c.Limits)
	if err != nil {
		return nil, fmt.Errorf("resource limits: %w", err)
	}
	connections, err := connmgr.NewConnManager(c.Limits.ConnsLow, c.Limits.ConnsHigh, connmgr.WithGracePeriod(time.Minute))
	if err != nil {
		return nil, fmt.Errorf("connection limits: %w", err)
	}
	var transport []any
	if c.Dialer != nil {
		transport = append(transport, tcp.WithDialerForAddr(func(multiaddr.Multiaddr) (tcp.ContextDialer, error) { return c.Dialer, nil }))
	}
	if c.Listen, err = c.free(); err != nil {
		return nil, err
	}
	r, counted := newReach(c.Log), new(Traffic)
	options := []libp2p.Option{
		libp2p.Identity(identity),
		libp2p.ListenAddrs(c.Listen...),
		libp2p.Transport(tcp.NewTCPTransport, transport...),
		libp2p.Transport(libp2pquic.NewTransport),
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
		libp2p.ConnectionManager(connections),
		libp2p.ResourceManager(limits),
		libp2p.UserAgent(UserAgent),
		libp2p.BandwidthReporter(counted),
	}
	if c.Metrics != nil {
		options = append(options, libp2p.PrometheusRegisterer(c.Metrics))
	} else {
		options = append(options, libp2p.DisableMetrics())
	}
	h, err := libp2p.New(append(options, c.reaching(r)...)...)
	if err != nil {
		return nil, fmt.Errorf("start libp2p: %w", err)
	}
	if err := r.watch(h); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	made := &Host{relayedHost: relayedHost{h, newBandwidth(c.Bandwidth)}, config: c, reach: r, traffic: counted, newer: newSuperseder(h)}
	if r.public {
		if made.punching, err = newPuncher(h, r); err != nil {
			return nil, errors.Join(err, made.Close())
		}
	}
	return made, nil
}

// newLimits is libp2p's own resource manager with its default limits scaled to the machine, and as many connections of one
// address as the profile has: behind one address of a provider stand many homes.
func newLimits(l Limits) (network.ResourceManager, error) {
	scaling := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&scaling)
	var own rcmgr.PartialLimitConfig
	own.System.Conns = rcmgr.LimitVal(2 * l.ConnsHigh)
	own.System.ConnsInbound, own.System.ConnsOutbound = rcmgr.LimitVal(3*l.ConnsHigh/2), rcmgr.LimitVal(3*l.ConnsHigh/2)
	own.System.FD = rcmgr.LimitVal(2 * l.ConnsHigh)
	perSecond := float64(l.ConnsPerIP) / 20
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(own.Build(scaling.AutoScale())),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: l.ConnsPerIP}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: l.ConnsPerIP}, {PrefixLength: 48, ConnCount: 4 * l.ConnsPerIP}}),
		rcmgr.WithConnRateLimiters(&rate.Limiter{
			NetworkPrefixLimits: []rate.PrefixLimit{{Prefix: netip.MustParsePrefix("127.0.0.0/8")}, {Prefix: netip.MustParsePrefix("::1/128")}},
			SubnetRateLimiter: rate.SubnetLimiter{
				IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: rate.Limit{RPS: perSecond, Burst: 2 * l.ConnsPerIP}}},
				IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 56, Limit: rate.Limit{RPS: perSecond, Burst: 2 * l.ConnsPerIP}}},
				GracePeriod:      time.Minute,
			},
		}))
}

// ParseAddrs reads multiaddresses. Its error names the wrong one.
func ParseAddrs(texts []string) ([]multiaddr.Multiaddr, error) {
	addrs := make([]multiaddr.Multiaddr, len(texts))
	for i, text := range texts {
		a, err := multiaddr.NewMultiaddr(text)
		if err != nil {
			return nil, fmt.Errorf("address %q: %w (example: /ip4/0.0.0.0/tcp/4848)", text, err)
		}
		addrs[i] = a
	}
	return addrs, nil
}

// ParsePeers reads multiaddresses that end with a peer ID; those of one peer become one, in the order of their first.
func ParsePeers(texts []string) ([]peer.AddrInfo, error) {
	addrs, err := ParseAddrs(texts)
	if err != nil {
		return nil, err
	}
	infos, err := peer.AddrInfosFromP2pAddrs(addrs...)
	if err != nil {
		return nil, fmt.Errorf("bootstrap address: %w (example: /ip4/1.2.3.4/tcp/4848/p2p/12D3KooW...)", err)
	}
	first := func(i peer.AddrInfo) int { // libp2p gives them in no order
		return slices.IndexFunc(addrs, func(a multiaddr.Multiaddr) bool {
			id, err := peer.IDFromP2PAddr(a)
			return err == nil && id == i.ID
		})
	}
	slices.SortFunc(infos, func(a, b peer.AddrInfo) int { return first(a) - first(b) })
	return infos, nil
}

// Traffic counts what the host's streams carry.
func (h *Host) Traffic() *Traffic { return h.traffic }

// FullAddrs lists the host's addresses with its peer ID, as --bootstrap takes them.
func (h *Host) FullAddrs() []string {
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
	if err != nil {
		return nil
	}
	texts := make([]string, len(addrs))
	for i, a := range addrs {
		texts[i] = a.String()
	}
	return texts
}
