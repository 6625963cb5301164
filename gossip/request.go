package gossip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// maxAsked bounds the peers asked for one thing.
const maxAsked = 4

// exchange sends one request to one peer and reads the answer, of at most limit bytes.
func (g *Gossip) exchange(ctx context.Context, p peer.ID, id protocol.ID, request []byte, limit int) ([]byte, error) {
	s, err := g.cfg.Host.NewStream(ctx, p, id)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", p, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	frame, err := g.converse(s, request, limit)
	if err != nil {
		_ = s.Reset()
		return nil, fmt.Errorf("ask %s: %w", p, errors.Join(err, ctx.Err()))
	}
	_ = s.Close()
	payload, err := splitResponse(frame)
	if err != nil {
		return nil, fmt.Errorf("answer of %s: %w", p, err)
	}
	return payload, nil
}

// exchangeLarge is exchange for what is asked for in numbers: a peer is asked for so much at once.
func (g *Gossip) exchangeLarge(ctx context.Context, p peer.ID, id protocol.ID, request []byte, limit int) ([]byte, error) {
	if err := g.room.enter(ctx, p); err != nil {
		return nil, fmt.Errorf("ask %s: %w", p, err)
	}
	defer g.room.leave(p)
	return g.exchange(ctx, p, id, request, limit)
}

func (g *Gossip) converse(s network.Stream, request []byte, limit int) ([]byte, error) {
	if err := writeFrame(s, request); err != nil {
		// The server may have answered "busy" and closed before it read the request: look for that answer.
		if frame, readErr := readFrame(s, limit+maxResponseHeader, time.Second); readErr == nil {
			return frame, nil
		}
		return nil, err
	}
	if err := s.CloseWrite(); err != nil {
		return nil, err
	}
	return readFrame(s, limit+maxResponseHeader, g.cfg.RequestTimeout)
}

// candidates lists connected peers that serve a protocol: committee members first, then others, then light clients (who
// are no servers of the DHT), each group rotated; then those that are asked for much already, those that were slow lately, and distrusted peers at the end. With membersOnly it lists those of the newest epoch: they order what comes now.
func (g *Gossip) candidates(id protocol.ID, membersOnly bool) []peer.ID {
	var members, others, light, full, slow, last []peer.ID
	now := g.live.Load()
	for _, p := range g.cfg.Host.Network().Peers() {
		supported, err := g.cfg.Host.Peerstore().SupportsProtocols(p, id, g.protocols.kad)
		if err != nil || !slices.Contains(supported, id) {
			continue
		}
		member := now.member(p)
		_, current := now.newest.indices[p]
		switch {
		case membersOnly && !current:
		case g.peers.distrusted(p):
			last = append(last, p)
		case g.slow.slow(p):
			slow = append(slow, p)
		case g.room.full(p):
			full = append(full, p)
		case member:
			members = append(members, p)
		case !slices.Contains(supported, g.protocols.kad):
			light = append(light, p)
		default:
			others = append(others, p)
		}
	}
	turn := g.rotation.Add(1)
	return slices.Concat(rotate(members, turn), rotate(others, turn), rotate(light, turn), rotate(full, turn), rotate(slow, turn), last)
}

func rotate(peers []peer.ID, turn uint64) []peer.ID {
	if len(peers) == 0 {
		return nil
	}
	at := int(turn % uint64(len(peers)))
	return append(append(make([]peer.ID, 0, len(peers)), peers[at:]...), peers[:at]...)
}

// reach connects to a committee member when no connected peer serves the protocol.
func (g *Gossip) reach(ctx context.Context, id protocol.ID, membersOnly bool) ([]peer.ID, error) {
	peers := g.candidates(id, membersOnly)
	if len(peers) > 0 {
		return peers, nil
	}
	members := g.live.Load().newest.members
	for _, p := range rotate(members, g.rotation.Add(1))[:min(maxAsked, len(members))] {
		if p == g.self {
			continue
		}
		dial, cancel := context.WithTimeout(ctx, dialTimeout)
		err := g.connect(dial, p)
		cancel()
		if err == nil {
			return []peer.ID{p}, nil
		}
	}
	return nil, ErrNoPeers
}

// answer is one peer's answer.
type answer[T any] struct {
	value T
	from  peer.ID
	err   error
}

// firstGood asks up to maxAsked peers in turn and returns the first good answer. The next peer is asked when one fails
// or when hedge has passed without an answer. It leaves no goroutine behind but those whose ask still winds up after
// its context was cancelled. slow is told who was asked before the peer that answered and is still at it.
func firstGood[T any](ctx context.Context, peers []peer.ID, hedge time.Duration, slow func([]peer.ID), ask func(context.Context, peer.ID) (T, error)) (T, peer.ID, error) {
	var none T
	peers = peers[:min(len(peers), maxAsked)]
	if len(peers) == 0 {
		return none, "", ErrNoPeers
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer[T], len(peers)) // room for all: no sender ever blocks
	started, finished := 0, 0
	waiting := make([]peer.ID, 0, len(peers)) // in the order in which they were asked
	next := func() {
		if started == len(peers) {
			return
		}
		p := peers[started]
		started++
		waiting = append(waiting, p)
		go func() {
			v, err := ask(ctx, p)
			answers <- answer[T]{v, p, err}
		}()
	}
	next()
	timer := time.NewTicker(hedge)
	defer timer.Stop()
	var problems []error
	for finished < started {
		select {
		case a := <-answers:
			finished++
			at := slices.Index(waiting, a.from)
			if a.err == nil {
				slow(waiting[:at])
				return a.value, a.from, nil
			}
			waiting = slices.Delete(waiting, at, at+1)
			problems = append(problems, a.err)
			next()
		case <-timer.C:
			next()
		case <-ctx.Done():
			return none, "", errors.Join(append(problems, ctx.Err())...)
		}
	}
	return none, "", errors.Join(problems...)
}
