package sequencer

import (
	"context"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

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

// Verdict is Sequencer.Verdict of the newest epoch; false also outside its committee.
func (s *Epochs) Verdict(v types.Verdict) bool {
	seq, _, ok := s.Current()
	return ok && seq.Verdict(v)
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
