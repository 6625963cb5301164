package gossip

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/types"
)

// Verdict is what a handler thinks of a message from a peer.
type Verdict int

// The verdicts. Reject is for what no honest peer passes on: it costs the sender its score.
const (
	Accept Verdict = iota // good: pass it on
	Ignore                // stale, known, over a limit or not decidable here: do not pass it on
	Reject                // provably bad
)

// Handlers is what the node does with what peers send and ask. A nil field switches the matter off: a topic without a
// handler is not joined (publishing to it still works), a request without a handler is answered "not found". Handlers
// are called from many goroutines at once, each call bounded by the package's concurrency limits; byte slices belong to
// the callee and must not be modified by it.
type Handlers struct {
	// Batch judges an encoded batch that arrived by pubsub or, at a sequencer, by direct submission. Received is the
	// local time of arrival.
	Batch func(ctx context.Context, from peer.ID, body []byte, received types.Time) Verdict
	// Head judges an encoded certified header.
	Head func(ctx context.Context, from peer.ID, encoded []byte) Verdict
	// Assertion judges an encoded assertion.
	Assertion func(ctx context.Context, from peer.ID, encoded []byte) Verdict
	// Challenge judges an encoded challenge or the announcement of a large one.
	Challenge func(ctx context.Context, from peer.ID, encoded []byte) Verdict

	// Push takes what a member of the push's epoch pushed. It may block: that slows down this member's stream alone.
	Push func(from types.Member, p *types.Push)
	// FetchDAG answers a request for vertices and bodies.
	FetchDAG func(ctx context.Context, r *types.FetchRequest) (*types.FetchResponse, error)

	// Headers lists certified headers from a height on, ascending without gaps, at most max.
	Headers func(from types.Height, max int) []types.CertifiedHeader
	// Body is the data of a block.
	Body func(h types.Height) ([]byte, error)
	// Opening is the encoded opening of a block's commitment.
	Opening func(h types.Height) ([]byte, error)
	// Audit is the encoded audit record of a released batch or, if id.NamesTransaction, of a transaction.
	Audit func(id types.BatchID) ([]byte, bool)
	// ChallengeBody is a challenge by its CID.
	ChallengeBody func(id types.BatchID) ([]byte, bool)
	// ChallengeIDs names the valid challenges known against claims of a block.
	ChallengeIDs func(h types.Height) []types.BatchID
	// Assertions lists the encoded assertions known for a block.
	Assertions func(h types.Height) [][]byte
	// Prove answers a request for a proof of the executed state; false: this peer has none.
	Prove func(ctx context.Context, r *types.StateRequest) ([]byte, bool)
	// Snapshot is a piece of a settled state; false: this peer has none.
	Snapshot func(r *types.SnapshotRequest) ([]byte, bool)
}

// Config is what New needs. Zero values of the optional fields stand for the defaults named with them.
type Config struct {
	Host      host.Host // open; Gossip never closes it
	Network   types.NetworkID
	Epoch     types.Epoch      // the newest whose committee is known; SetCommittee tells of later ones
	Committee *types.Committee // of Epoch
	Handlers  Handlers

	// Committees tells the committee of an epoch that is over, for Fetch from its members (optional).
	Committees func(types.Epoch) (*types.Committee, bool)

	// FindPeer finds the addresses of a peer that the peerstore does not know (optional).
	FindPeer func(ctx context.Context, id peer.ID) (peer.AddrInfo, error)
	// MaxBody caps a block body in bytes, from genesis BlockBytes; default 64 MiB.
	MaxBody uint64
	// PushQueueBytes bounds what waits for one member; default 8 MiB.
	PushQueueBytes int
	// RequestTimeout bounds one small request to one peer; default 10 s. Bodies get six times as long.
	RequestTimeout time.Duration
	// HedgeDelay is how long a request to one peer runs alone before the next peer is asked too; default 700 ms.
	HedgeDelay time.Duration
	// RequestsPerSecond bounds the requests served to one peer; committee members get 16 times as much. Default 50.
	RequestsPerSecond float64
	// BytesPerSecond bounds the bytes served to one peer, likewise. Default 8 MiB.
	BytesPerSecond float64
	// Validators bounds the concurrent handler calls of one topic; default 64.
	Validators int
	// Leaf keeps the meshes of the topics small: for nodes that listen and that few rely on to pass things on.
	Leaf bool
	// Logger defaults to slog.Default.
	Logger *slog.Logger
}

// Validate returns everything that is wrong with the configuration, each problem naming its key.
func (c *Config) Validate() error {
	var problems []error
	if c.Host == nil {
		problems = append(problems, errors.New("gossip config: Host is missing"))
	}
	if c.Committee == nil {
		problems = append(problems, errors.New("gossip config: Committee is missing"))
	}
	if c.Network == (types.NetworkID{}) {
		problems = append(problems, errors.New("gossip config: Network is zero"))
	}
	if c.MaxBody > defaultMaxBody {
		problems = append(problems, errors.New("gossip config: MaxBody is above 64 MiB"))
	}
	return errors.Join(problems...)
}

// Defaults of the bounds in Config.
const (
	// defaultMaxBody is the most that Validate allows: the largest BlockBytes of any genesis.
	defaultMaxBody = 64 << 20
	// defaultPushQueueBytes is two of the largest messages for each member: what is older is fetched.
	defaultPushQueueBytes = 2 * types.MaxMessageBytes
	defaultRequestTimeout = 10 * time.Second
	// defaultHedgeDelay is above most round trips with their answers and below what a user notices.
	defaultHedgeDelay = 700 * time.Millisecond
	// defaultRequestsPerSecond and defaultBytesPerSecond let a stranger sample and follow, and no more: 64 Mbit/s.
	defaultRequestsPerSecond = 50
	defaultBytesPerSecond    = 8 << 20
	// defaultValidators keeps one topic's flood from holding more than so many messages.
	defaultValidators = 64
)

func (c *Config) fill() {
	orDefault(&c.MaxBody, defaultMaxBody)
	orDefault(&c.PushQueueBytes, defaultPushQueueBytes)
	orDefault(&c.RequestTimeout, defaultRequestTimeout)
	orDefault(&c.HedgeDelay, defaultHedgeDelay)
	orDefault(&c.RequestsPerSecond, defaultRequestsPerSecond)
	orDefault(&c.BytesPerSecond, defaultBytesPerSecond)
	orDefault(&c.Validators, defaultValidators)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
