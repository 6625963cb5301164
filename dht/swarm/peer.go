package swarm

import (
	"context"

	ds "github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/dht"
)

// Peer is a server of the DHT, or a member of the committee, or the lower half of a light client.
type Peer struct {
	Index  int // number in the network; members first
	Member int // place in the committee, or -1
	DHT    *dht.DHT
	Store  ds.Batching // rows on its disk

	wire *wire
	stop context.CancelFunc
	done chan struct{}
}

// Host is the peer's libp2p host.
func (p *Peer) Host() host.Host { return p.wire.host }

// ID is the peer's name.
func (p *Peer) ID() peer.ID { return p.wire.host.ID() }

// Info is the peer's name and address.
func (p *Peer) Info() peer.AddrInfo { return peer.AddrInfo{ID: p.ID(), Addrs: p.wire.host.Addrs()} }

// Kill silences the peer at once: nothing it sends arrives and nothing reaches it.
func (p *Peer) Kill() { p.wire.silent.Store(true) }

// Revive undoes Kill. Connections that timed out meanwhile are gone.
func (p *Peer) Revive() { p.wire.silent.Store(false) }

// Dead reports whether the peer was killed.
func (p *Peer) Dead() bool { return p.wire.silent.Load() }

// Sent and Received are the bytes its line carried so far, headers of IP and UDP included.
func (p *Peer) Sent() int64 { return p.wire.traffic().sent }

// Received is the other direction of Sent.
func (p *Peer) Received() int64 { return p.wire.traffic().received }

// HangUp ends all connections of the peer, as if it had slept for long.
func (p *Peer) HangUp() {
	for _, other := range p.wire.host.Network().Peers() {
		_ = p.wire.host.Network().ClosePeer(other)
	}
}

// run starts the peer's housekeeping.
func (p *Peer) run() {
	ctx, cancel := context.WithCancel(context.Background())
	p.stop, p.done = cancel, make(chan struct{})
	go func() {
		defer close(p.done)
		_ = p.DHT.Run(ctx) // ends with ctx, or the DHT is at fault and the test sees it
	}()
}

// close ends the peer; its line stays until the network ends.
func (p *Peer) close() {
	if p.stop != nil {
		p.stop()
		<-p.done
	}
	_ = p.DHT.Close()
	p.wire.close()
}

func newStore() ds.Batching { return dssync.MutexWrap(ds.NewMapDatastore()) }
