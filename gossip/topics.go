package gossip

import (
	"context"
	"fmt"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"

	"github.com/etherscale/bedrock/types"
)

// Queues of the pubsub library. Its defaults of 32 drop silently under load.
const (
	outboundQueue   = 1024
	validateQueue   = 4096
	validateTimeout = 5 * time.Second
	// challengeTimeout covers a challenge's turn, and the longest that its verification may take.
	challengeTimeout = 28 * time.Second
	// seenTTL is for how long a message id is remembered. It exceeds what gossip may take to repair a loss (a few
	// heartbeats) and lets a batch be published again later.
	seenTTL = 30 * time.Second
)

// newPubsub starts the library's goroutines; they live until ctx ends.
func newPubsub(ctx context.Context, cfg *Config, appScore func(peer.ID) float64, show func(map[peer.ID]float64)) (*pubsub.PubSub, error) {
	var names []string
	for _, t := range topics() {
		names = append(names, topicName(cfg.Network, t))
	}
	params := meshes(cfg.Leaf)
	return pubsub.NewGossipSub(ctx, cfg.Host,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithGossipSubParams(params),
		pubsub.WithFloodPublish(true),
		pubsub.WithPeerScore(scoreParams(names, appScore), scoreThresholds()),
		pubsub.WithPeerScoreInspect(show, scoresEvery),
		pubsub.WithPeerOutboundQueueSize(outboundQueue),
		pubsub.WithValidateQueueSize(validateQueue),
		pubsub.WithMaxMessageSize(2*maxPubsubBytes),
		pubsub.WithSeenMessagesTTL(seenTTL),
		pubsub.WithSubscriptionFilter(pubsub.WrapLimitSubscriptionFilter(pubsub.NewAllowlistSubscriptionFilter(names...), 2*len(names))),
	)
}

// meshes says how many peers a node exchanges messages with, topic by topic, and how many others it tells of them. Telling three a
// second for four seconds reaches each neighbour of a node with forty some fifteen times: the library's default of six, or of a
// quarter of all, is most of what an idle node sends. A leaf exchanges messages with two or three: what these keep from it, it is
// told of by all others; itself it tells nobody.
func meshes(leaf bool) pubsub.GossipSubParams {
	params := pubsub.DefaultGossipSubParams()
	params.Dlazy, params.GossipFactor = 3, 0.05
	params.HistoryLength = 6
	params.HistoryGossip = 4
	if leaf {
		params.D, params.Dlo, params.Dhi, params.Dscore, params.Dout = 2, 2, 3, 1, 0
		params.Dlazy, params.GossipFactor = 0, 0
	}
	return params
}

// messageID is the CID of the data and the topic: StrictNoSign leaves neither author nor sequence number to name a message
// by. Without the topic, whoever repeats a message on another topic would make peers drop it on its own as seen already.
func messageID(m *pb.Message) string {
	id := types.BatchIDOf(m.GetData())
	return string(id[:]) + m.GetTopic()
}

// joinTopics joins all topics, to publish; those that have a handler are relayed and validated by it.
func (g *Gossip) joinTopics() error {
	for _, t := range topics() {
		handle := g.handlerOf(t)
		name := topicName(g.cfg.Network, t)
		if handle != nil {
			timeout := validateTimeout
			if t == TopicChallenge {
				timeout = challengeTimeout
			}
			err := g.pubsub.RegisterTopicValidator(name, g.validator(t, handle),
				pubsub.WithValidatorConcurrency(g.cfg.Validators), pubsub.WithValidatorTimeout(timeout),
				pubsub.WithValidatorInline(t == TopicBatch)) // batches are judged by computing alone, in order of receipt
			if err != nil {
				return fmt.Errorf("topic %s: %w", name, err)
			}
		}
		topic, err := g.pubsub.Join(name)
		if err != nil {
			return fmt.Errorf("topic %s: %w", name, err)
		}
		g.topics[t] = topic
		if handle != nil { // relaying needs no subscription buffer: the validator is where a message is consumed
			if _, err := topic.Relay(); err != nil {
				return fmt.Errorf("topic %s: %w", name, err)
			}
		}
	}
	return nil
}

type topicHandler func(ctx context.Context, from peer.ID, data []byte, received types.Time) Verdict

func (g *Gossip) handlerOf(t Topic) topicHandler {
	plain := func(h func(context.Context, peer.ID, []byte) Verdict) topicHandler {
		if h == nil {
			return nil
		}
		return func(ctx context.Context, from peer.ID, data []byte, _ types.Time) Verdict { return h(ctx, from, data) }
	}
	switch t {
	case TopicBatch:
		return g.cfg.Handlers.Batch
	case TopicHead:
		return plain(g.cfg.Handlers.Head)
	case TopicAssertion:
		return plain(g.cfg.Handlers.Assertion)
	default:
		return plain(g.cfg.Handlers.Challenge)
	}
}

func (g *Gossip) validator(t Topic, handle topicHandler) pubsub.ValidatorEx {
	counts := &g.counts.topics[topicIndex(t)]
	return func(ctx context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
		if from == g.self {
			return pubsub.ValidationAccept // the publisher has judged it
		}
		if len(m.Data) == 0 || len(m.Data) > t.maxBytes() {
			counts.rejected.Add(1)
			return pubsub.ValidationReject
		}
		switch handle(ctx, from, m.Data, types.TimeOf(time.Now())) {
		case Accept:
			counts.accepted.Add(1)
			if t == TopicBatch && g.live.Load().everyoneHas(from) {
				return pubsub.ValidationIgnore // good, and passed on to nobody
			}
			return pubsub.ValidationAccept
		case Reject:
			counts.rejected.Add(1)
			return pubsub.ValidationReject
		default:
			counts.ignored.Add(1)
			return pubsub.ValidationIgnore
		}
	}
}

// PublishBatch publishes an encoded batch that the caller has admitted itself; own handlers are not called for it.
func (g *Gossip) PublishBatch(ctx context.Context, body []byte) error {
	return g.publish(ctx, TopicBatch, body)
}

// PublishHead publishes an encoded certified header.
func (g *Gossip) PublishHead(ctx context.Context, encoded []byte) error {
	return g.publish(ctx, TopicHead, encoded)
}

// PublishAssertion publishes an encoded assertion.
func (g *Gossip) PublishAssertion(ctx context.Context, encoded []byte) error {
	return g.publish(ctx, TopicAssertion, encoded)
}

// PublishChallenge publishes an encoded challenge of at most 512 KiB, or the announcement of a larger one.
func (g *Gossip) PublishChallenge(ctx context.Context, encoded []byte) error {
	return g.publish(ctx, TopicChallenge, encoded)
}

func (g *Gossip) publish(ctx context.Context, t Topic, data []byte) error {
	if len(data) == 0 || len(data) > t.maxBytes() {
		return fmt.Errorf("publish %s: %d bytes, want 1..%d: %w", t, len(data), t.maxBytes(), types.ErrMalformed)
	}
	if err := g.topics[t].Publish(ctx, data); err != nil {
		return fmt.Errorf("publish %s: %w", t, err)
	}
	g.counts.topics[topicIndex(t)].published.Add(1)
	return nil
}

// TopicPeers counts the connected peers that take part in a topic.
func (g *Gossip) TopicPeers(t Topic) int {
	if topic := g.topics[t]; topic != nil {
		return len(topic.ListPeers())
	}
	return 0
}
