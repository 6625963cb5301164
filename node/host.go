package node

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net"
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
	"github.com/multiformats/go-multiaddr"
)

// userAgent is what other libp2p peers see.
const userAgent = "bedrock/0.1"

// connection limits by role: low and high water mark of the connection manager.
func watermarks(r Role) (low, high int) {
	switch r {
	case Bootstrap:
		return 800, 1000
	case Light:
		return 32, 64
	default:
		return 96, 160
	}
}

// Dialer opens the host's TCP connections.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// newHost builds the libp2p host. TCP with TLS is the first transport: it costs a third of QUIC's CPU per byte; QUIC is
// there for those who dial it.
func newHost(key ed25519.PrivateKey, role Role, listen []multiaddr.Multiaddr, dialer Dialer) (host.Host, error) {
	identity, err := crypto.UnmarshalEd25519PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	limits, err := newLimits()
	if err != nil {
		return nil, fmt.Errorf("resource limits: %w", err)
	}
	low, high := watermarks(role)
	connections, err := connmgr.NewConnManager(low, high, connmgr.WithGracePeriod(time.Minute))
	if err != nil {
		return nil, fmt.Errorf("connection limits: %w", err)
	}
	var options []any // of the transport
	if dialer != nil {
		options = append(options, tcp.WithDialerForAddr(func(multiaddr.Multiaddr) (tcp.ContextDialer, error) { return dialer, nil }))
	}
	h, err := libp2p.New(
		libp2p.Identity(identity),
		libp2p.ListenAddrs(listen...),
		libp2p.Transport(tcp.NewTCPTransport, options...),
		libp2p.Transport(libp2pquic.NewTransport),
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
		libp2p.ConnectionManager(connections),
		libp2p.ResourceManager(limits),
		libp2p.UserAgent(userAgent),
		libp2p.DisableMetrics(),
		libp2p.DisableRelay(),
	)
	if err != nil {
		return nil, fmt.Errorf("start libp2p: %w", err)
	}
	return h, nil
}

// newLimits is libp2p's own resource manager with its default limits scaled to the machine.
func newLimits() (network.ResourceManager, error) {
	scaling := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&scaling)
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(scaling.AutoScale()))
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
