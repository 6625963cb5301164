package node

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
	"github.com/libp2p/go-libp2p/core/host"
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

// userAgent is what other libp2p peers see.
const (
	agentName = "bedrock/"
	userAgent = agentName + "0.6"
)

// Dialer opens the host's TCP connections.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// hostConfig is what newHost needs.
type hostConfig struct {
	key       ed25519.PrivateKey
	role      Role
	profile   Profile
	limits    Limits
	listen    []multiaddr.Multiaddr
	announce  []multiaddr.Multiaddr // told to peers beside what the host finds out
	bootstrap []peer.AddrInfo
	bandwidth int64 // bytes a second, in and out; 0: no bound
	mapping   bool  // ask the router to forward the port
	dialer    Dialer
	metrics   prometheus.Registerer // nil: libp2p counts nothing
	log       *slog.Logger
}

// p2pHost is a node's libp2p host: what the node's parts use, and what it knows of its place in the internet.
type p2pHost struct {
	relayedHost
	reach    *reach
	traffic  *traffic
	punching *puncher // nil in private networks
	newer    *superseder
}

// Close implements host.Host.
func (h *p2pHost) Close() error {
	var err error
	h.newer.close()
	if h.punching != nil {
		err = h.punching.close()
	}
	return errors.Join(err, h.reach.close(), h.Host.Close())
}

// newHost builds the libp2p host. TCP with TLS is the first transport: it costs a third of QUIC's CPU per byte; QUIC is
// there for those who dial it, and for holes in routers.
func newHost(c hostConfig) (*p2pHost, error) {
	identity, err := crypto.UnmarshalEd25519PrivateKey(c.key)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	limits, err := newLimits(c.limits)
	if err != nil {
		return nil, fmt.Errorf("resource limits: %w", err)
	}
	connections, err := connmgr.NewConnManager(c.limits.ConnsLow, c.limits.ConnsHigh, connmgr.WithGracePeriod(time.Minute))
	if err != nil {
		return nil, fmt.Errorf("connection limits: %w", err)
	}
	var transport []any
	if c.dialer != nil {
		transport = append(transport, tcp.WithDialerForAddr(func(multiaddr.Multiaddr) (tcp.ContextDialer, error) { return c.dialer, nil }))
	}
	r, counted := newReach(c.log), new(traffic)
	options := []libp2p.Option{
		libp2p.Identity(identity),
		libp2p.ListenAddrs(c.listen...),
		libp2p.Transport(tcp.NewTCPTransport, transport...),
		libp2p.Transport(libp2pquic.NewTransport),
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
		libp2p.ConnectionManager(connections),
		libp2p.ResourceManager(limits),
		libp2p.UserAgent(userAgent),
		libp2p.BandwidthReporter(counted),
	}
	if c.metrics != nil {
		options = append(options, libp2p.PrometheusRegisterer(c.metrics))
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
	made := &p2pHost{relayedHost: relayedHost{h, newBandwidth(c.bandwidth)}, reach: r, traffic: counted, newer: newSuperseder(h)}
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

func parseAddrs(texts []string) ([]multiaddr.Multiaddr, error) {
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

func parsePeers(texts []string) ([]peer.AddrInfo, error) {
	addrs, err := parseAddrs(texts)
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

// fullAddrs lists the host's addresses with its peer ID, as --bootstrap takes them.
func fullAddrs(h host.Host) []string {
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
