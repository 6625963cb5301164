package sequencer

import (
	"context"
)

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
