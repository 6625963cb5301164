package p2p

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
//
// It is also where streams are held to the node's bandwidth.
type relayedHost struct {
	host.Host
	pace *bandwidth // nil: no bound
}

// relayedUse is the reason that libp2p's log shows.
const relayedUse = "bedrock works over relays"

// AllowRelayed lets what is done with ctx use relayed connections too.
func AllowRelayed(ctx context.Context) context.Context {
	return network.WithAllowLimitedConn(ctx, relayedUse)
}

// Connect implements host.Host.
func (h relayedHost) Connect(ctx context.Context, info peer.AddrInfo) error {
	return h.Host.Connect(AllowRelayed(ctx), info)
}

// NewStream implements host.Host.
func (h relayedHost) NewStream(ctx context.Context, p peer.ID, protocols ...protocol.ID) (network.Stream, error) {
	s, err := h.Host.NewStream(AllowRelayed(ctx), p, protocols...)
	if err != nil {
		return nil, err
	}
	return h.pace.pace(s), nil
}

// SetStreamHandler implements host.Host.
func (h relayedHost) SetStreamHandler(id protocol.ID, handler network.StreamHandler) {
	h.Host.SetStreamHandler(id, h.paced(handler))
}

// SetStreamHandlerMatch implements host.Host.
func (h relayedHost) SetStreamHandlerMatch(id protocol.ID, match func(protocol.ID) bool, handler network.StreamHandler) {
	h.Host.SetStreamHandlerMatch(id, match, h.paced(handler))
}

func (h relayedHost) paced(handler network.StreamHandler) network.StreamHandler {
	if h.pace == nil {
		return handler
	}
	return func(s network.Stream) { handler(h.pace.pace(s)) }
}

// Network implements host.Host.
func (h relayedHost) Network() network.Network { return relayedNetwork{h.Host.Network(), h.pace} }

type relayedNetwork struct {
	network.Network
	pace *bandwidth
}

// NewStream implements network.Network.
func (n relayedNetwork) NewStream(ctx context.Context, p peer.ID) (network.Stream, error) {
	s, err := n.Network.NewStream(AllowRelayed(ctx), p)
	if err != nil {
		return nil, err
	}
	return n.pace.pace(s), nil
}

// DialPeer implements network.Network.
func (n relayedNetwork) DialPeer(ctx context.Context, p peer.ID) (network.Conn, error) {
	return n.Network.DialPeer(AllowRelayed(ctx), p)
}

// Connectedness implements network.Network.
func (n relayedNetwork) Connectedness(p peer.ID) network.Connectedness {
	if c := n.Network.Connectedness(p); c != network.Limited {
		return c
	}
	return network.Connected
}
