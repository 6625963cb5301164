package sequencer

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// Streams carries messages to other members.
type Streams interface {
	// Push queues the message and never waits; false says that the queue was full and the message is lost: the receiver
	// will fetch what it misses. The message is not changed afterwards.
	Push(to types.Member, p *types.Push) bool
	// Fetch asks one member and waits for the answer, at most until ctx ends.
	Fetch(ctx context.Context, from types.Member, r *types.FetchRequest) (*types.FetchResponse, error)
}

// Batches judges batch bodies; its methods are called from several goroutines.
type Batches interface {
	// Check returns the transactions of a structurally valid body and an error for any other.
	Check(body []byte) ([]consensus.TxInfo, error)
	// Admits reports whether the own pool admits the batch now; if so it is in the pool afterwards.
	Admits(id types.BatchID, body []byte) bool
}

// TrustedBatches may be implemented by Batches to make restarts fast.
type TrustedBatches interface {
	// Infos is Check for a body that Check accepted before: it may leave out expensive checks.
	Infos(body []byte) ([]consensus.TxInfo, error)
}

// Rows spreads the rows of a block.
type Rows interface {
	// Publish pushes this member's part of the rows. An error is logged, not repeated: others repair.
	Publish(ctx context.Context, header types.Header, block *coding.Block) error
}

// Blocks keeps blocks. Its methods, but for Header, are called from one goroutine.
type Blocks interface {
	// Closed stores a block that this node built; it is durable when Closed returns. refs tells for each transaction which
	// batch it comes from.
	Closed(header types.Header, data []byte, block *coding.Block, refs []consensus.TxRef) error
	// Certified stores the certificate of a block handed over by Closed before. After a restart it may come again.
	Certified(ch types.CertifiedHeader) error
	// Header is the header once handed over by Closed at the height.
	Header(h types.Height) (types.Header, bool)
}

// Audit takes what explains the order. Both are called from one goroutine, in order; after a restart all comes again from the
// newest cut on, so entries are told apart by their index. A node that went on from others' state is not told what came before.
type Audit interface {
	Appended([]consensus.Appended)
	Released([]consensus.Released)
}

// Committees says who orders next.
type Committees interface {
	// Next is who is to order in an epoch by the state after the block at a height. It waits until that is known here, at
	// most until ctx ends. Equal at every honest node.
	Next(ctx context.Context, epoch types.Epoch, state types.Height) (consensus.NextEpoch, error)
}

// Log is the vertex log; *store.VertexLog implements it.
type Log interface {
	AppendBatch(id types.BatchID, body []byte) error
	AppendVertex(digest types.Hash, encoded []byte) error
	Sync() error
	HasBatch(id types.BatchID) bool
	Batch(id types.BatchID) ([]byte, error)
	HasVertex(digest types.Hash) bool
	Vertex(digest types.Hash) ([]byte, error)
	Len() uint64
	VertexAt(pos uint64) ([]byte, error)
	SetBound(round types.Round) error
	Bound() types.Round
	Range(from uint64, maxBytes int) (store.LogRange, error)
	First() uint64
	Segments() []store.LogSegment
	LeapTo(position uint64, own types.Hash) error
	SaveCut(c store.Cut) error
	Cuts() ([]store.Cut, error)
	CutPiece(r types.Round, offset uint64, most int) ([]byte, error)
	DropBelow(position uint64, keep []types.BatchID) error
	Replay(from uint64, batch func(types.BatchID, []byte) error, vertex func(types.Hash, []byte) error) error
}

var _ Log = (*store.VertexLog)(nil)

// Config is what a Sequencer is built from. Numbers that are 0 get the default named beside them.
type Config struct {
	Core    consensus.Config
	Key     ed25519.PrivateKey // of member Core.Self; nil when Core.Self is -1
	Log     Log
	Streams Streams
	Batches Batches
	Rows    Rows
	Blocks  Blocks
	Audit   Audit // may be nil
	// Committees may be nil where Core.Rules.EpochLength is 0.
	Committees Committees
	// FirstStart says that Key never signed in this epoch. Otherwise an empty log is a lost log: the sequencer first asks
	// the others how far it may have come.
	FirstStart bool
	// Begun is called when FirstStart is set, before anything is signed: when it returns nil, the next start will not set
	// FirstStart, whatever happens. May be nil.
	Begun func() error
	// TwinWatch is how long a start watches for another process that signs with Key; 0: not at all. It should be longer than
	// the heartbeat.
	TwinWatch time.Duration
	// Elsewhere asks a member whether another process with Key is connected to it; Epochs leaves it out where this process has
	// asked before. twin: there is one, proven; sure: the member sees that there is none. May be nil.
	Elsewhere func(ctx context.Context, at types.Member) (twin, sure bool, err error)
	// Unguarded lets the sequencer go on beside a twin. For drills of what that costs.
	Unguarded bool
	// Ordered is told at once of batches that left the fair order, from the loop: it must not wait. After a restart the log's
	// are told again. May be nil.
	Ordered func([]consensus.Released)
	// Sequenced is called once, when an own vertex of this run is in the sequence and the epoch's last block is not closed:
	// then the key has signed nothing in later epochs. May be nil.
	Sequenced func() error
	// Equivocations is told of proven equivocations; it must not wait. May be nil.
	Equivocations func([]types.Equivocation)
	Logger        *slog.Logger // nil: no log

	Workers      int           // goroutines that check pushes (2)
	InboxBytes   int           // bytes of unchecked pushes kept for each member; beyond it a push is dropped (8 MiB)
	BodyRate     int64         // bytes a second of bodies that a member may push and the own pool refuses (1 MiB)
	BodyBurst    int64         // the same, at once (8 MiB)
	HoldQueue    int           // batches from gossip that wait for the core; beyond it the newest is dropped (4096)
	HoldBytes    int64         // bytes of them (32 MiB)
	UnloggedMax  int           // bytes of bodies kept in memory only; beyond it they go to the log (32 MiB)
	ParkedMax    int           // bytes of bodies from gossip that the own pool refuses; beyond it the oldest are dropped (16 MiB)
	FetchLimit   int           // requests under way to one member (2)
	FetchTimeout time.Duration // of one request (2 s)
	ServeLimit   int           // requests answered at a time; further ones wait until their context ends (8)
	CatchUpLag   uint64        // rounds behind f+1 of stake at which the others' logs are asked (64)
	JoinLag      uint64        // rounds behind at which others' state is taken up instead of reading all their logs (16384)
	KeepLog      time.Duration // how long accepted vertices stay in the log at least, unless it grows beyond (24 h)
	KeepLogBytes int64         // and then what no rule needs is dropped all the same (32 GiB)
	SyncEvery    time.Duration // how long vertices of others stay unsynced when no own vertex is made (1 s)
}

// Defaults of the bounds in Config.
const (
	// defaultWorkers leaves cores to the rest of the node: checks of one push are not worth more.
	defaultWorkers = 2
	// defaultInboxBytes is two of the largest messages: the one being checked and the next.
	defaultInboxBytes = 2 * types.MaxMessageBytes
	// defaultBodyRate is what the core lets an author bring a second; defaultBodyBurst two of the largest pushes.
	defaultBodyRate  = 1 << 20
	defaultBodyBurst = 2 * types.MaxMessageBytes
	// defaultHoldQueue and defaultHoldBytes are some seconds of gossip at the highest rate that blocks carry.
	defaultHoldQueue = 4096
	defaultHoldBytes = 32 << 20
	// defaultUnloggedMax is how many bytes of bodies a vertex of the next rounds may still spare the log's early write.
	defaultUnloggedMax = 32 << 20
	// defaultParkedMax is half a minute of what four strangers may gossip and the pool refuses.
	defaultParkedMax = 16 << 20
	// defaultFetchLimit keeps a second request going while the first is answered, and no more waits for one slow member.
	defaultFetchLimit = 2
	// defaultFetchTimeout is above any round trip with an answer of types.MaxFetchBytes at 10 Mbit/s.
	defaultFetchTimeout = 2 * time.Second
	// defaultServeLimit bounds the memory of answers under way: so many times types.MaxFetchBytes.
	defaultServeLimit = 8
	// defaultCatchUpLag is the horizon: below it the others' vertices can be fetched one by one.
	defaultCatchUpLag = consensus.Horizon
	// defaultSyncEvery bounds what a follower loses in a crash, and so what it asks for again.
	defaultSyncEvery = time.Second
)

func (c *Config) setDefaults() {
	setDefault(&c.Workers, defaultWorkers)
	setDefault(&c.InboxBytes, defaultInboxBytes)
	setDefault(&c.BodyRate, defaultBodyRate)
	setDefault(&c.BodyBurst, defaultBodyBurst)
	setDefault(&c.HoldQueue, defaultHoldQueue)
	setDefault(&c.HoldBytes, defaultHoldBytes)
	setDefault(&c.UnloggedMax, defaultUnloggedMax)
	setDefault(&c.ParkedMax, defaultParkedMax)
	setDefault(&c.FetchLimit, defaultFetchLimit)
	setDefault(&c.FetchTimeout, defaultFetchTimeout)
	setDefault(&c.ServeLimit, defaultServeLimit)
	setDefault(&c.CatchUpLag, defaultCatchUpLag)
	setDefault(&c.JoinLag, 1<<14)
	setDefault(&c.KeepLog, 24*time.Hour)
	setDefault(&c.KeepLogBytes, 32<<30)
	setDefault(&c.SyncEvery, defaultSyncEvery)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate returns everything that is wrong with the configuration.
func (c *Config) Validate() error {
	var problems []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("sequencer: "+format, args...))
		}
	}
	need(c.Log != nil && c.Streams != nil && c.Batches != nil && c.Rows != nil && c.Blocks != nil,
		"Log, Streams, Batches, Rows and Blocks must be set")
	need(c.Workers >= 0 && c.InboxBytes >= 0 && c.HoldQueue >= 0 && c.HoldBytes >= 0 && c.UnloggedMax >= 0 && c.ParkedMax >= 0 && c.FetchLimit >= 0 &&
		c.ServeLimit >= 0 && c.BodyRate >= 0 && c.BodyBurst >= 0 && c.FetchTimeout >= 0 && c.SyncEvery >= 0 && c.KeepLog >= 0 && c.KeepLogBytes >= 0, "a bound is negative")
	need(c.Committees != nil || c.Core.Rules.EpochLength == 0, "Committees must be set where epochs end")
	need(c.Core.Committee != nil, "Core.Committee must be set")
	if c.Core.Committee != nil && c.Core.Self >= 0 {
		problems = append(problems, c.checkKey())
	}
	return errors.Join(problems...)
}

func (c *Config) checkKey() error {
	if c.Core.Self >= c.Core.Committee.Len() {
		return fmt.Errorf("sequencer: Core.Self is %d in a committee of %d", c.Core.Self, c.Core.Committee.Len())
	}
	if len(c.Key) != ed25519.PrivateKeySize {
		return errors.New("sequencer: Key is missing")
	}
	if member := c.Core.Committee.Member(types.Member(c.Core.Self)); types.PublicKey(c.Key.Public().(ed25519.PublicKey)) != member.Key {
		return fmt.Errorf("sequencer: Key is not the key of member %d (%s)", c.Core.Self, member.Key)
	}
	return nil
}
