package sequencer

import (
	"errors"
	"fmt"
	"time"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// persist appends the vertices, each after the bodies it receipts (D4). Nothing is synced yet.
func (s *Sequencer) persist(vertices []*types.Vertex) error {
	for _, v := range vertices {
		for _, r := range v.Body().Receipts {
			err := s.bodies.persist(r.Batch)
			if errors.Is(err, store.ErrNotInLog) && s.core.Ignores(r.Batch, v.Round()) {
				continue // released before the cut that this node went on from: nobody needs the body for this vertex
			}
			if err != nil {
				return fmt.Errorf("sequencer: body of %s, receipted in round %d by member %d: %w", r.Batch, v.Round(), v.Author(), err)
			}
		}
		if err := s.persistOwn(v); err != nil {
			return err
		}
		s.starts.note(v.Round(), s.cfg.Log.Len())
		if err := s.cfg.Log.AppendVertex(v.Digest(), v.Encode()); err != nil {
			return fmt.Errorf("sequencer: %w", err)
		}
		if !s.dirty {
			s.dirty, s.dirtySince = true, time.Now()
		}
		s.stats.vertices.Add(1)
	}
	return nil
}

// persistOwn guards the one thing that must never happen (D2), whatever the core believes. An own vertex that comes from
// others is the trace of a lost log, and moves the guard up; one above all that was signed before this start is a twin's.
func (s *Sequencer) persistOwn(v *types.Vertex) error {
	if int(v.Author()) != s.self {
		return nil
	}
	if _, made := s.mine[v.Digest()]; !made {
		if s.live && !s.recovering.Load() && v.Round() > s.before && !s.cfg.Unguarded {
			return fmt.Errorf("%w (it signed a vertex of round %d)", ErrTwin, v.Round())
		}
		s.own.raise(v)
		return nil
	}
	delete(s.mine, v.Digest())
	if v.Round() <= s.own.round {
		return fmt.Errorf("%w: an own vertex of round %d would follow the one of round %d in the log; is a second copy of this key running?",
			ErrHalted, v.Round(), s.own.round)
	}
	s.own.raise(v)
	digest := v.Digest()
	s.unsent.Store(&digest)
	return nil
}

// sync makes everything appended durable with one fsync (D1).
func (s *Sequencer) sync() error {
	if err := s.cfg.Log.Sync(); err != nil {
		return fmt.Errorf("sequencer: %w", err)
	}
	s.unsent.Store(nil)
	s.dirty = false
	return nil
}
