package audit

import (
	"fmt"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// maxDrift is how far ahead of the auditor's clock a vertex may be: what the ordering core grants by default.
const maxDrift = 500 * time.Millisecond

// takeVertex verifies a vertex and gives it to the core. It refuses one whose parents or bodies the log has not brought:
// an honest responder accepted those before.
func (r *Replay) takeVertex(encoded []byte) error {
	v, err := types.DecodeVertex(encoded)
	if err != nil {
		return fmt.Errorf("log position %d: %w: %w", r.taken, ErrForged, err)
	}
	if _, known := r.accepted[v.Digest()]; known {
		return nil
	}
	if err := checkSigned(v, r.network, r.epoch, r.committee); err != nil {
		return fmt.Errorf("log position %d: %w", r.taken, err)
	}
	if v.Time() > r.cfg.Now.Add(maxDrift) {
		return fmt.Errorf("log position %d: member %d, round %d: %w, %d ms ahead of this clock: set the clock, or ask another sequencer",
			r.taken, v.Author(), v.Round(), ErrFuture, (v.Time()-r.cfg.Now)/1000)
	}
	if err := r.complete(v); err != nil {
		return err
	}
	return r.accept(v)
}

// complete names the parents above the horizon and the bodies that are not here.
func (r *Replay) complete(v *types.Vertex) error {
	missing := &MissingError{Position: r.taken, Vertex: v.Ref()}
	for _, ref := range append(v.StrongParents(), v.Body().Weak...) {
		if _, here := r.accepted[ref.Digest]; !here && ref.Round+consensus.Horizon > r.base {
			missing.Parents = append(missing.Parents, ref.Digest)
		}
	}
	for _, receipt := range v.Body().Receipts {
		if b := r.bodies[receipt.Batch]; b != nil {
			b.used = r.base
		} else if !r.core.Ignores(receipt.Batch, v.Round()) {
			missing.Batches = append(missing.Batches, receipt.Batch)
		}
	}
	if len(missing.Parents)+len(missing.Batches) > 0 {
		return missing
	}
	return nil
}

// accept has the core take a vertex of which nothing is missing. One below the horizon, which the responder had to keep
// but which can never be sequenced any more, is passed over.
func (r *Replay) accept(v *types.Vertex) error {
	r.clock = max(r.clock, v.Time())
	event := consensus.VertexReceived{Vertex: v, From: v.Author(), Asked: true}
	r.step(event)
	if _, taken := r.accepted[v.Digest()]; !taken && r.err == nil && !r.Done() {
		for _, receipt := range v.Body().Receipts {
			if b := r.bodies[receipt.Batch]; b != nil {
				r.tell(b)
			}
		}
		r.step(event)
	}
	if r.err != nil {
		return r.err
	}
	r.taken++
	r.base = r.core.Status().DecidedRound + 1
	if _, taken := r.accepted[v.Digest()]; !taken && !r.Done() && v.Round()+consensus.Horizon > r.base {
		return fmt.Errorf("log position %d: member %d, round %d: %w: the ordering core did not take it",
			r.taken-1, v.Author(), v.Round(), ErrRules)
	}
	r.sweep()
	return nil
}

// checkSigned verifies all of a vertex that needs no other vertex.
func checkSigned(v *types.Vertex, network types.NetworkID, epoch types.Epoch, c *types.Committee) error {
	if err := v.CheckShape(network, epoch, c); err != nil {
		return fmt.Errorf("%w: %w", ErrForged, err)
	}
	if err := v.CheckSignatures(c); err != nil {
		return fmt.Errorf("%w: %w", ErrForged, err)
	}
	return nil
}
