package swarm

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// seat is the host as the DHT of a peer sees it: it counts what comes in on streams of the row protocol that the peer
// opened, which is rows, openings and answers, and lets the peer misbehave.
type seat struct {
	host.Host
	rowBytes *atomic.Int64
	conduct  *atomic.Pointer[Conduct]
}

// Conduct serves a stream of the row protocol or of Kademlia in place of honest, which is what the DHT would do with it.
type Conduct func(s network.Stream, honest network.StreamHandler)

// Misbehave has the peer serve as conduct says from now on; nil makes it honest again.
func (p *Peer) Misbehave(conduct Conduct) {
	if conduct == nil {
		p.wire.conduct.Store(nil)
		return
	}
	p.wire.conduct.Store(&conduct)
}

// SetStreamHandler implements host.Host.
func (s seat) SetStreamHandler(id protocol.ID, honest network.StreamHandler) {
	s.Host.SetStreamHandler(id, func(stream network.Stream) {
		if conduct := s.conduct.Load(); conduct != nil {
			(*conduct)(stream, honest)
			return
		}
		honest(stream)
	})
}

// IsRowProtocol tells the row protocol from Kademlia's, whatever its version.
func IsRowProtocol(p protocol.ID) bool { return strings.Contains(string(p), "/row/") }

// NewStream implements host.Host.
func (s seat) NewStream(ctx context.Context, p peer.ID, protocols ...protocol.ID) (network.Stream, error) {
	stream, err := s.Host.NewStream(ctx, p, protocols...)
	if err != nil {
		return nil, err
	}
	return counted{stream, s.rowBytes}, nil
}

// Network implements host.Host.
func (s seat) Network() network.Network { return seatNetwork{s.Host.Network(), s.rowBytes} }

type seatNetwork struct {
	network.Network
	rowBytes *atomic.Int64
}

// NewStream implements network.Network.
func (n seatNetwork) NewStream(ctx context.Context, p peer.ID) (network.Stream, error) {
	stream, err := n.Network.NewStream(ctx, p)
	if err != nil {
		return nil, err
	}
	return counted{stream, n.rowBytes}, nil
}

type counted struct {
	network.Stream
	bytes *atomic.Int64
}

// Read implements network.Stream.
func (c counted) Read(b []byte) (int, error) {
	n, err := c.Stream.Read(b)
	if IsRowProtocol(c.Stream.Protocol()) {
		c.bytes.Add(int64(n))
	}
	return n, err
}
