package p2p

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Timing of hole punching.
const (
	// punchEvery is how often relayed connections are looked at; punchPause and punchPauseMax bound the pause between two
	// tries with one peer, which doubles.
	punchEvery    = time.Second
	punchPause    = time.Second
	punchPauseMax = 10 * time.Minute
	// maxObserved bounds the own addresses that peers told, the newest count.
	maxObserved = 16
)

// puncher makes relayed connections direct (DCUtR). libp2p's own service tries once, when the connection is opened; often one
// side does not know its outer address yet then, and the connection would stay relayed for good. This one tries again.
type puncher struct {
	host    host.Host
	service *holepunch.Service
	sub     event.Subscription
	ctx     context.Context
	stop    context.CancelFunc
	wg      sync.WaitGroup

	mu       sync.Mutex
	observed []multiaddr.Multiaddr // newest last
	tries    map[peer.ID]*punchTry
}

// punchTry is what was tried with one peer.
type punchTry struct {
	next   time.Time
	pause  time.Duration
	active bool
}

func newPuncher(h host.Host, tracer holepunch.EventTracer) (*puncher, error) {
	identified, ok := h.(interface{ IDService() identify.IDService })
	if !ok {
		return nil, fmt.Errorf("hole punching: %T does not identify peers", h)
	}
	sub, err := h.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted), eventbus.Name("bedrock hole punching"))
	if err != nil {
		return nil, fmt.Errorf("hole punching: %w", err)
	}
	p := &puncher{host: h, sub: sub, tries: make(map[peer.ID]*punchTry)}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.wg.Go(p.listen)
	p.service, err = holepunch.NewService(h, identified.IDService(), p.addrs, holepunch.WithTracer(tracer))
	if err != nil {
		_ = p.close()
		return nil, fmt.Errorf("hole punching: %w", err)
	}
	p.wg.Go(p.keepTrying)
	return p, nil
}

func (p *puncher) close() error {
	p.stop()
	err := p.sub.Close()
	if p.service != nil {
		err = p.service.Close()
	}
	p.wg.Wait()
	return err
}

// addrs are the outer addresses that peers may dial at the moment that is agreed on: what the host knows, and what single
// peers saw. libp2p believes an address when four saw it; for a punch one is enough.
func (p *puncher) addrs() []multiaddr.Multiaddr {
	var out []multiaddr.Multiaddr
	for _, a := range p.host.Addrs() {
		if !IsRelayed(a) && !isReserved(a) {
			out = append(out, a)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return multiaddr.Unique(append(append(out, p.observed...), p.guessed()...))
}

// guessed are outer addresses that nobody saw: a router that kept the port of one transport is taken to keep that of the other.
// A node that joined over QUIC alone can so be met over TCP.
func (p *puncher) guessed() []multiaddr.Multiaddr {
	var out []multiaddr.Multiaddr
	listening := p.host.Network().ListenAddresses()
	for _, seen := range p.observed {
		ip, err := manet.ToIP(seen)
		if err != nil || ip.To4() == nil || !slices.ContainsFunc(listening, func(a multiaddr.Multiaddr) bool { return portOf(a) == portOf(seen) }) {
			continue
		}
		for _, a := range listening {
			if _, err := a.ValueForProtocol(multiaddr.P_IP4); err != nil {
				continue
			}
			_, rest := multiaddr.SplitFirst(a)
			outer, err := manet.FromIP(ip)
			if err == nil {
				out = append(out, outer.Encapsulate(rest.Multiaddr()))
			}
		}
	}
	return out
}

// listen collects what address peers see this host at.
func (p *puncher) listen() {
	for e := range p.sub.Out() {
		done, ok := e.(event.EvtPeerIdentificationCompleted)
		if !ok || done.ObservedAddr == nil || done.Conn == nil || IsRelayed(done.ObservedAddr) || isReserved(done.ObservedAddr) {
			continue
		}
		if IsRelayed(done.Conn.RemoteMultiaddr()) || !p.fromListenPort(done.Conn) {
			continue
		}
		p.saw(done.ObservedAddr)
	}
}

// saw keeps an own address that a peer told.
func (p *puncher) saw(a multiaddr.Multiaddr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.observed = slices.DeleteFunc(p.observed, a.Equal)
	p.observed = append(p.observed, a)
	p.observed = p.observed[max(0, len(p.observed)-maxObserved):]
}

// fromListenPort reports whether a connection was opened from a port that the host listens on: only then does what the router
// made of that port help others.
func (p *puncher) fromListenPort(c network.Conn) bool {
	port := portOf(c.LocalMultiaddr())
	return slices.ContainsFunc(p.host.Network().ListenAddresses(), func(a multiaddr.Multiaddr) bool { return portOf(a) == port })
}

// portOf is the port of a TCP or UDP address, with its protocol.
func portOf(a multiaddr.Multiaddr) string {
	for _, protocol := range []int{multiaddr.P_TCP, multiaddr.P_UDP} {
		if port, err := a.ValueForProtocol(protocol); err == nil {
			return fmt.Sprint(protocol, "/", port)
		}
	}
	return ""
}

func (p *puncher) keepTrying() {
	tick := time.NewTicker(punchEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case now := <-tick.C:
			p.round(now)
		}
	}
}

// round tries each peer that a relay connected to this host, and nothing else does, when its time has come.
func (p *puncher) round(now time.Time) {
	if !slices.Contains(p.host.Mux().Protocols(), holepunch.Protocol) {
		return // no outer address is known yet
	}
	relayed := p.relayedHere()
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, try := range p.tries {
		if !relayed[id] && !try.active {
			delete(p.tries, id)
		}
	}
	for id := range relayed {
		try, known := p.tries[id]
		if !known {
			p.tries[id] = &punchTry{next: now.Add(punchPause / 2), pause: punchPause}
			continue
		}
		if try.active || now.Before(try.next) {
			continue
		}
		try.active, try.next, try.pause = true, now.Add(try.pause), min(2*try.pause, punchPauseMax)
		p.wg.Go(func() { p.try(id, try) })
	}
}

func (p *puncher) try(id peer.ID, try *punchTry) {
	_ = p.service.DirectConnect(id) // the tracer counts, and the next round sees what came of it
	p.mu.Lock()
	defer p.mu.Unlock()
	try.active = false
}

// relayedHere are the peers that are connected by relays alone and that opened the connection: DCUtR leaves the first step to
// the side that was dialled.
func (p *puncher) relayedHere() map[peer.ID]bool {
	found := make(map[peer.ID]bool)
	direct := make(map[peer.ID]bool)
	for _, c := range p.host.Network().Conns() {
		switch {
		case !IsRelayed(c.RemoteMultiaddr()):
			direct[c.RemotePeer()] = true
		case c.Stat().Direction == network.DirInbound:
			found[c.RemotePeer()] = true
		}
	}
	for id := range direct {
		delete(found, id)
	}
	return found
}
