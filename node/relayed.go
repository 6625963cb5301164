package node

import (
	"context"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// relayedHost lets every protocol of a node run over relayed connections as over direct ones. libp2p keeps streams off a
// connection with limits unless told otherwise; the relays of this network have limits made for its traffic, and a peer
// that no hole can be punched to is better reached slowly than not at all.
type relayedHost struct {
	host.Host
}

// relayedUse is the reason that libp2p's log shows.
const relayedUse = "bedrock works over relays"

// Connect implements host.Host.
func (h relayedHost) Connect(ctx context.Context, info peer.AddrInfo) error {
	return h.Host.Connect(network.WithAllowLimitedConn(ctx, relayedUse), info)
}

// NewStream implements host.Host.
func (h relayedHost) NewStream(ctx context.Context, p peer.ID, protocols ...protocol.ID) (network.Stream, error) {
	return h.Host.NewStream(network.WithAllowLimitedConn(ctx, relayedUse), p, protocols...)
}

// Network implements host.Host.
func (h relayedHost) Network() network.Network { return relayedNetwork{h.Host.Network()} }

type relayedNetwork struct {
	network.Network
}

// NewStream implements network.Network.
func (n relayedNetwork) NewStream(ctx context.Context, p peer.ID) (network.Stream, error) {
	return n.Network.NewStream(network.WithAllowLimitedConn(ctx, relayedUse), p)
}

// DialPeer implements network.Network.
func (n relayedNetwork) DialPeer(ctx context.Context, p peer.ID) (network.Conn, error) {
	return n.Network.DialPeer(network.WithAllowLimitedConn(ctx, relayedUse), p)
}

// Connectedness implements network.Network.
func (n relayedNetwork) Connectedness(p peer.ID) network.Connectedness {
	if c := n.Network.Connectedness(p); c != network.Limited {
		return c
	}
	return network.Connected
}
