package node

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/types"
)

// library is a network of one node that asks, and servers that answer as they like, on real hosts over loopback.
type library struct {
	t         testing.TB
	ctx       context.Context
	network   types.NetworkID
	committee *types.Committee
	asker     host.Host
	gossip    *gossip.Gossip // the asker's
	servers   []host.Host
}

func newLibrary(t testing.TB, id types.NetworkID, committee *types.Committee) *library {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &library{t: t, ctx: ctx, network: id, committee: committee, asker: loopbackHost(t, 100)}
	t.Cleanup(cancel) // before the hosts close
	l.gossip = l.run(l.asker, gossip.Handlers{})
	return l
}

func loopbackHost(t testing.TB, key int) host.Host {
	t.Helper()
	identity, err := crypto.UnmarshalEd25519PrivateKey(exectest.PeerKey(key))
	if err != nil {
		t.Fatal(err)
	}
	h, err := libp2p.New(libp2p.Identity(identity), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.Security(noise.ID, noise.New), libp2p.DisableRelay(), libp2p.DisableMetrics(), libp2p.ResourceManager(&network.NullResourceManager{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func (l *library) run(h host.Host, handlers gossip.Handlers) *gossip.Gossip {
	l.t.Helper()
	g, err := gossip.New(l.ctx, gossip.Config{Host: h, Network: l.network, Committee: l.committee, Handlers: handlers,
		RequestsPerSecond: 1e6, BytesPerSecond: 1 << 40, HedgeDelay: 200 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		l.t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(l.ctx)
	go func() { ended <- g.Run(ctx) }()
	l.t.Cleanup(func() { cancel(); <-ended })
	return g
}

// serve adds a server that answers by handlers, or, by wild, whatever streams of the protocols named it is asked over.
func (l *library) serve(handlers gossip.Handlers, wild func(network.Stream), over ...string) peer.ID {
	l.t.Helper()
	h := loopbackHost(l.t, 101+len(l.servers))
	l.run(h, handlers)
	wait := append([]string{}, over...)
	for _, name := range over {
		h.SetStreamHandler(l.protocol(name), wild)
	}
	if handlers.Snapshot != nil {
		wait = append(wait, "snapshot/1")
	}
	if handlers.Headers != nil {
		wait = append(wait, "block/1")
	}
	waitFor(l.t, "the server to serve", func() bool { // so that it is told when they connect
		for _, name := range wait {
			if !slices.Contains(h.Mux().Protocols(), l.protocol(name)) {
				return false
			}
		}
		return true
	})
	if err := l.asker.Connect(l.ctx, peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()}); err != nil {
		l.t.Fatal(err)
	}
	waitFor(l.t, "the server's protocols to be known", func() bool {
		for _, name := range wait {
			if known, err := l.asker.Peerstore().SupportsProtocols(h.ID(), l.protocol(name)); err != nil || len(known) == 0 {
				return false
			}
		}
		return true
	})
	l.servers = append(l.servers, h)
	return h.ID()
}

func (l *library) protocol(name string) protocol.ID {
	return protocol.ID(fmt.Sprintf("/bedrock/%s/%s", l.network, name))
}

// answering writes a frame whose head says length, and then the bytes.
func answering(length int, status byte, payload []byte) func(network.Stream) {
	return func(s network.Stream) {
		frame := append(binary.BigEndian.AppendUint32(nil, uint32(length)), status)
		_, _ = s.Write(append(frame, payload...))
		_ = s.Close()
	}
}

// endless says that an answer of 3 MiB comes, and sends a byte of it now and then until the stream ends.
func endless(s network.Stream) {
	_, err := s.Write(binary.BigEndian.AppendUint32(nil, 3<<20))
	for ; err == nil; _, err = s.Write([]byte{0}) {
		time.Sleep(20 * time.Millisecond)
	}
}
