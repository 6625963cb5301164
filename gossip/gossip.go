package gossip

import (
	"context"
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
	own       int // own index in the committee, or -1
	protocols protocols
	pubsub    *pubsub.PubSub
	topics    map[Topic]*pubsub.Topic

	members []peer.ID                // by committee index
	indices map[peer.ID]types.Member // inverse of members
	links   map[types.Member]*link   // at a member: one to each other member

	peers    *standing
	gate     *gate
	counts   counters
	rotation atomic.Uint64 // spreads requests over the peers that can answer

	answeredMu sync.Mutex
	answered   map[question]peer.ID // who answered last, for Distrust

	inboundMu sync.Mutex
	inbound   map[types.Member]network.Stream // the one push stream of each member
	streams   sync.WaitGroup                  // running stream handlers
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
		own:       -1,
		protocols: protocolsOf(cfg.Network),
		topics:    make(map[Topic]*pubsub.Topic),
		indices:   make(map[peer.ID]types.Member),
		links:     make(map[types.Member]*link),
		peers:     newStanding(),
		inbound:   make(map[types.Member]network.Stream),
		answered:  make(map[question]peer.ID),
	}
	if err := g.readCommittee(); err != nil {
		return nil, err
	}
	g.gate = newGate(cfg.RequestsPerSecond, cfg.BytesPerSecond, func(p peer.ID) bool { _, ok := g.indices[p]; return ok })
	var err error
	if g.pubsub, err = newPubsub(ctx, &g.cfg, g.peers.score); err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	if err := g.joinTopics(); err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	return g, nil
}

func (g *Gossip) readCommittee() error {
	for i, m := range g.cfg.Committee.Members() {
		id, err := PeerIDOf(m.Key)
		if err != nil {
			return fmt.Errorf("gossip: committee member %d: %w", i, err)
		}
		g.members = append(g.members, id)
		g.indices[id] = types.Member(i)
		if id == g.self {
			g.own = i
		}
	}
	if g.own < 0 {
		return nil
	}
	for i, id := range g.members {
		if i != g.own {
			g.links[types.Member(i)] = newLink(types.Member(i), id, g.cfg.PushQueueBytes)
		}
	}
	return nil
}

// MemberPeer is the peer ID of a committee member, which must exist.
func (g *Gossip) MemberPeer(m types.Member) peer.ID { return g.members[m] }

// MemberOf finds a peer in the committee.
func (g *Gossip) MemberOf(p peer.ID) (types.Member, bool) {
	m, ok := g.indices[p]
	return m, ok
}

// Run serves the direct streams and, at a committee member, keeps a push stream to every other member. It blocks until
// ctx ends, then waits for its goroutines and returns nil.
func (g *Gossip) Run(ctx context.Context) error {
	connections := g.cfg.Host.ConnManager()
	for _, id := range g.members {
		connections.Protect(id, protectTag)
		defer connections.Unprotect(id, protectTag)
	}
	served := g.serveStreams(ctx)
	group, inner := errgroup.WithContext(ctx)
	for _, l := range g.links {
		group.Go(func() error { g.runLink(inner, l); return nil })
	}
	<-ctx.Done()
	for _, id := range served {
		g.cfg.Host.RemoveStreamHandler(id)
	}
	err := group.Wait()
	g.streams.Wait()
	return err
}

// serveStreams installs the handlers and returns their protocols.
func (g *Gossip) serveStreams(ctx context.Context) []protocol.ID {
	h := &g.cfg.Handlers
	var served []protocol.ID
	handle := func(id protocol.ID, f func(context.Context, network.Stream)) {
		g.cfg.Host.SetStreamHandler(id, func(s network.Stream) { g.handleStream(ctx, s, f) })
		served = append(served, id)
	}
	if h.Push != nil && g.own >= 0 {
		handle(g.protocols.push, g.receivePushes)
	}
	if h.FetchDAG != nil {
		handle(g.protocols.fetch, g.answering(maxFetchRequest, g.answerFetch))
	}
	if h.Headers != nil || h.Body != nil || h.Opening != nil || h.Audit != nil || h.ChallengeBody != nil ||
		h.ChallengeIDs != nil || h.Assertions != nil {
		handle(g.protocols.block, g.answering(maxBlockRequest, g.answerBlock))
	}
	if h.Batch != nil && g.own >= 0 {
		handle(g.protocols.tx, g.answering(TopicBatch.maxBytes(), g.answerSubmit))
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
	}
}
