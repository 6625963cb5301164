package sequencer

import (
	"context"
	"errors"
	"fmt"
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

// ownAt finds the own newest vertex among the newest of a member's log.
func (s *Sequencer) ownAt(ctx context.Context, m types.Member) (place, error) {
	log, err := s.askLog(ctx, m, 1<<62)
	if err != nil {
		return place{}, err
	}
	from := max(log.End-min(log.End, uint64(tailRounds*s.members())), log.First)
	return s.newestFrom(ctx, m, types.Member(s.self), from, log.End)
}
