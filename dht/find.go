package dht

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"
)

// FindPeer finds the addresses of a peer by a Kademlia lookup.
func (d *DHT) FindPeer(ctx context.Context, id peer.ID) (peer.AddrInfo, error) {
	return d.kad.FindPeer(ctx, id)
}
