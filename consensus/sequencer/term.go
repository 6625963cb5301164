package sequencer

import (
	"context"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// term is this node's part in one epoch. Outside the committee it has none: seq and log are nil.
type term struct {
	epoch     types.Epoch
	committee *types.Committee
	log       *store.VertexLog
	seq       *Sequencer
	stop      context.CancelFunc
	ended     chan struct{}
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
	if s.asked {
		cfg.Elsewhere = nil
	}
	if cfg.FirstStart = s.cfg.Logs.Unsigned(e) || s.cfg.Unused != nil && s.cfg.Unused(); !cfg.FirstStart {
		cfg.TwinWatch, s.cfg.TwinWatch = s.cfg.TwinWatch, 0
	}
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
