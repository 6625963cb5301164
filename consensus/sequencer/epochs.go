package sequencer

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

const (
	// settleFor is how long an epoch must have been the newest before a node that was away joins it: while it catches up
	// with headers it would else begin in every epoch on the way.
	settleFor = time.Second
	// overCheck is how often the old epoch is looked at while two run.
	overCheck = 50 * time.Millisecond
	// maxHeldOver bounds the bytes of batches that wait while the ones before them go over to a new epoch: a second's worth
	// and more; what is beyond it others bring.
	maxHeldOver = 32 << 20
)

// Chain is what certified headers say of epochs; *chain.Chain implements it.
type Chain interface {
	// Epoch is the newest epoch whose committee is known.
	Epoch() types.Epoch
	// Committee is who orders in an epoch up to that one.
	Committee(e types.Epoch) (*types.Committee, bool)
	// Origin is the header that an epoch begins after; the last one of the epoch before.
	Origin(e types.Epoch) (types.Header, bool)
	// Head is the newest certified header.
	Head() types.CertifiedHeader
	// Subscribe signals, without ever blocking, that the head may have moved.
	Subscribe() (signal <-chan struct{}, cancel func())
}

// EpochsConfig is what an Epochs is built from.
type EpochsConfig struct {
	Key   ed25519.PrivateKey
	Chain Chain
	Logs  *store.VertexLogs
	// Retention is how long after its end an epoch's log is kept, in header time: audits need it.
	Retention time.Duration
	// Unused reports whether the key never signed anything; Used notes durably that this is over. Both may be nil.
	Unused func() bool
	Used   func() error
	// TwinWatch is Config's, for the first epoch that is begun.
	TwinWatch time.Duration
	// Term is the configuration of an epoch's sequencer over its log, but for what follows from chain, key and log: of Core
	// it sets Network, Rules, RuleVersion and Pacing. It is called before the epoch's first vertex.
	Term func(e types.Epoch, log *store.VertexLog) (Config, error)
	// Logger may be nil.
	Logger *slog.Logger
}

// Validate returns everything that is wrong with the configuration.
func (c *EpochsConfig) Validate() error {
	if c.Chain == nil || c.Logs == nil || c.Term == nil || len(c.Key) != ed25519.PrivateKeySize {
		return errors.New("epochs: Key, Chain, Logs and Term must be set")
	}
	return nil
}

// Epochs drives one sequencer after the other: that of the newest epoch whose committee has the key, and the one of the
// epoch before until the new one is at work. It has Sequencer's methods, and hands each call to the epoch that it is for.
//
//	E1 a key signs in an epoch only after the last header of the epoch before was certified here, and never in an epoch
//	   older than the newest one it signed in: Logs opens no such epoch again as a new one.
//	E2 what was held and is not in a block when an epoch ends is held in the next, over a restart what was in the log.
//	E3 an empty log is taken for a new key's only if the record beside the logs says so, else for a lost one.
type Epochs struct {
	cfg     EpochsConfig
	key     types.PublicKey
	log     *slog.Logger
	archive *archive

	mu       sync.RWMutex
	terms    []*term // the running ones, oldest first: at most two
	executed types.Height

	holdMu   sync.Mutex
	carrying bool    // what comes now waits until what came before it has gone over
	held     []input // that waits so, at most maxHeldOver bytes
	heldSize int

	// Owned by the loop.
	group     *errgroup.Group
	candidate types.Epoch // the newest epoch seen, not begun
	asked     bool        // a sequencer of this process runs: it has asked for twins, or does now
	since     time.Time
}

// NewEpochs checks the configuration; it starts nothing.
func NewEpochs(cfg EpochsConfig) (*Epochs, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Epochs{cfg: cfg, key: types.PublicKey(cfg.Key.Public().(ed25519.PublicKey)), log: cfg.Logger, archive: newArchive(cfg.Logs)}, nil
}

// Run takes part in one epoch after the other until ctx ends (nil) or a sequencer fails. Afterwards all logs are closed.
func (s *Epochs) Run(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	s.group = group
	group.Go(func() error { return s.loop(inner) })
	err := group.Wait()
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = nil
	}
	for _, t := range s.running() {
		if t.log != nil {
			err = errors.Join(err, t.log.Close())
		}
	}
	return errors.Join(err, s.archive.close())
}

func (s *Epochs) loop(ctx context.Context) error {
	signal, cancel := s.cfg.Chain.Subscribe()
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if err := s.turn(ctx); err != nil {
			return err
		}
		if wait := s.wait(); wait > 0 {
			timer.Reset(wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-signal:
		case <-timer.C:
		}
	}
}

// turn begins the newest epoch and ends the one before, as far as it is time.
func (s *Epochs) turn(ctx context.Context) error {
	newest := s.cfg.Chain.Epoch()
	if err := s.resume(ctx, newest); err != nil {
		return err
	}
	if s.due(newest, time.Now()) {
		if err := s.begin(ctx, newest); err != nil {
			return err
		}
		if err := s.removeOld(newest); err != nil {
			return err
		}
	}
	terms := s.running()
	s.asked = s.asked || slices.ContainsFunc(terms, func(t *term) bool { return t.seq != nil })
	if len(terms) == 2 && s.over(terms[0], terms[1]) {
		return s.end(ctx, terms[0], terms[1])
	}
	return nil
}

// resume begins, after a start in the middle of a change, with the epoch before: what it left unordered goes over (E2), and
// whoever has not seen its last header certified yet finds this node there.
func (s *Epochs) resume(ctx context.Context, newest types.Epoch) error {
	if newest == 0 || len(s.running()) > 0 || s.cfg.Chain.Head().Header.Epoch >= newest {
		return nil
	}
	epochs, err := s.cfg.Logs.Epochs()
	if err != nil || !slices.Contains(epochs, newest-1) {
		return err
	}
	return s.begin(ctx, newest-1)
}

// wait is when to look again without a new header; 0: not before one.
func (s *Epochs) wait() time.Duration {
	if len(s.running()) == 2 {
		return overCheck
	}
	if !s.since.IsZero() {
		return settleFor
	}
	return 0
}

// due reports whether the newest epoch is to begin here: at once at the start and when it follows the running one, else
// when it has been the newest for a while.
func (s *Epochs) due(newest types.Epoch, now time.Time) bool {
	terms := s.running()
	if len(terms) == 0 {
		return true
	}
	last := terms[len(terms)-1].epoch
	if newest <= last+1 {
		s.since = time.Time{}
		return newest == last+1
	}
	if s.since.IsZero() || newest != s.candidate {
		s.candidate, s.since = newest, now
	}
	if now.Sub(s.since) < settleFor {
		return false
	}
	s.since = time.Time{}
	return true
}

// removeOld removes the logs of epochs that ended longer ago than they are kept.
func (s *Epochs) removeOld(newest types.Epoch) error {
	epochs, err := s.cfg.Logs.Epochs()
	if err != nil {
		return err
	}
	now := s.cfg.Chain.Head().Header.Time
	for _, e := range epochs {
		last, ok := s.cfg.Chain.Origin(e + 1)
		if e >= newest || !ok || last.Time.Add(s.cfg.Retention) >= now || s.term(e) != nil {
			continue
		}
		if err := errors.Join(s.archive.release(e), s.cfg.Logs.Remove(e)); err != nil {
			return err
		}
		s.log.Info("vertex log removed: its time is over", "epoch", e)
	}
	return nil
}
