package sequencer

import (
	"fmt"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

const (
	// tailDepth is how many rounds below a cut's the log is replayed from: what the core has in memory below a decided round.
	tailDepth = consensus.Horizon + 8
	// keptRounds is by how many rounds a vertex must lie below the older of the two kept cuts before it may be dropped: twice
	// those for which released batches are remembered, so that nobody's body is gone while a rule may ask for it.
	keptRounds = 8192
)

// ownPlace is the newest own vertex in the log; round 0: there is none.
type ownPlace struct {
	round  types.Round
	digest types.Hash
}

func (p *ownPlace) raise(v *types.Vertex) {
	if v.Round() >= p.round {
		*p = ownPlace{v.Round(), v.Digest()}
	}
}

// roundStarts remembers at which position of the log the first vertex of a round stands.
type roundStarts map[types.Round]uint64

func (r roundStarts) note(round types.Round, position uint64) {
	if first, ok := r[round]; !ok || position < first {
		r[round] = position
	}
}

// above is the lowest position of a vertex of the rounds above one, end if there is none; it forgets the others.
func (r roundStarts) above(round types.Round, end uint64) uint64 {
	for at, position := range r {
		if at <= round {
			delete(r, at)
		} else {
			end = min(end, position)
		}
	}
	return end
}

// keepCut saves a cut beside the log, off the loop. While one is being written the next is left out.
func (s *Sequencer) keepCut(c *consensus.Cut) {
	if c == nil || s.savingCut || c.Round <= s.newestCut {
		return
	}
	s.savingCut, s.newestCut = true, c.Round
	cut := store.Cut{
		Round: c.Round, Digest: c.Digest, State: c.State, Own: s.own.round, OwnName: s.own.digest,
		Position: s.starts.above(c.Round-min(c.Round, tailDepth), s.cfg.Log.Len()),
	}
	s.blocks.do(func() error { // after what explains the order so far was stored: it does not come again
		s.group.Go(func() error {
			err := s.cfg.Log.SaveCut(cut)
			s.results.put(func() error { return s.cutKept(cut, err) })
			return nil
		})
		return nil
	})
}

// cutKept ends the saving of a cut; what need not be kept any more is dropped, off the loop too.
func (s *Sequencer) cutKept(cut store.Cut, err error) error {
	if err != nil {
		return fmt.Errorf("sequencer: %w", err)
	}
	s.stats.cuts.Add(1)
	s.nameCut(cut)
	own, held := s.own, s.core.Held()
	s.group.Go(func() error {
		err := s.prune(own, held)
		s.results.put(func() error { s.savingCut = false; return err })
		return nil
	})
	return nil
}

// nameCut tells others of a cut that is saved.
func (s *Sequencer) nameCut(c store.Cut) {
	names := []types.CutName{{Round: c.Round, Digest: c.Digest, Size: uint64(len(c.State)), Position: c.Position}}
	if old := s.cuts.Load(); old != nil && len(*old) > 0 {
		names = append(names, (*old)[0])
	}
	s.cuts.Store(&names)
}

// prune drops what the log need not keep: it lies far below the older of the two kept cuts, and it is older than Config.KeepLog or
// more than Config.KeepLogBytes are kept. The segment with the own newest vertex stays: a member that lost its log asks for it.
func (s *Sequencer) prune(own ownPlace, held []types.BatchID) error {
	names := *s.cuts.Load()
	if len(names) < 2 {
		return nil
	}
	position, err := s.prunable(names[1], own)
	if err == nil && position > s.cfg.Log.First() {
		if err = s.cfg.Log.DropBelow(position, held); err == nil {
			s.log.Info("old vertices dropped from the log", "below", position)
		}
	}
	if err != nil {
		return fmt.Errorf("sequencer: %w", err)
	}
	return nil
}

func (s *Sequencer) keptRounds() types.Round {
	if window := s.cfg.Core.Windows.Repeats; window > 0 {
		return 2 * window
	}
	return keptRounds
}

// prunable is the position below which nothing need be kept.
func (s *Sequencer) prunable(oldest types.CutName, own ownPlace) (position uint64, err error) {
	segments := s.cfg.Log.Segments()
	var size int64
	for _, segment := range segments {
		size += segment.Bytes
	}
	kept := types.TimeOf(time.Now().Add(-s.cfg.KeepLog))
	for _, segment := range segments[:len(segments)-1] {
		if segment.Next > oldest.Position {
			break
		}
		size -= segment.Bytes
		if segment.Next == segment.First {
			continue // bodies alone: they go with what comes before
		}
		encoded, err := s.cfg.Log.VertexAt(segment.Next - 1)
		if err != nil {
			return 0, err
		}
		last, err := types.DecodeVertex(encoded)
		if err != nil {
			return 0, err
		}
		needed := last.Round()+s.keptRounds() > oldest.Round || own.round > 0 && own.round <= last.Round()+tailDepth
		if needed || last.Time() > kept && size+segment.Bytes <= s.cfg.KeepLogBytes {
			break
		}
		position = segment.Next
	}
	return position, nil
}

// resume takes up the newest usable cut and returns the position from which the log is to be replayed after it and the round
// up to which its vertices are not needed. Without a cut the core begins at the epoch's start.
func (s *Sequencer) resume() (from uint64, below types.Round, err error) {
	cuts, err := s.cfg.Log.Cuts()
	if err != nil {
		return 0, 0, fmt.Errorf("sequencer: %w", err)
	}
	for i := len(cuts) - 1; i >= 0; i-- {
		s.nameCut(cuts[i])
	}
	for _, cut := range cuts {
		err := s.resumeFrom(cut)
		if err == nil {
			s.own, s.newestCut = ownPlace{cut.Own, cut.OwnName}, cut.Round
			return cut.Position, cut.Round - min(cut.Round, tailDepth), nil
		}
		s.log.Warn("a cut beside the vertex log cannot be used", "round", cut.Round, "err", err)
	}
	return s.cfg.Log.First(), 0, nil
}

// resumeFrom makes the core go on from a cut, with the bodies that it needs and that may stand earlier in the log.
func (s *Sequencer) resumeFrom(cut store.Cut) error {
	if consensus.CutDigest(cut.State) != cut.Digest {
		return fmt.Errorf("its state is not what its digest says")
	}
	c, err := consensus.NewFrom(s.coreConfig, cut.State)
	if err != nil {
		return err
	}
	var held []consensus.BatchHeld
	for _, id := range c.Held() {
		body, err := s.cfg.Log.Batch(id)
		if err != nil {
			return err
		}
		h, err := s.heldBefore(id, body)
		if err != nil {
			return err
		}
		held = append(held, h)
	}
	s.core = c
	for _, h := range held {
		s.noteAdmission(h)
		if err := s.step(h); err != nil {
			return err
		}
	}
	return nil
}
