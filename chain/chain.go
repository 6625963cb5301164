package chain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// headerCache is how many decoded headers are kept: about 5 KiB each with a large committee.
const headerCache = 256

// Chain is the certified chain of one network on this node.
type Chain struct {
	cfg     Config
	genesis types.Header
	network types.NetworkID
	store   *store.DB
	signals signals
	hint    chan struct{} // capacity 1: somebody is ahead
	headers *lru.Cache[types.Height, types.CertifiedHeader]
	blocks  *blockCache

	// write is held by one writer at a time, during checks and the disk's work. mu guards the fields below it; only the
	// holder of write changes them (but for the cache of committees).
	write      sync.Mutex
	mu         sync.RWMutex
	progress   progress
	head       types.CertifiedHeader
	headDigest types.Hash
	rules      uint64        // version in force after head
	base       types.Height  // headers up to here are not all here: following began at a checkpoint, or leapt
	pin        *types.Header // the checkpoint's header, once it is known
	pending    map[types.Height]types.CertifiedHeader
	committees map[types.Epoch]*types.Committee
	stopped    error // a ConflictError, or ErrRuleVersion

	level   atomic.Int64  // Unix nanoseconds since when peers that were asked had nothing newer; 0: they have
	paused  atomic.Bool   // no body is asked for now
	resumed chan struct{} // has one entry when paused ended
	held    chan struct{} // closed when bodies are to be fetched; nil: from the start
	probed  types.Height  // one above the head at which a leap was tried last; owned by Run
}

// Open reads what is stored of the chain. It starts nothing. Errors: those of Config.Validate, and store.ErrBroken.
func Open(cfg Config) (*Chain, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	genesis, err := cfg.Genesis.Header()
	if err != nil {
		return nil, err
	}
	committee, err := types.NewCommittee(cfg.Genesis.Committee)
	if err != nil {
		return nil, err
	}
	headers, err := lru.New[types.Height, types.CertifiedHeader](headerCache)
	if err != nil {
		return nil, err
	}
	c := &Chain{
		cfg: cfg, genesis: genesis, network: genesis.Network, store: cfg.Store,
		hint: make(chan struct{}, 1), resumed: make(chan struct{}, 1), headers: headers, blocks: newBlockCache(cfg.BlockCache),
		pending:    make(map[types.Height]types.CertifiedHeader),
		committees: map[types.Epoch]*types.Committee{0: committee},
	}
	if cfg.HoldBodies {
		c.held = make(chan struct{})
	}
	return c, c.restore()
}

func (c *Chain) restore() error {
	record, err := c.store.Get(store.SpaceMeta, progressKey)
	if err == nil {
		c.progress, err = decodeProgress(record)
	} else if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return err
	}
	if c.head, err = c.readHeader(c.progress.head); err != nil {
		return fmt.Errorf("chain: newest header: %w", err)
	}
	c.headDigest = c.head.Header.Digest()
	if c.rules, err = c.rulesOf(nextEpoch(&c.head.Header)); err != nil {
		return err
	}
	if next := c.head.Header.Next; next != nil && next.RuleVersion > c.cfg.RuleVersion {
		c.stopped = ruleVersionError(&c.head.Header, c.cfg.RuleVersion)
	}
	if err := c.restoreCheckpoint(); err != nil {
		return err
	}
	evidence, err := c.store.Get(store.SpaceEvidence, conflictKey)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	conflict, err := DecodeConflict(evidence)
	if err != nil {
		return fmt.Errorf("chain: stored evidence: %w: %w", store.ErrBroken, err)
	}
	c.stopped = conflict
	return nil
}

// Err is nil while the chain is followed; else the *ConflictError (C4) or ErrRuleVersion that ended it.
func (c *Chain) Err() error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.stopped
}

// Genesis is the header of height 0.
func (c *Chain) Genesis() types.Header { return c.genesis }

// Head is the newest certified header whose ancestors are all here; at first the genesis header without a certificate.
func (c *Chain) Head() types.CertifiedHeader {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.head
}

// Header returns the certified header of a height up to the head's; height 0 is the genesis header.
func (c *Chain) Header(h types.Height) (types.CertifiedHeader, bool) {
	if h > c.Head().Header.Height {
		return types.CertifiedHeader{}, false
	}
	ch, err := c.readHeader(h)
	return ch, err == nil
}

// Knows reports whether the header is stored, or kept until the gap before it is filled.
func (c *Chain) Knows(h *types.Header) bool {
	c.mu.RLock()
	pending, ok := c.pending[h.Height]
	c.mu.RUnlock()
	if ok {
		return pending.Header.Digest() == h.Digest()
	}
	ch, ok := c.Header(h.Height)
	return ok && ch.Header.Digest() == h.Digest()
}

// HeaderByCommitment returns the newest certified header whose data has the commitment. Headers without data are not
// found by it.
func (c *Chain) HeaderByCommitment(commitment types.Hash) (types.CertifiedHeader, bool) {
	value, err := c.store.Get(store.SpaceCommitments, commitment[:])
	if err != nil || len(value) != 8 {
		return types.CertifiedHeader{}, false
	}
	return c.Header(types.Height(binary.BigEndian.Uint64(value)))
}

// readHeader reads a header that progress says is there. Whoever calls it has not got mu.
func (c *Chain) readHeader(h types.Height) (types.CertifiedHeader, error) {
	if h == 0 {
		return types.CertifiedHeader{Header: c.genesis}, nil
	}
	if ch, ok := c.headers.Get(h); ok {
		return ch, nil
	}
	encoded, err := c.store.Get(store.SpaceHeaders, store.BigEndian(h))
	if errors.Is(err, store.ErrNotFound) {
		return types.CertifiedHeader{}, fmt.Errorf("header %d: %w", h, ErrUnknown)
	}
	if err != nil {
		return types.CertifiedHeader{}, err
	}
	ch, err := types.DecodeCertifiedHeader(encoded)
	if err != nil {
		return types.CertifiedHeader{}, fmt.Errorf("stored header %d: %w: %w", h, store.ErrBroken, err)
	}
	c.headers.Add(h, *ch)
	return *ch, nil
}

func ruleVersionError(last *types.Header, known uint64) error {
	return fmt.Errorf("%w: version %d is in force after height %d, this program knows up to %d; update it and start again",
		ErrRuleVersion, last.Next.RuleVersion, last.Height, known)
}
