package sampling

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// Headers are the certified headers that a client follows. Package chain implements it.
type Headers interface {
	Head() types.CertifiedHeader
	Header(h types.Height) (types.CertifiedHeader, bool)
	// First is the lowest height from which on there are headers; above 1 where the chain was begun at a checkpoint.
	First() types.Height
	// Subscribe signals, without ever blocking, that the head may have moved; cancel ends it.
	Subscribe() (signal <-chan struct{}, cancel func())
}

// Store keeps small values by height. Height 0 holds how far everything is available.
type Store interface {
	Get(h types.Height) ([]byte, error) // nil without error if there is none
	Put(h types.Height, value []byte) error
	// Prune deletes the values of all heights from 1 up to, and without, below.
	Prune(below types.Height) error
}

// Config configures a Client. Headers, Rows, Openings and Store are needed; zero values of the rest mean the defaults.
type Config struct {
	Headers  Headers
	Rows     Rows
	Openings Openings
	Store    Store
	// Receipts, if set, keeps the receipts of the newest MaxReceipts (4096) blocks within the retention time, some 15 KiB
	// each. EpochEnds gives the headers that end the epochs before one, oldest first, for a receipt that leaves the node.
	Receipts    Store
	MaxReceipts int
	EpochEnds   func(before types.Epoch) ([]types.CertifiedHeader, error)
	Rules       Rules         // Default
	Chance      io.Reader     // crypto/rand
	Parallel    int           // blocks in work at once; 4
	Timeout     time.Duration // of one attempt; 15 s
	Delay       time.Duration // before the first look at a new block, whose rows are on their way; 300 ms
	Grace       time.Duration // before a block whose rows do not come is called unavailable; 10 s
	Backoff     time.Duration // before the second attempt; doubles up to a minute; 500 ms
	// Rate bounds the bytes received in a second, over five seconds; the newest blocks come first. 0: no bound.
	Rate int64
	// Retention is how long (header time) an unavailable block is asked for again; 0: for ever.
	Retention time.Duration
	// StaleAfter is the age of the newest header from which on the client is stale; 30 s.
	StaleAfter time.Duration
	// BadEncoding, if set, gets the proof that a certified block is badly encoded, to be published.
	BadEncoding func(ch types.CertifiedHeader, proof *coding.BadEncodingError)
	// Keep, if set, gets the correct rows that were fetched, to serve them on.
	Keep func(h types.Header, o coding.Opening, shards []coding.Shard)
	// Verdict, if set, is told of each new verdict; it must not block.
	Verdict func(r Result)
	Logger  *slog.Logger
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	def(&c.Timeout, 15*time.Second)
	def(&c.Delay, 300*time.Millisecond)
	def(&c.Grace, 10*time.Second)
	def(&c.Backoff, 500*time.Millisecond)
	def(&c.StaleAfter, 30*time.Second)
	if c.Rules == (Rules{}) {
		c.Rules = Default
	}
	if c.Chance == nil {
		c.Chance = rand.Reader
	}
	if c.MaxReceipts == 0 {
		c.MaxReceipts = 4096
	}
	if c.Parallel == 0 {
		c.Parallel = 4
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate returns everything that is wrong with the configuration.
func (c Config) Validate() error {
	var problems []error
	if c.Headers == nil || c.Rows == nil || c.Openings == nil || c.Store == nil {
		problems = append(problems, errors.New("sampling: Headers, Rows, Openings and Store are needed"))
	}
	if c.Rate < 0 || c.MaxReceipts < 0 {
		problems = append(problems, errors.New("sampling: Rate and MaxReceipts must not be negative"))
	}
	if c.Parallel < 0 || c.Timeout < 0 || c.Delay < 0 || c.Grace < 0 || c.Backoff < 0 || c.Retention < 0 || c.StaleAfter < 0 {
		problems = append(problems, errors.New("sampling: Parallel and durations must not be negative"))
	}
	first, second := c.Rules[0], c.Rules[1]
	if c.Rules != (Rules{}) && (first.Accept < 1 || first.Accept > first.Samples || second.Accept < first.Accept ||
		second.Accept > second.Samples || second.Samples < first.Samples || second.Samples > maxAsked) {
		problems = append(problems, fmt.Errorf("sampling: Rules %v: each accepts 1..Samples rows, the second asks for more", c.Rules))
	}
	return errors.Join(problems...)
}

// Client samples the blocks of a chain.
type Client struct {
	cfg     Config
	signals signals

	booking sync.Mutex // held while a verdict goes to the disk and into what follows from it
	mu      sync.Mutex
	active  map[types.Height]*state // of blocks without final verdict, as of their last attempt; not written to
	ahead   map[types.Height]bool   // blocks above safe that are available
	safe    types.Height
	// convicted are the blocks that somebody else's proof convicted in this run: a corrupt quorum's, so very few.
	convicted map[types.Height]*state
}

// New builds a client and reads how far it had come.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg.withDefaults(), active: make(map[types.Height]*state), ahead: make(map[types.Height]bool),
		convicted: make(map[types.Height]*state)}
	s, err := c.load(0)
	if err != nil {
		return nil, err
	}
	if s != nil {
		c.safe = s.Safe
	}
	return c, nil
}

// Sampling is what is known of the block at a height; false if it was not looked at yet.
func (c *Client) Sampling(h types.Height) (Result, bool) {
	c.mu.Lock()
	s := c.active[h]
	c.mu.Unlock()
	if s == nil && h > 0 {
		var err error
		if s, err = c.load(h); err != nil {
			c.cfg.Logger.Warn("sampling result not read", "height", h, "error", err)
		}
	}
	if s == nil {
		return Result{}, false
	}
	return s.result(), true
}

// Safe is the height up to which every block is available.
func (c *Client) Safe() types.Height {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.safe
}

// Stale reports whether no new certified header came for a while: the client may be cut off.
func (c *Client) Stale() bool {
	return time.Since(c.cfg.Headers.Head().Header.Time.Std()) > c.cfg.StaleAfter
}

// Subscribe signals, without ever blocking, that a verdict was reached; cancel ends it.
func (c *Client) Subscribe() (signal <-chan struct{}, cancel func()) { return c.signals.subscribe() }

// load reads a state; nil if there is none or it is unreadable.
func (c *Client) load(h types.Height) (*state, error) {
	raw, err := c.cfg.Store.Get(h)
	if err != nil {
		return nil, fmt.Errorf("sampling: read state of block %d: %w", h, err)
	}
	if raw == nil {
		return nil, nil
	}
	s, err := decodeState(raw)
	if err != nil {
		c.cfg.Logger.Warn("sampling starts anew", "height", h, "error", err)
		return nil, nil
	}
	return s, nil
}

func (c *Client) save(s *state) error {
	if err := c.cfg.Store.Put(s.Height, s.encode()); err != nil {
		return fmt.Errorf("sampling: store state of block %d: %w", s.Height, err)
	}
	return nil
}

// Rebuild is the package function over the client's sources; it makes a client the last way to a block's data.
func (c *Client) Rebuild(ctx context.Context, h types.Header) ([]byte, error) {
	return Rebuild(ctx, c.cfg.Rows, c.cfg.Openings, h)
}
