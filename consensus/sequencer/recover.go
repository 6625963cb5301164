package sequencer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

const (
	// boundUnknown in the log says that a recovery began and did not end.
	boundUnknown = types.Round(math.MaxUint64)
	// boundBegun in the log says that its key begins with this log: from here on an empty log is a lost one.
	boundBegun  = boundUnknown - 1
	askAgain    = 500 * time.Millisecond
	remindEvery = 10 * time.Second
	// tailRounds is how many rounds' worth of a member's newest vertices are searched for its own newest one.
	tailRounds = 16
)

// ErrRecovering answers a request for the log of a node that lost its own: its word about the others' rounds is worth nothing.
var ErrRecovering = errors.New("this sequencer lost its vertex log and is recovering its place")

// place is a member's newest own vertex, by its own answer. Round 0: it has none.
type place struct {
	round  types.Round
	digest types.Hash
}

// recovery is the state of a node that lost its log. DESIGN 4: it needs answers from others holding a quorum of stake,
// each its own latest vertex, counted once accepted, and restarts above the newest of them. (A request and its answer
// share one authenticated stream, so an old answer cannot be replayed; that is what the nonce would be for.)
//
// Why this is enough: an own vertex of round r was only made on a quorum of round r-1; that quorum and the answering one
// share an honest member, whose newest vertex is of round r-1 or above. So r is at most one above the newest answer.
type recovery struct {
	places   map[types.Member]place
	reminded time.Time
}

// lostLog reports whether the key may have signed more than the log knows.
func (s *Sequencer) lostLog() bool {
	if s.self < 0 || s.members() == 1 {
		return false
	}
	return s.cfg.Log.Bound() == boundUnknown || s.cfg.Log.Len() == 0 && s.cfg.Log.Bound() == 0 && !s.cfg.FirstStart
}

// begin notes durably, before anything is signed, that the key is in use: first in the log, then wherever the node keeps
// that it is not. So no crash, and no loss of the log after one, lets a used key pass for a fresh one.
func (s *Sequencer) begin() error {
	if !s.cfg.FirstStart {
		return nil
	}
	if s.cfg.Log.Len() == 0 && s.cfg.Log.Bound() == 0 {
		if err := s.cfg.Log.SetBound(boundBegun); err != nil {
			return fmt.Errorf("sequencer: %w", err)
		}
		if err := s.sync(); err != nil {
			return err
		}
	}
	if s.cfg.Begun == nil {
		return nil
	}
	if err := s.cfg.Begun(); err != nil {
		return fmt.Errorf("sequencer: note that the key is in use: %w", err)
	}
	return nil
}

// bound is the round up to which no own vertex is made.
func (s *Sequencer) bound() types.Round {
	if bound := s.cfg.Log.Bound(); bound != boundBegun {
		return bound
	}
	return 0
}

// recoverPlace follows the others with a core that makes nothing, until it is known which rounds the key may have signed.
func (s *Sequencer) recoverPlace() error {
	s.log.Warn("the vertex log is empty though this key may have signed before; asking the other sequencers how far it came")
	if err := s.cfg.Log.SetBound(boundUnknown); err != nil {
		return fmt.Errorf("sequencer: %w", err)
	}
	if err := s.sync(); err != nil {
		return err
	}
	member := s.core
	follower, err := newFollower(s.cfg.Core)
	if err != nil {
		return fmt.Errorf("sequencer: %w", err)
	}
	s.recovering.Store(true)
	s.core, s.coreConfig.Self = follower, -1
	bound, err := s.follow()
	if err != nil {
		return err
	}
	s.core, s.coreConfig.Self, s.live = member, s.self, false
	s.forget()
	s.recovering.Store(false)
	if err := s.cfg.Log.SetBound(bound); err != nil {
		return fmt.Errorf("sequencer: %w", err)
	}
	s.log.Info("place recovered", "bound", bound)
	return s.sync()
}

func newFollower(cfg consensus.Config) (core, error) {
	cfg.Self = -1
	return consensus.New(cfg)
}

// follow runs the loop until others holding a quorum of stake have answered and their newest vertices are accepted.
func (s *Sequencer) follow() (types.Round, error) {
	if err := s.restore(0); err != nil {
		return 0, err
	}
	r := &recovery{places: make(map[types.Member]place), reminded: time.Now()}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	s.group.Go(func() error { return s.askPlaces(ctx, r) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if bound, done := s.placed(r); done {
			return bound, s.drainBlocks()
		}
		if err := s.turn(s.ctx, timer); err != nil {
			return 0, err
		}
		if err := s.housekeeping(time.Now()); err != nil {
			return 0, err
		}
		timer.Reset(s.untilWake())
	}
}

// placed tells the bound once a quorum of stake of others is accounted for. The own newest vertex is not counted.
func (s *Sequencer) placed(r *recovery) (types.Round, bool) {
	committee := s.cfg.Core.Committee
	var stake types.Stake
	var newest types.Round
	for m, p := range r.places {
		if p.round == 0 || s.cfg.Log.HasVertex(p.digest) {
			stake += committee.Stake(m)
			newest = max(newest, p.round)
		}
	}
	if stake < committee.Quorum() {
		if time.Since(r.reminded) > remindEvery {
			r.reminded = time.Now()
			s.log.Warn("still recovering this key's place; if the key is new, say so in the configuration, else start the other sequencers",
				"stake_answered", stake, "stake_needed", committee.Quorum())
		}
		return 0, false
	}
	if newest == 0 {
		return 0, true
	}
	return newest + 1, true
}

// drainBlocks waits until nothing that the following core ordered is under way.
func (s *Sequencer) drainBlocks() error {
	for {
		if err := s.awaitBlocks(); err != nil {
			return err
		}
		if s.blocks.orders.length() == 0 && s.results.length() == 0 {
			return nil
		}
	}
}

// askPlaces asks each other member until it has answered once. It ends without an error.
func (s *Sequencer) askPlaces(ctx context.Context, r *recovery) error {
	answered := make([]bool, s.members())
	for {
		for i := range s.members() {
			m := types.Member(i)
			if i == s.self || answered[i] {
				continue
			}
			p, err := s.newestOf(ctx, m)
			if err != nil {
				s.log.Debug("no place from a member", "from", m, "err", err)
				continue
			}
			answered[i] = true
			s.results.put(func() error { r.places[m] = p; return nil })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(askAgain):
		}
	}
}

// newestOf finds a member's newest own vertex in its log, looking back further and further from its end.
func (s *Sequencer) newestOf(ctx context.Context, m types.Member) (place, error) {
	end, err := s.askLog(ctx, m, math.MaxInt64)
	if err != nil {
		return place{}, err
	}
	for tail := uint64(tailRounds * s.members()); ; tail *= 8 {
		from := max(end.End-min(end.End, tail), end.First)
		p, err := s.newestFrom(ctx, m, m, from, end.End)
		if err != nil || p.round > 0 || from == end.First {
			return p, err
		}
	}
}

// newestFrom finds an author's newest vertex in a stretch of a member's log.
func (s *Sequencer) newestFrom(ctx context.Context, m, author types.Member, from, end uint64) (newest place, err error) {
	for from < end {
		stretch, err := s.askLog(ctx, m, from)
		if err != nil {
			return place{}, err
		}
		if from < stretch.First {
			from = stretch.First // dropped meanwhile
			continue
		}
		if stretch.Next <= from || stretch.Next-from > uint64(len(stretch.Vertices)) {
			return place{}, errLies
		}
		from = stretch.Next
		for _, encoded := range stretch.Vertices {
			v, err := types.DecodeVertex(encoded)
			if err != nil {
				return place{}, errors.Join(errLies, err)
			}
			if v.Author() != author || v.Round() <= newest.round {
				continue
			}
			committee := s.cfg.Core.Committee
			if err := errors.Join(v.CheckShape(s.cfg.Core.Network, s.cfg.Core.Epoch, committee), v.CheckSignatures(committee)); err != nil {
				return place{}, errors.Join(errLies, err)
			}
			newest = place{round: v.Round(), digest: v.Digest()}
		}
	}
	return newest, nil
}
