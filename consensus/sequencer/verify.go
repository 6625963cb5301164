package sequencer

import (
	"context"
	"fmt"
	"slices"

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

// checkPushes is a worker: it checks what members push, body by body and vertex by vertex, and hands it to the loop. Pushes of
// several members that wait at the same time are checked together, since signatures are cheaper by the dozen.
func (s *Sequencer) checkPushes(ctx context.Context) error {
	for {
		pushes, err := s.inbox.next(ctx)
		if err != nil {
			return err
		}
		err = s.checkTogether(ctx, pushes)
		for _, p := range pushes {
			s.inbox.done(p.from)
		}
		if err != nil {
			return err
		}
	}
}

// checkTogether checks pushes of different members; those with few bodies do not wait for those with many.
func (s *Sequencer) checkTogether(ctx context.Context, pushes []arrived) error {
	slices.SortStableFunc(pushes, func(a, b arrived) int { return len(a.push.Batches) - len(b.push.Batches) })
	var encoded [][]byte
	for _, p := range pushes {
		encoded = append(encoded, p.push.Vertices...)
	}
	vertices, err := s.verifyAll(ctx, encoded, nil)
	if err != nil {
		return err
	}
	for _, p := range pushes {
		o := origin{from: p.from, at: p.at, charged: int(p.from), admit: true, allowance: &s.allowances[p.from]}
		for _, body := range p.push.Batches {
			if err := s.checkBody(ctx, o, types.BatchIDOf(body), body); err != nil {
				return err
			}
		}
		n := len(p.push.Vertices)
		if err := s.submitVertices(ctx, o, vertices[:n]); err != nil {
			return err
		}
		vertices = vertices[n:]
	}
	return nil
}

// txMemory is what a transaction of a body costs the core, about: a body of many tiny ones counts for that.
const txMemory = 64

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
	if rest := txMemory*len(held.Txs) - len(body); o.allowance != nil && rest > 0 && !held.Admitted && !o.allowance.take(rest, o.at) {
		s.stats.bodiesOver.Add(1)
		return nil
	}
	if o.allowance != nil && held.Admitted {
		o.allowance.refund(len(body))
	}
	return s.submit(ctx, input{event: held, body: body})
}

// checkVertices hands well-formed and signed vertices to the loop; with wanted set, only those. Its error is only ever
// ctx's: a bad vertex is counted and dropped.
func (s *Sequencer) checkVertices(ctx context.Context, o origin, encoded [][]byte, wanted map[types.Hash]bool) error {
	vertices, err := s.verifyAll(ctx, encoded, wanted)
	if err != nil {
		return err
	}
	return s.submitVertices(ctx, o, vertices)
}

func (s *Sequencer) submitVertices(ctx context.Context, o origin, vertices []*types.Vertex) error {
	for _, v := range vertices {
		if v == nil {
			continue
		}
		if err := s.submit(ctx, input{event: consensus.VertexReceived{Vertex: v, From: o.from, Asked: o.asked}}); err != nil {
			return err
		}
	}
	return nil
}

// verifiedTogether is how many vertices' signatures are checked at once: beyond it the cost of each falls no further.
const verifiedTogether = 32

// verifyAll decodes and checks vertices. In the result nil stands for one that is bad, not wanted or in the log already.
func (s *Sequencer) verifyAll(ctx context.Context, encoded [][]byte, wanted map[types.Hash]bool) ([]*types.Vertex, error) {
	out := make([]*types.Vertex, 0, len(encoded))
	for chunk := range slices.Chunk(encoded, verifiedTogether) {
		if err := s.onCPU(ctx, func() { out = append(out, s.verifyChunk(chunk, wanted)...) }); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Sequencer) verifyChunk(encoded [][]byte, wanted map[types.Hash]bool) []*types.Vertex {
	out := make([]*types.Vertex, len(encoded))
	var unsure []int // those whose signatures are still to be checked
	for i, e := range encoded {
		v, err := s.readVertex(e, wanted)
		if err != nil {
			s.badVertex(err)
			continue
		}
		if out[i] = v; v != nil && !s.verified.has(v) {
			unsure = append(unsure, i)
		}
	}
	if s.signedAll(out, unsure) {
		return out
	}
	for _, i := range unsure { // at least one is bad: what good ones lose by its company is at most half of what they cost alone
		if err := out[i].CheckSignatures(s.cfg.Core.Committee); err != nil {
			s.badVertex(err)
			out[i] = nil
			continue
		}
		s.verified.add(out[i])
	}
	return out
}

func (s *Sequencer) badVertex(err error) {
	s.stats.badVertices.Add(1)
	s.log.Debug("vertex refused", "err", err)
}

// signedAll checks the signatures of the vertices with these numbers in one go.
func (s *Sequencer) signedAll(vertices []*types.Vertex, numbers []int) bool {
	var entries []types.SignedDigest
	var err error
	for _, i := range numbers {
		if entries, err = vertices[i].AppendSigned(entries, s.cfg.Core.Committee); err != nil {
			return false
		}
	}
	if types.VerifyDigests(entries) != nil {
		return false
	}
	for _, i := range numbers {
		s.verified.add(vertices[i])
	}
	return true
}

// readVertex checks all but signatures. It returns nil without an error for a vertex that is in the log already.
func (s *Sequencer) readVertex(encoded []byte, wanted map[types.Hash]bool) (*types.Vertex, error) {
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
	return v, v.CheckShape(s.cfg.Core.Network, s.cfg.Core.Epoch, s.cfg.Core.Committee)
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
