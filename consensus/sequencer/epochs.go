package sequencer

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/consensus"
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
//	E2 what was held and is not in a block when an epoch ends is held in the next.
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
	since     time.Time
}

// term is this node's part in one epoch. Outside the committee it has none: seq and log are nil.
type term struct {
	epoch     types.Epoch
	committee *types.Committee
	log       *store.VertexLog
	seq       *Sequencer
	stop      context.CancelFunc
	ended     chan struct{}
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
	if newest := s.cfg.Chain.Epoch(); s.due(newest, time.Now()) {
		if err := s.begin(ctx, newest); err != nil {
			return err
		}
		if err := s.removeOld(newest); err != nil {
			return err
		}
	}
	if terms := s.running(); len(terms) == 2 && s.over(terms[0], terms[1]) {
		return s.end(ctx, terms[0], terms[1])
	}
	return nil
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

// begin starts the sequencer of an epoch, if the key is in its committee. Of the running ones only that of the epoch right
// before goes on for now.
func (s *Epochs) begin(ctx context.Context, e types.Epoch) error {
	for _, t := range s.running() {
		if t.epoch+1 != e {
			if err := s.halt(t); err != nil {
				return err
			}
		}
	}
	if err := s.archive.leaveFrom(e); err != nil {
		return err
	}
	t, err := s.open(e)
	if err != nil {
		return err
	}
	s.holdBack(t)
	s.mu.Lock()
	s.terms = append(s.terms, t)
	s.mu.Unlock()
	if t.seq == nil {
		s.log.Info("this node is not in the committee of the epoch; it follows as a peer", "epoch", e, "committee", t.committee.Len())
	} else {
		s.start(ctx, t)
	}
	if terms := s.running(); len(terms) == 2 {
		if err := s.carry(ctx, terms[0], t); err != nil {
			return err
		}
	}
	s.letGo(t)
	return nil
}

// holdBack makes new batches wait: the transactions of one account are held in the order in which they came, over the
// change of epoch too.
func (s *Epochs) holdBack(next *term) {
	s.holdMu.Lock()
	defer s.holdMu.Unlock()
	s.carrying = next.seq != nil
}

// letGo hands the new epoch what waited.
func (s *Epochs) letGo(next *term) {
	for {
		s.holdMu.Lock()
		waiting := s.held
		s.held, s.heldSize = nil, 0
		s.carrying = s.carrying && len(waiting) > 0
		s.holdMu.Unlock()
		if len(waiting) == 0 {
			return
		}
		for _, in := range waiting {
			next.seq.hold(in)
		}
	}
}

// waits takes a batch that must wait; false: it need not.
func (s *Epochs) waits(in input) bool {
	s.holdMu.Lock()
	defer s.holdMu.Unlock()
	if s.carrying && s.heldSize+len(in.body) <= maxHeldOver {
		s.held = append(s.held, in)
		s.heldSize += len(in.body)
	}
	return s.carrying
}

// open builds what a term needs.
func (s *Epochs) open(e types.Epoch) (*term, error) {
	committee, known := s.cfg.Chain.Committee(e)
	origin, certified := s.cfg.Chain.Origin(e)
	if !known || !certified {
		return nil, fmt.Errorf("epochs: the chain names epoch %d and not its committee", e)
	}
	t := &term{epoch: e, committee: committee, ended: make(chan struct{})}
	self, member := committee.Index(s.key)
	if !member {
		close(t.ended)
		return t, nil
	}
	var err error
	if t.log, err = s.cfg.Logs.Open(e); err != nil {
		return nil, err
	}
	if torn := t.log.Torn(); torn > 0 {
		s.log.Warn("the end of the vertex log was torn by a crash and was cut off: nothing of it had been sent", "epoch", e, "bytes", torn)
	}
	cfg, err := s.cfg.Term(e, t.log)
	if err == nil {
		s.place(&cfg, e, origin, committee, int(self), t.log)
		t.seq, err = New(cfg)
	}
	if err != nil {
		return nil, errors.Join(err, t.log.Close())
	}
	return t, nil
}

// place fills in what follows from chain, key and log.
func (s *Epochs) place(cfg *Config, e types.Epoch, origin types.Header, committee *types.Committee, self int, log *store.VertexLog) {
	core := &cfg.Core
	core.Epoch, core.Committee, core.Self, core.Parent = e, committee, self, origin
	if core.Seed = types.EpochSeed(origin.Network[:]); e > 0 {
		core.Seed = types.EpochSeed(origin.Encode())
	}
	cfg.Key, cfg.Log = s.cfg.Key, log
	cfg.FirstStart = s.cfg.Logs.Unsigned(e) || s.cfg.Unused != nil && s.cfg.Unused()
	cfg.Begun = func() error {
		if err := s.cfg.Logs.Signed(e); err != nil || s.cfg.Used == nil {
			return err
		}
		return s.cfg.Used()
	}
	cfg.Sequenced = func() error { return s.cfg.Logs.Signed(e) }
}

func (s *Epochs) start(ctx context.Context, t *term) {
	inner, stop := context.WithCancel(ctx)
	t.stop = stop
	t.seq.Executed(s.executedHeight())
	s.log.Info("epoch begins", "epoch", t.epoch, "committee", t.committee.Len())
	s.group.Go(func() error {
		defer close(t.ended)
		defer stop()
		if err := t.seq.Run(inner); err != nil {
			return fmt.Errorf("epoch %d: %w", t.epoch, err)
		}
		return nil
	})
}

// over reports whether the old epoch needs this node no more: its last header is certified (else the new one had not
// begun), and a quorum is at work in the new one.
func (s *Epochs) over(old, new *term) bool {
	if s.cfg.Chain.Head().Header.Epoch >= new.epoch {
		return true
	}
	if new.seq == nil {
		return false
	}
	var stake types.Stake
	for m, round := range new.seq.Status().Newest {
		if round > 0 {
			stake += new.committee.Stake(types.Member(m))
		}
	}
	return stake >= new.committee.Quorum()
}

// end stops the old epoch, after what it still took in went over.
func (s *Epochs) end(ctx context.Context, old, new *term) error {
	if err := s.carry(ctx, old, new); err != nil {
		return err
	}
	s.log.Info("epoch is over", "epoch", old.epoch)
	return s.halt(old)
}

// halt stops a term and keeps its log for readers.
func (s *Epochs) halt(t *term) error {
	if t.stop != nil {
		t.stop()
	}
	<-t.ended
	if t.log != nil { // before the term is gone: nobody may open the log a second time
		if err := s.archive.take(t.epoch, t.log); err != nil {
			return err
		}
	}
	s.mu.Lock()
	for i := range s.terms {
		if s.terms[i] == t {
			s.terms = append(append([]*term(nil), s.terms[:i]...), s.terms[i+1:]...)
			break
		}
	}
	s.mu.Unlock()
	return nil
}

// carry hands over what the old epoch left unordered (E2). A node outside the new committee has nobody to hand it to: what
// entered here waits in its pool, the rest is held by others too.
func (s *Epochs) carry(ctx context.Context, old, new *term) error {
	if old.seq == nil || new.seq == nil {
		return nil
	}
	select {
	case <-old.ended:
		return nil // it failed: Run is about to return
	default:
	}
	ids, err := old.seq.Unordered(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		body, ok := old.seq.body(id)
		if !ok {
			continue
		}
		if err := new.seq.Adopt(ctx, id, body); err != nil {
			return err
		}
	}
	return nil
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

func (s *Epochs) running() []*term {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.terms
}

// term is the running one of an epoch in which this node is a member, or nil.
func (s *Epochs) term(e types.Epoch) *term {
	for _, t := range s.running() {
		if t.epoch == e && t.seq != nil {
			return t
		}
	}
	return nil
}

func (s *Epochs) executedHeight() types.Height {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.executed
}

// Current is the sequencer of the newest epoch begun and its log; false while this node is not in its committee.
func (s *Epochs) Current() (*Sequencer, *store.VertexLog, bool) {
	terms := s.running()
	if len(terms) == 0 || terms[len(terms)-1].seq == nil {
		return nil, nil, false
	}
	t := terms[len(terms)-1]
	return t.seq, t.log, true
}

// Hold is Sequencer.Hold of the newest epoch; outside its committee it does nothing.
func (s *Epochs) Hold(id types.BatchID, body []byte, txs []consensus.TxInfo, at types.Time, admitted bool) {
	in := heard(id, body, txs, at, admitted)
	if s.waits(in) {
		return
	}
	if seq, _, ok := s.Current(); ok {
		seq.hold(in)
	}
}

// NextBurst is Sequencer.NextBurst of the epoch in which batches are held.
func (s *Epochs) NextBurst() time.Time {
	if seq, _, ok := s.Current(); ok {
		return seq.NextBurst()
	}
	return time.Time{}
}

// HandlePush is Sequencer.HandlePush of the push's epoch; one of an epoch that does not run here is dropped.
func (s *Epochs) HandlePush(from types.Member, p *types.Push) {
	if t := s.term(p.Epoch); t != nil {
		t.seq.HandlePush(from, p)
	}
}

// HandleFetch is Sequencer.HandleFetch of the request's epoch; of one that is over its log answers, while it is kept.
func (s *Epochs) HandleFetch(ctx context.Context, r *types.FetchRequest) (*types.FetchResponse, error) {
	if t := s.term(r.Epoch); t != nil {
		return t.seq.HandleFetch(ctx, r)
	}
	return s.archive.answer(ctx, r)
}

// Executed says up to which height the own execution has come.
func (s *Epochs) Executed(h types.Height) {
	s.mu.Lock()
	s.executed = max(s.executed, h)
	s.mu.Unlock()
	for _, t := range s.running() {
		if t.seq != nil {
			t.seq.Executed(h)
		}
	}
}
