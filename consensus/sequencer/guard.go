package sequencer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/types"
)

// ErrOldCopy says that the own key signed more than this data directory knows: it is a copy that was restored, or another
// machine uses the key. To go on would be to sign rounds a second time.
var ErrOldCopy = errors.New("this sequencer's key has signed newer vertices than its data directory holds: " +
	"stop the other machine that uses the key, or, if this directory is an old copy, move its vertex log away, so that the others are asked how far the key came")

// guardWait is how long a start waits for the others' word. It is no proof: who does not answer in this time may know more,
// and when all start together nobody answers.
const guardWait = time.Second

// checkCopy asks the others, before anything is signed, whether their logs hold vertices of the own key that this log lacks.
// An honest log never lacks one: it was synced before it was sent (D1).
func (s *Sequencer) checkCopy() error {
	if s.self < 0 || s.cfg.Log.Len() == 0 || s.recovering.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, guardWait)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for i := range s.members() {
		if i == s.self {
			continue
		}
		group.Go(func() error {
			p, err := s.ownAt(ctx, types.Member(i))
			if err != nil {
				s.log.Debug("a member does not say what it knows of the own key", "from", i, "err", err)
				return nil
			}
			if p.round > s.before && !s.cfg.Log.HasVertex(p.digest) {
				return fmt.Errorf("%w (round %d there, %d here)", ErrOldCopy, p.round, s.before)
			}
			return nil
		})
	}
	return group.Wait()
}

// ErrTwin says that another process signs with the own key now.
var ErrTwin = errors.New("another node runs with this sequencer's key, now: two of them would sign different things, which costs the bond; " +
	"stop one of the two, and start this one only when the other is gone")

// twinLook is the pause between two looks for a twin.
const twinLook = 500 * time.Millisecond

// checkTwin finds out, before anything is signed, whether another process has the own key. Others who are asked know at once, if
// they can: see askElsewhere. Else it watches whether new vertices of the own key appear at them: this process makes none yet. Where
// checkCopy compares what was signed with the own log, and so passes over a twin that is at rest, this sees one as soon as it makes
// its next vertex: Config.TwinWatch is longer than a resting member stays silent.
func (s *Sequencer) checkTwin() error {
	if s.self < 0 || s.members() == 1 {
		return nil
	}
	alone, err := s.askElsewhere()
	if err == nil && !alone {
		err = s.watchTwin()
	}
	s.cfg.Elsewhere, s.cfg.TwinWatch = nil, 0 // from here on this process makes vertices itself
	return err
}

// askElsewhere asks the others, side by side and once, whether they are connected to another process with the own key. One proof is
// enough to stop. alone: members who make a quorum together with this one see none: of these a twin that takes part would be
// connected to an honest one.
func (s *Sequencer) askElsewhere() (alone bool, err error) {
	if s.cfg.Elsewhere == nil || s.cfg.Unguarded {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, guardWait)
	defer cancel()
	sure := make([]bool, s.members())
	group, ctx := errgroup.WithContext(ctx)
	for i := range s.members() {
		if i == s.self {
			sure[i] = true
			continue
		}
		group.Go(func() error {
			twin, none, err := s.cfg.Elsewhere(ctx, types.Member(i))
			if err != nil {
				s.log.Debug("a member does not say whether the own key is elsewhere", "from", i, "err", err)
				return nil
			}
			if sure[i] = none; twin {
				return fmt.Errorf("%w (member %d is connected to both)", ErrTwin, i)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return false, err
	}
	var stake types.Stake
	for i := range sure {
		if sure[i] {
			stake += s.cfg.Core.Committee.Stake(types.Member(i))
		}
	}
	return stake >= s.cfg.Core.Committee.Quorum(), s.ctx.Err()
}

// watchTwin watches for vertices of the own key for Config.TwinWatch.
func (s *Sequencer) watchTwin() error {
	if s.cfg.TwinWatch == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.cfg.TwinWatch)
	defer cancel()
	// What is still on its way to some members has arrived by the second look.
	var before types.Round
	for look := 0; ; look++ {
		newest, answered := s.ownNewest(ctx)
		switch {
		case look < 2:
			if before = max(before, newest.round); !answered && look == 1 {
				return nil // nobody is there: nobody to make rounds with either
			}
		case newest.round > max(before, s.before) && !s.cfg.Log.HasVertex(newest.digest):
			return fmt.Errorf("%w (a vertex of round %d appeared, the newest before was of round %d)", ErrTwin, newest.round, before)
		}
		select {
		case <-ctx.Done():
			return s.ctx.Err()
		case <-time.After(twinLook):
		}
	}
}

// ownNewest is the newest own vertex that any member knows, and whether any answered.
func (s *Sequencer) ownNewest(ctx context.Context) (newest place, answered bool) {
	ctx, cancel := context.WithTimeout(ctx, guardWait)
	defer cancel()
	answers := make(chan place, s.members()) // room for all: nobody blocks
	var group sync.WaitGroup
	for i := range s.members() {
		if i == s.self {
			continue
		}
		group.Go(func() {
			if p, err := s.ownAt(ctx, types.Member(i)); err == nil {
				answers <- p
			}
		})
	}
	group.Wait()
	close(answers)
	for p := range answers {
		if answered = true; p.round > newest.round {
			newest = p
		}
	}
	return newest, answered
}

// ownAt finds the own newest vertex among the newest of a member's log.
func (s *Sequencer) ownAt(ctx context.Context, m types.Member) (place, error) {
	log, err := s.askLog(ctx, m, 1<<62)
	if err != nil {
		return place{}, err
	}
	from := max(log.End-min(log.End, uint64(tailRounds*s.members())), log.First)
	return s.newestFrom(ctx, m, types.Member(s.self), from, log.End)
}
