package sequencer

import (
	"context"
	"fmt"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// askNextEpoch asks who orders next, off the loop: the state that says so may still have to be executed.
func (s *Sequencer) askNextEpoch(state types.Height) {
	if state == 0 {
		return
	}
	s.group.Go(func() error {
		next, err := s.cfg.Committees.Next(s.ctx, s.cfg.Core.Epoch+1, state)
		if err != nil {
			return fmt.Errorf("sequencer: committee of epoch %d: %w", s.cfg.Core.Epoch+1, err)
		}
		s.results.put(func() error { return s.step(next) })
		return nil
	})
}

// noteSequenced looks for an own vertex made in this run; those of a lost log, which come back from others, are not. While the epoch's last block is open, one in the sequence proves
// that this key signed nothing in later epochs: those begin with that block's certificate.
func (s *Sequencer) noteSequenced(appended []consensus.Appended) error {
	if s.cfg.Sequenced == nil || s.vouched || !s.live || s.recovering.Load() {
		return nil
	}
	for _, a := range appended {
		if int(a.Vertex.Author) != s.self || a.Vertex.Round <= s.before || s.core.Status().Ended {
			continue
		}
		s.vouched = true
		if err := s.cfg.Sequenced(); err != nil {
			return fmt.Errorf("sequencer: %w", err)
		}
		return nil
	}
	return nil
}

// Unordered lists the bodies held here that are not wholly in a block of this epoch, in the order in which the next one is
// to take them. Its error is only ever ctx's; the answer comes while Run runs.
func (s *Sequencer) Unordered(ctx context.Context) ([]types.BatchID, error) {
	answer := make(chan []types.BatchID, 1)
	var ask func() error
	ask = func() error {
		if !s.live && !s.recovering.Load() { // in a replay: what is in later blocks is not known yet
			s.results.put(ask)
			return nil
		}
		if err := s.takeHolds(); err != nil {
			return err
		}
		answer <- s.core.Unordered()
		return nil
	}
	s.results.put(ask)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case ids := <-answer:
		return ids, nil
	}
}

// takeHolds takes in all that waits in the queue of batches.
func (s *Sequencer) takeHolds() error {
	for {
		select {
		case in := <-s.holds:
			s.holding.Add(-int64(len(in.body)))
			if err := s.takeInput(in); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// Adopt takes over a body that the epoch before left unordered; unlike Hold it waits for room. The own pool is asked about
// it anew. Its error is only ever ctx's.
func (s *Sequencer) Adopt(ctx context.Context, id types.BatchID, body []byte) error {
	if s.bodies.has(id) {
		return nil
	}
	held := consensus.BatchHeld{ID: id, Size: uint64(len(body)), Time: now(), From: -1}
	var failed error
	err := s.onCPU(ctx, func() {
		if held.Txs, failed = s.infos(body); failed == nil {
			held.Admitted = s.self >= 0 && s.cfg.Batches.Admits(id, body)
		}
	})
	if err != nil || failed != nil {
		return err
	}
	s.stats.adopted.Add(1)
	return s.submit(ctx, input{event: held, body: body, heard: true})
}
