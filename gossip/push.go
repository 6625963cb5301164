package gossip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/types"
)

const (
	dialTimeout = 10 * time.Second
	redialMin   = 200 * time.Millisecond
	redialMax   = 8 * time.Second
	// pushIdle is for how long a push stream may be silent. An idle network makes a vertex every second.
	pushIdle = 2 * time.Minute
)

// Push queues p for a member of its epoch and never blocks. It reports false when p was not taken: the epoch is not live,
// this node or to is no other member of its committee, or p is larger than the queue. A taken message may still be lost: a
// full queue drops its oldest.
func (g *Gossip) Push(to types.Member, p *types.Push) bool {
	now := g.live.Load()
	r := now.of(p.Epoch)
	if r == nil || r.own < 0 || int(to) >= len(r.members) {
		return false
	}
	l := now.links[r.members[to]]
	return l != nil && l.put(p)
}

// runLink keeps a stream to one member and writes the queue into it, until ctx ends.
func (g *Gossip) runLink(ctx context.Context, l *link) {
	wait := redialMin
	for ctx.Err() == nil {
		began := time.Now()
		err := g.pump(ctx, l)
		l.setConnected(false)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > redialMax {
			wait = redialMin
		}
		g.cfg.Logger.Debug("push stream ended", "peer", l.peer, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait/2 + rand.N(wait/2)): // jitter: members that restart together do not dial together
		}
		wait = min(2*wait, redialMax)
	}
}

// pump opens a stream and writes until it fails.
func (g *Gossip) pump(ctx context.Context, l *link) error {
	s, err := g.openPush(ctx, l.peer)
	if err != nil {
		return err
	}
	closed := make(chan error, 1) // capacity 1: the reader never blocks
	go func() {
		var one [1]byte
		_, err := s.Read(one[:]) // a receiver never writes: this returns when the stream ends
		closed <- fmt.Errorf("receiver ended the stream: %w", err)
	}()
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	err = l.write(ctx, s, closed)
	stop()
	_ = s.Reset()
	return err
}

func (g *Gossip) openPush(ctx context.Context, p peer.ID) (network.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := g.connect(ctx, p); err != nil {
		return nil, err
	}
	return g.cfg.Host.NewStream(ctx, p, g.protocols.push)
}

func (l *link) write(ctx context.Context, s network.Stream, closed <-chan error) error {
	l.setConnected(true)
	for {
		for p := l.head(); p != nil; p = l.head() {
			for _, part := range splitPush(p, types.MaxMessageBytes) {
				if err := writeFrame(s, part.Encode()); err != nil {
					return err
				}
			}
			l.sentHead(p)
		}
		select {
		case <-l.wake:
		case err := <-closed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// connect makes sure there is a connection: by known addresses, then by those FindPeer finds.
func (g *Gossip) connect(ctx context.Context, p peer.ID) error {
	h := g.cfg.Host
	if h.Network().Connectedness(p) == network.Connected {
		return nil
	}
	err := errors.New("no address known")
	if addrs := h.Peerstore().Addrs(p); len(addrs) > 0 {
		// Where nobody is any more nothing answers: that must not take the time that finding the new address needs.
		known, cancel := context.WithTimeout(ctx, dialTimeout/2)
		err = h.Connect(known, peer.AddrInfo{ID: p, Addrs: addrs})
		cancel()
		if err == nil {
			return nil
		}
	}
	if g.cfg.FindPeer != nil {
		info, findErr := g.cfg.FindPeer(ctx, p)
		if findErr == nil && info.ID == p && len(info.Addrs) > 0 {
			return h.Connect(ctx, info)
		}
		err = errors.Join(err, findErr)
	}
	return fmt.Errorf("connect to %s: %w", p, err)
}

// receivePushes reads one member's push stream until it ends or its sender is no member any more. A newer stream of the
// same member replaces it.
func (g *Gossip) receivePushes(_ context.Context, s network.Stream) {
	from := s.Conn().RemotePeer()
	if !g.live.Load().member(from) || from == g.self {
		_ = s.ResetWithError(network.StreamProtocolViolation)
		return
	}
	if old := g.swapInbound(from, s); old != nil {
		_ = old.Reset()
	}
	defer g.dropInbound(from, s)
	for g.live.Load().member(from) {
		frame, err := readFrame(s, types.MaxMessageBytes, pushIdle)
		if err == nil {
			err = g.takePush(from, frame)
		}
		if errors.Is(err, types.ErrMalformed) {
			g.Penalize(from)
		}
		if err != nil {
			break
		}
	}
	_ = s.Reset()
}

// takePush hands on a push to the epoch it is of. One of an epoch that is not live here, over or not known yet, is counted
// and dropped: what it brought is fetched when it is missed.
func (g *Gossip) takePush(from peer.ID, frame []byte) error {
	p, err := types.DecodePush(frame)
	if err != nil {
		return err
	}
	g.counts.pushesIn.Add(1)
	r := g.live.Load().of(p.Epoch)
	if r == nil || r.own < 0 {
		g.counts.otherEpoch.Add(1)
		return nil
	}
	m, ok := r.indices[from]
	if !ok {
		return fmt.Errorf("push of epoch %d by a peer that is not in its committee: %w", p.Epoch, types.ErrMalformed)
	}
	g.cfg.Handlers.Push(m, p)
	return nil
}

func (g *Gossip) swapInbound(p peer.ID, s network.Stream) network.Stream {
	g.inboundMu.Lock()
	defer g.inboundMu.Unlock()
	old := g.inbound[p]
	g.inbound[p] = s
	return old
}

// dismiss ends the streams of those who are members no more.
func (g *Gossip) dismiss(now *live) {
	g.inboundMu.Lock()
	defer g.inboundMu.Unlock()
	for p, s := range g.inbound {
		if !now.member(p) {
			_ = s.Reset()
		}
	}
}

func (g *Gossip) dropInbound(p peer.ID, s network.Stream) {
	g.inboundMu.Lock()
	defer g.inboundMu.Unlock()
	if g.inbound[p] == s {
		delete(g.inbound, p)
	}
}
