package sequencer

import (
	"context"
	"fmt"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// origin says how bytes of a member came here.
type origin struct {
	from  types.Member
	at    types.Time
	asked bool // they answer a request
	// charged is the author through whose vertices the bodies are first learnt, -1: nobody pays for them.
	charged int
	// admit asks the own pool whether it admits the bodies.
	admit bool
	// allowance limits bodies that nobody asked for; nil: they were asked for.
	allowance *allowance
}

// checkPushes is a worker: it checks what members push, body by body and vertex by vertex, and hands it to the loop.
func (s *Sequencer) checkPushes(ctx context.Context) error {
	for {
		from, push, err := s.inbox.next(ctx)
		if err != nil {
			return err
		}
		err = s.checkPush(ctx, from, push)
		s.inbox.done(from)
		if err != nil {
			return err
		}
	}
}

func (s *Sequencer) checkPush(ctx context.Context, from types.Member, push arrived) error {
	o := origin{from: from, at: push.at, charged: int(from), admit: true, allowance: &s.allowances[from]}
	for _, body := range push.push.Batches {
		if err := s.checkBody(ctx, o, types.BatchIDOf(body), body); err != nil {
			return err
		}
	}
	for _, encoded := range push.push.Vertices {
		if err := s.checkVertex(ctx, o, encoded, nil); err != nil {
			return err
		}
	}
	return nil
}

// checkBody hands a valid body to the loop. Its error is only ever ctx's: a bad body is counted and dropped.
func (s *Sequencer) checkBody(ctx context.Context, o origin, id types.BatchID, body []byte) error {
	if s.bodies.has(id) {
		return nil
	}
	if o.allowance != nil && !o.allowance.take(len(body), o.at) {
		s.stats.bodiesOver.Add(1)
		return nil
	}
	held := consensus.BatchHeld{ID: id, Size: uint64(len(body)), Time: o.at, From: o.charged}
	valid := false
	err := s.onCPU(ctx, func() {
		txs, err := s.cfg.Batches.Check(body)
		if err != nil {
			s.stats.badBodies.Add(1)
			s.log.Debug("batch body refused", "from", o.from, "batch", id, "err", err)
			return
		}
		held.Txs, valid = txs, true
		held.Admitted = o.admit && s.self >= 0 && s.cfg.Batches.Admits(id, body)
	})
	if err != nil || !valid {
		return err
	}
	if o.allowance != nil && held.Admitted {
		o.allowance.refund(len(body))
	}
	return s.submit(ctx, input{event: held, body: body})
}

// checkVertex hands a well-formed and signed vertex to the loop; with wanted set, only one of those. Its error is only
// ever ctx's: a bad vertex is counted and dropped.
func (s *Sequencer) checkVertex(ctx context.Context, o origin, encoded []byte, wanted map[types.Hash]bool) error {
	var v *types.Vertex
	err := s.onCPU(ctx, func() {
		decoded, err := s.verifyVertex(encoded, wanted)
		if err != nil {
			s.stats.badVertices.Add(1)
			s.log.Debug("vertex refused", "from", o.from, "err", err)
		}
		v = decoded
	})
	if err != nil || v == nil {
		return err
	}
	return s.submit(ctx, input{event: consensus.VertexReceived{Vertex: v, From: o.from, Asked: o.asked}})
}

// verifyVertex returns nil without an error for a vertex that is in the log already.
func (s *Sequencer) verifyVertex(encoded []byte, wanted map[types.Hash]bool) (*types.Vertex, error) {
	v, err := types.DecodeVertex(encoded)
	if err != nil {
		return nil, err
	}
	if wanted != nil && !wanted[v.Digest()] {
		return nil, fmt.Errorf("vertex %s was not asked for", v.Digest())
	}
	if s.cfg.Log.HasVertex(v.Digest()) {
		return nil, nil
	}
	committee := s.cfg.Core.Committee
	if err := v.CheckShape(s.cfg.Core.Network, s.cfg.Core.Epoch, committee); err != nil {
		return nil, err
	}
	if err := v.CheckSignatures(committee); err != nil {
		return nil, err
	}
	return v, nil
}

// onCPU runs an expensive check while at most Workers of them run.
func (s *Sequencer) onCPU(ctx context.Context, check func()) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case s.cpu <- struct{}{}:
	}
	defer func() { <-s.cpu }()
	check()
	return nil
}

// submit hands an input to the loop and waits for room: this is what slows members down when the core is busy.
func (s *Sequencer) submit(ctx context.Context, in input) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case s.inputs <- in:
		return nil
	}
}
