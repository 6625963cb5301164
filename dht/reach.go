package dht

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multistream"
)

// reach connects to a server, or returns at once when there is a connection.
func (d *DHT) reach(ctx context.Context, p peer.ID) error {
	if d.connected(p) {
		return nil
	}
	start := time.Now()
	dialling, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if _, err := d.host.Network().DialPeer(dialling, p); err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			d.servers.failed(p)
			d.pace.doubt(p)
		}
		return fmt.Errorf("dht: reach %s: %w", p, err)
	}
	d.pace.dialled(time.Since(start))
	return nil
}

// reachAny connects to several servers at once and returns the first that is reached; "" if none is.
func (d *DHT) reachAny(ctx context.Context, peers []peer.ID) peer.ID {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reached := make(chan peer.ID)
	for _, p := range peers {
		go func() {
			if d.reach(ctx, p) != nil {
				p = ""
			}
			select {
			case reached <- p:
			case <-ctx.Done():
			}
		}()
	}
	for range peers {
		select {
		case p := <-reached:
			if p != "" {
				return p
			}
		case <-ctx.Done():
			return ""
		}
	}
	return ""
}

func (d *DHT) connected(p peer.ID) bool {
	return d.host.Network().Connectedness(p) == network.Connected
}

// quickly opens a row stream to a connected server without waiting for what identify finds out: servers speak the row
// protocol, and one that does not shows it in the first read. It saves a round trip or two on a fresh connection.
func (d *DHT) quickly(ctx context.Context, p peer.ID) (network.Stream, error) {
	s, err := d.host.Network().NewStream(network.WithNoDial(ctx, "reached before"), p)
	if err != nil {
		return nil, fmt.Errorf("dht: reach %s: %w", p, err)
	}
	if err := s.SetProtocol(d.rowProtocol); err != nil {
		_ = s.Reset()
		return nil, fmt.Errorf("dht: stream to %s: %w", p, err)
	}
	return &eagerStream{Stream: s, negotiated: multistream.NewMSSelect(s, d.rowProtocol)}, nil
}

// eagerStream names its protocol with the first bytes it sends, and reads the other side's consent before the answer.
type eagerStream struct {
	network.Stream
	negotiated io.ReadWriteCloser
}

// Read implements network.Stream.
func (s *eagerStream) Read(b []byte) (int, error) { return s.negotiated.Read(b) }

// Write implements network.Stream.
func (s *eagerStream) Write(b []byte) (int, error) { return s.negotiated.Write(b) }
