package gossip

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/types"
)

// protectTag keeps the connection manager from trimming connections to committee members.
const protectTag = "bedrock-committee"

// Gossip is a node's part in the topics and the direct streams. All methods are safe for concurrent use.
type Gossip struct {
	cfg       Config
	self      peer.ID
	instance  instance
	protocols protocols
	pubsub    *pubsub.PubSub
	topics    map[Topic]*pubsub.Topic

	live     atomic.Pointer[live]
	liveMu   sync.Mutex    // of whoever replaces live
	replaced chan struct{} // capacity 1: live was replaced

	peers    *standing
	slow     *slowness
	room     *room
	scores   atomic.Pointer[map[peer.ID]float64] // as the library told last
	gate     *gate
	counts   counters
	rotation atomic.Uint64 // spreads requests over the peers that can answer

	answeredMu sync.Mutex
	answered   map[question]peer.ID // who answered last, for Distrust

	inboundMu sync.Mutex
	inbound   map[peer.ID]network.Stream // the one push stream of each member
	streams   sync.WaitGroup             // running stream handlers
}

// New joins the topics. The pubsub library's goroutines live until ctx ends; everything else runs in Run.
func New(ctx context.Context, cfg Config) (*Gossip, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.fill()
	g := &Gossip{
		cfg:       cfg,
		self:      cfg.Host.ID(),
		protocols: protocolsOf(cfg.Network),
		topics:    make(map[Topic]*pubsub.Topic),
		replaced:  make(chan struct{}, 1),
		peers:     newStanding(),
		slow:      newSlowness(),
		room:      newRoom(),
		inbound:   make(map[peer.ID]network.Stream),
		answered:  make(map[question]peer.ID),
	}
	var err error
	if g.instance, err = newInstance(); err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	g.live.Store(new(live))
	if err := g.SetCommittee(cfg.Epoch, cfg.Committee); err != nil {
		return nil, err
	}
	g.gate = newGate(cfg.RequestsPerSecond, cfg.BytesPerSecond, func(p peer.ID) bool { return g.live.Load().member(p) })
	if g.pubsub, err = newPubsub(ctx, &g.cfg, g.peers.score, func(scores map[peer.ID]float64) { g.scores.Store(&scores) }); err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	if err := g.joinTopics(); err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	return g, nil
}

// Run serves the direct streams and, at a committee member, keeps a push stream to every other member of the epochs it
// takes part in. It blocks until ctx ends, then waits for its goroutines and returns nil.
func (g *Gossip) Run(ctx context.Context) error {
	served := g.serveStreams(ctx)
	var group errgroup.Group
	running := make(map[*link]context.CancelFunc)
	protected := make(map[peer.ID]bool)
	for ctx.Err() == nil {
		now := g.live.Load()
		g.protect(protected, now)
		g.dismiss(now)
		for l, stop := range running {
			if now.links[l.peer] != l {
				stop()
				delete(running, l)
			}
		}
		for _, l := range now.links {
			if running[l] == nil {
				inner, stop := context.WithCancel(ctx)
				running[l] = stop
				group.Go(func() error { g.runLink(inner, l); return nil })
			}
		}
		select {
		case <-ctx.Done():
		case <-g.replaced:
		}
	}
	for _, stop := range running {
		stop()
	}
	for _, id := range served {
		g.cfg.Host.RemoveStreamHandler(id)
	}
	err := group.Wait()
	g.streams.Wait()
	g.protect(protected, new(live))
	return err
}

// protect keeps the connection manager from trimming connections to the members of now, and from nobody else's.
func (g *Gossip) protect(protected map[peer.ID]bool, now *live) {
	if g.cfg.Leaf {
		return // it needs some peers, whoever they are
	}
	connections := g.cfg.Host.ConnManager()
	for p := range protected {
		if !now.member(p) {
			connections.Unprotect(p, protectTag)
			delete(protected, p)
		}
	}
	for _, r := range now.rosters() {
		for _, p := range r.members {
			if !protected[p] {
				protected[p] = true
				connections.Protect(p, protectTag)
			}
		}
	}
}

// serveStreams installs the handlers and returns their protocols.
func (g *Gossip) serveStreams(ctx context.Context) []protocol.ID {
	h := &g.cfg.Handlers
	var served []protocol.ID
	handle := func(id protocol.ID, f func(context.Context, network.Stream)) {
		g.cfg.Host.SetStreamHandler(id, func(s network.Stream) { g.handleStream(ctx, s, f) })
		served = append(served, id)
	}
	if h.Push != nil {
		handle(g.protocols.push, g.receivePushes)
		handle(g.protocols.instance, g.answering(maxInstanceRequest, g.answerInstance))
	}
	if h.FetchDAG != nil {
		handle(g.protocols.fetch, g.answering(maxFetchRequest, g.answerFetch))
	}
	if h.Headers != nil || h.Body != nil || h.Opening != nil || h.Audit != nil || h.ChallengeBody != nil ||
		h.ChallengeIDs != nil || h.Assertions != nil {
		handle(g.protocols.block, g.answering(maxBlockRequest, g.answerBlock))
	}
	if h.Batch != nil {
		handle(g.protocols.tx, g.answering(TopicBatch.maxBytes(), g.answerSubmit))
	}
	if h.Prove != nil {
		handle(g.protocols.state, g.answering(types.MaxStateRequestBytes, g.answerProof))
	}
	if h.Snapshot != nil {
		handle(g.protocols.snapshot, g.answering(types.MaxSnapshotRequestBytes, g.answerSnapshot))
	}
	return served
}

// handleStream runs f for an inbound stream and ends the stream when f returns or ctx ends.
func (g *Gossip) handleStream(ctx context.Context, s network.Stream, f func(context.Context, network.Stream)) {
	if ctx.Err() != nil {
		_ = s.Reset()
		return
	}
	g.streams.Add(1)
	defer g.streams.Done()
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	defer s.Close()
	f(ctx, s)
}

// Penalize notes that a peer answered wrongly or broke a protocol: it is asked last for a while and its score falls.
func (g *Gossip) Penalize(p peer.ID) {
	if p != g.self && p != "" {
		g.peers.penalize(p)
		g.counts.wrong.Add(1)
	}
}

// judge penalizes a peer for an answer that no honest peer gives, and names it in the error.
func (g *Gossip) judge(p peer.ID, err error) error {
	if errors.Is(err, types.ErrUnproven) || errors.Is(err, types.ErrMalformed) {
		g.Penalize(p)
		return fmt.Errorf("%s: %w", p, err)
	}
	return err
}
