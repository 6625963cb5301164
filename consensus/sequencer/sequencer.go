package sequencer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// ErrHalted is wrapped by Run's error when the ordering core stopped because of a contradiction that needs an operator,
// or because what it computes contradicts what this node stored or signed before.
var ErrHalted = errors.New("ordering has halted")

const (
	inputQueue    = 256                    // checked vertices and bodies that wait for the loop; workers wait when it is full
	idleTick      = time.Second            // longest time without a Tick
	behindTick    = 10 * time.Millisecond  // until the loop looks again whether the block worker has caught up
	statusRefresh = 20 * time.Millisecond  // how old a Status may be
	lagCheck      = 250 * time.Millisecond // how often the lag behind the others is looked at
)

// core is what the driver needs of *consensus.Core.
type core interface {
	Step(now types.Time, ev consensus.Event) consensus.Effects
	Err() error
	Status() consensus.Status
	Unordered() []types.BatchID
	Held() []types.BatchID
	Ignores(id types.BatchID, r types.Round) bool
}

// input is a checked vertex (body nil) or a body with its BatchHeld event.
type input struct {
	event consensus.Event
	body  []byte
	again bool // the core was told of the body before, and is to be told again
	heard bool // the body came by gossip or from a user: no member vouches for it
}

// Sequencer is the driver of one ordering core.
type Sequencer struct {
	cfg      Config
	self     int
	log      *slog.Logger
	bodies   *bodies
	parked   *parked
	inbox    *inbox
	verified *verifiedSet
	blocks   *blockWorker
	pool     *readmission
	stats    counters

	inputs     chan input
	holds      chan input
	holding    atomic.Int64 // bytes in holds
	results    *mailbox[func() error]
	executed   atomic.Uint64
	ran        chan struct{} // capacity 1: executed rose
	cpu        chan struct{} // capacity Workers: who may check signatures
	serving    chan struct{} // capacity ServeLimit
	allowances []allowance   // of each member, used while a push of it is checked
	status     atomic.Pointer[consensus.Status]
	burst      atomic.Uint64                   // types.Time of the next burst of own vertices; 0: unknown
	recovering atomic.Bool                     // the log was lost: what this node knows of its rounds is incomplete
	cuts       atomic.Pointer[[]types.CutName] // those saved beside the log, newest first
	unsent     atomic.Pointer[types.Hash]      // own vertex that is in the log but not synced: shown to nobody

	// Owned by the loop.
	core        core
	group       *errgroup.Group
	ctx         context.Context
	live        bool // the replay is over
	wake        types.Time
	before      types.Round      // own vertices up to here were made before this run
	vouched     bool             // Sequenced was called
	coreConfig  consensus.Config // what the core was made with: Config.Core, or that of a follower
	own         ownPlace         // newest own vertex in the log
	starts      roundStarts
	savingCut   bool
	newestCut   types.Round // saved, or being saved
	lost        bool        // the log lacks its beginning and no cut stands for it: others' state is needed
	dirty       bool        // the log has unsynced vertices
	dirtySince  time.Time
	mine        map[types.Hash]struct{} // vertices signed and not yet in the log
	headers     headerRing
	lastStatus  time.Time
	statusStale bool // something happened since, or may have
	lastLag     time.Time
	inflight    []int // requests under way, for each member
	unstored    map[types.Hash]bool
	known       map[types.Height]types.Hash // stored headers that answered an Encode
	unsettled   map[types.BatchID]unsettled // bodies neither admitted by the own pool nor released
	noted       uint64                      // the newest order given there
	lastReadmit time.Time
	catchUp     catchUp
	stalls      int // catch-ups since a round was last reached
	lastAdvance time.Time
	lastRound   types.Round
}

// New checks the configuration and builds the driver and its core; it starts nothing.
func New(cfg Config) (*Sequencer, error) {
	cfg.setDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c, err := consensus.New(cfg.Core)
	if err != nil {
		return nil, fmt.Errorf("sequencer: %w", err)
	}
	return newWith(cfg, c), nil
}

func newWith(cfg Config, c core) *Sequencer {
	members := cfg.Core.Committee.Len()
	s := &Sequencer{
		cfg: cfg, self: cfg.Core.Self, log: cfg.Logger, core: c,
		bodies:     newBodies(cfg.Log, cfg.UnloggedMax),
		parked:     newParked(cfg.ParkedMax),
		inbox:      newInbox(members, cfg.InboxBytes),
		verified:   newVerifiedSet(),
		inputs:     make(chan input, inputQueue),
		holds:      make(chan input, cfg.HoldQueue),
		results:    newMailbox[func() error](),
		ran:        make(chan struct{}, 1),
		cpu:        make(chan struct{}, cfg.Workers),
		serving:    make(chan struct{}, cfg.ServeLimit),
		inflight:   make([]int, members),
		unstored:   make(map[types.Hash]bool),
		known:      make(map[types.Height]types.Hash),
		unsettled:  make(map[types.BatchID]unsettled),
		mine:       make(map[types.Hash]struct{}),
		starts:     make(roundStarts),
		coreConfig: cfg.Core,
	}
	s.allowances = make([]allowance, members)
	for i := range s.allowances {
		s.allowances[i] = allowance{rate: cfg.BodyRate, burst: cfg.BodyBurst, left: cfg.BodyBurst}
	}
	s.blocks = newBlockWorker(s)
	s.pool = newReadmission(s)
	status := c.Status()
	s.status.Store(&status)
	return s
}

// Run replays the log, starts the core and drives it until ctx ends (nil) or something makes going on unsafe: a failed
// disk, a halted core, a contradiction to what was stored (an error). It may be called once.
func (s *Sequencer) Run(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	s.group, s.ctx = group, inner
	for range s.cfg.Workers {
		group.Go(func() error { return s.checkPushes(inner) })
	}
	group.Go(func() error { return s.blocks.run(inner) })
	group.Go(func() error { return s.blocks.publishRows(inner) })
	group.Go(func() error { return s.pool.run(inner) })
	group.Go(func() error { return s.loop(inner) })
	err := group.Wait()
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		err = nil
	}
	if syncErr := s.cfg.Log.Sync(); err == nil && syncErr != nil {
		err = fmt.Errorf("sequencer: %w", syncErr)
	}
	return err
}

func (s *Sequencer) loop(ctx context.Context) error {
	if err := s.begin(); err != nil {
		return err
	}
	if s.lostLog() {
		if err := s.recoverPlace(); err != nil {
			return err
		}
	}
	if err := s.restore(s.bound()); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if err := s.turn(ctx, timer); err != nil {
			return err
		}
		if err := s.housekeeping(time.Now()); err != nil {
			return err
		}
		timer.Reset(s.untilWake())
	}
}

// turn waits for one thing to happen and handles it. While the block worker is far behind nothing new is taken in.
func (s *Sequencer) turn(ctx context.Context, timer *time.Timer) error {
	inputs, holds := s.inputs, s.holds
	if s.blocks.behind() {
		inputs, holds = nil, nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case in := <-inputs:
		return s.takeInput(in)
	case in := <-holds:
		s.holding.Add(-int64(len(in.body)))
		return s.takeInput(in)
	case <-s.results.signal:
		return s.takeResults()
	case <-s.ran:
		s.readmitSome(time.Now())
		return s.step(consensus.Executed{Height: types.Height(s.executed.Load())})
	case <-timer.C:
		return s.step(consensus.Tick{})
	}
}

func (s *Sequencer) takeResults() error {
	for _, result := range s.results.take() {
		if err := result(); err != nil {
			return err
		}
	}
	return nil
}

// takeInput hands a checked vertex or body to the core. A body that is here already is news only when it is admitted now.
func (s *Sequencer) takeInput(in input) error {
	held, isBody := in.event.(consensus.BatchHeld)
	if !isBody {
		return s.step(in.event)
	}
	if s.bodies.has(held.ID) && !held.Admitted && !in.again {
		return nil
	}
	if in.heard && !held.Admitted {
		s.parked.put(held.ID, in.body)
		s.noteAdmission(held)
		return nil
	}
	s.parked.remove(held.ID)
	spilled, err := s.bodies.add(held.ID, in.body)
	if err != nil {
		return fmt.Errorf("sequencer: %w", err)
	}
	s.stats.spilled.Add(uint64(spilled))
	s.noteAdmission(held)
	return s.step(held)
}

// step feeds the core one event and does what it asks for, up to the end of what follows from it at once.
func (s *Sequencer) step(ev consensus.Event) error {
	queue := []consensus.Event{ev}
	for i := 0; i < len(queue); i++ {
		effects := s.core.Step(types.TimeOf(time.Now()), queue[i])
		if err := s.core.Err(); err != nil {
			s.explain(effects)
			return fmt.Errorf("%w: %w", ErrHalted, err)
		}
		answers, err := s.perform(effects)
		if err != nil {
			return err
		}
		queue = append(queue, answers...)
		s.wake = effects.Wake
		s.burst.Store(uint64(effects.Burst))
	}
	return nil
}

// untilWake is how long the loop may wait before the next Tick.
func (s *Sequencer) untilWake() time.Duration {
	if s.blocks.behind() {
		return behindTick
	}
	if s.wake == 0 {
		return s.patience()
	}
	return min(max(time.Until(s.wake.Std()), 0), s.patience())
}

// patience is how long the loop may wait whatever the core wishes: until the status is to be looked at again, if something
// happened since.
func (s *Sequencer) patience() time.Duration {
	if s.statusStale {
		return statusRefresh
	}
	return idleTick
}

// housekeeping does what is due by time: publish the status, sync vertices of others, look for a lag.
func (s *Sequencer) housekeeping(now time.Time) error {
	if s.statusStale = now.Sub(s.lastStatus) < statusRefresh; !s.statusStale {
		s.refreshStatus(now)
	}
	if s.dirty && now.Sub(s.dirtySince) >= s.cfg.SyncEvery {
		return s.sync()
	}
	if now.Sub(s.lastLag) >= lagCheck {
		s.lastLag = now
		s.considerCatchUp(now)
	}
	if s.catchUp.join != nil {
		return s.takeJoined()
	}
	return nil
}

func (s *Sequencer) refreshStatus(now time.Time) {
	s.lastStatus = now
	status := s.core.Status()
	s.status.Store(&status)
	if status.AcceptedRound > s.lastRound || s.lastAdvance.IsZero() {
		s.lastRound, s.lastAdvance, s.stalls = status.AcceptedRound, now, 0
	}
}
