package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// Bounds of what is asked for and kept ahead.
const (
	// MaxHeaders bounds the headers in one answer.
	MaxHeaders = 64
	// MaxPending bounds how far above the head certified headers are kept until the gap is filled.
	MaxPending = 64
	// BodiesInFlight bounds the bodies fetched at once: small ones are had at a line's speed, not one a round trip.
	BodiesInFlight = 12
	// BodyBytesInFlight bounds their bytes: what is checked takes some six times as much memory. One larger is fetched alone.
	BodyBytesInFlight = 8 << 20
	// BodyWindow bounds how far above the first missing body others are fetched.
	BodyWindow = 64
)

// Peers asks other nodes. Implementations try peers in turn and another one first at the next call; they need not check
// what they hand over. Several calls may run at once.
type Peers interface {
	// Headers returns certified headers from a height on, ascending without gaps; none if the peers asked have none.
	Headers(ctx context.Context, from types.Height, max int) ([]types.CertifiedHeader, error)
	// Body returns the data of the block at a height, which should have the commitment.
	Body(ctx context.Context, height types.Height, commitment types.Hash) ([]byte, error)
}

// Distruster is what Peers may also be: it is told which answers were lies, so that their senders are asked less.
type Distruster interface {
	// DistrustHeaders says that the last answer to Headers from this height did not verify.
	DistrustHeaders(from types.Height)
	// DistrustBody says that the last answer to Body of this height was not the block's data.
	DistrustBody(height types.Height)
}

// Rows rebuilds the data of a block from its shards: what is left when no peer serves the body.
type Rows interface {
	Rebuild(ctx context.Context, header types.Header) ([]byte, error)
}

// Config of a chain. Genesis and Store are needed; Peers is, to Run.
type Config struct {
	Genesis *types.Genesis
	Store   *store.DB
	Peers   Peers
	// Rows may be nil: then bodies come from peers only.
	Rows Rows
	// HeadersOnly makes a light client: Run fetches no bodies.
	HeadersOnly bool
	// HoldBodies keeps Run from fetching bodies until FetchBodies is called: a state that is fetched makes most of them needless.
	HoldBodies bool
	// BodyDelay is how long the body of a new block is waited for before peers are asked, where Own is in the committee: a
	// member closes blocks itself. 0: not at all.
	BodyDelay time.Duration
	Own       types.PublicKey
	// RuleVersion is the newest version of the rules this program knows; 0: that of the genesis file.
	RuleVersion uint64
	// Checkpoint, if set, names an epoch's last header: the chain followed must contain it, and a light client that has not
	// come that far begins there.
	Checkpoint *types.Checkpoint
	// BodyBudget caps the bytes of bodies that ReleaseBodies leaves; 0: no cap but the retention.
	BodyBudget uint64
	// BlockCache is the memory in bytes for encoded blocks; 0: 32 MiB.
	BlockCache int
	// Poll is how long without a new head until peers are asked; 0: 5 s.
	Poll time.Duration
	// Retry is the shortest wait before peers are asked again in vain; it doubles up to 16 times that; 0: 200 ms.
	Retry time.Duration
	// HeadersTimeout and BodyTimeout bound one request; 0: 10 s and 30 s.
	HeadersTimeout, BodyTimeout time.Duration
	// Logger may be nil.
	Logger *slog.Logger
}

func (cfg Config) withDefaults() Config {
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	def(&cfg.Poll, 5*time.Second)
	def(&cfg.Retry, 200*time.Millisecond)
	def(&cfg.HeadersTimeout, 10*time.Second)
	def(&cfg.BodyTimeout, 30*time.Second)
	if cfg.BlockCache == 0 {
		cfg.BlockCache = 32 << 20
	}
	if cfg.RuleVersion == 0 && cfg.Genesis != nil {
		cfg.RuleVersion = cfg.Genesis.RuleVersion
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// Validate returns everything that is wrong with the configuration.
func (cfg Config) Validate() error {
	var problems []error
	if cfg.Genesis == nil {
		problems = append(problems, errors.New("chain: Genesis is missing"))
	} else if err := cfg.Genesis.Validate(); err != nil {
		problems = append(problems, err)
	}
	if cfg.Store == nil {
		problems = append(problems, errors.New("chain: Store is missing"))
	}
	if cp := cfg.Checkpoint; cp != nil && cfg.Genesis != nil && cfg.Genesis.EpochLength > 0 && (cp.Height == 0 || uint64(cp.Height)%cfg.Genesis.EpochLength != 0) {
		problems = append(problems, fmt.Errorf("%w: height %d ends no epoch; epochs of this network end at multiples of %d", ErrCheckpoint, cp.Height, cfg.Genesis.EpochLength))
	}
	if cfg.BodyDelay < 0 || cfg.Poll < 0 || cfg.Retry < 0 || cfg.HeadersTimeout < 0 || cfg.BodyTimeout < 0 || cfg.BlockCache < 0 {
		problems = append(problems, errors.New("chain: durations and BlockCache must not be negative"))
	}
	return errors.Join(problems...)
}
