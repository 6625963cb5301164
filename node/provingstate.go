package node

import (
	"context"

	"github.com/etherscale/bedrock/types"
)

// mostProvings bounds the proofs that are made at once for others; who comes when all are taken waits as long as its request lasts.
const mostProvings = 4

// stateProver answers requests for proofs of the executed state.
type stateProver struct {
	n    *Node
	busy chan struct{}
}

// proveHandler is the answer to requests for proofs; nil at nodes that execute nothing.
func (n *Node) proveHandler() func(context.Context, *types.StateRequest) ([]byte, bool) {
	if n.exec == nil {
		return nil
	}
	p := &stateProver{n: n, busy: make(chan struct{}, mostProvings)}
	return p.prove
}

func (p *stateProver) prove(ctx context.Context, r *types.StateRequest) ([]byte, bool) {
	select {
	case p.busy <- struct{}{}:
		defer func() { <-p.busy }()
	case <-ctx.Done():
		return nil, false
	}
	answer, err := p.answer(ctx, r)
	if err != nil {
		p.n.log.Debug("proof not given", "kind", r.Kind, "height", r.Height, "reason", err)
	}
	return answer, err == nil
}

func (p *stateProver) answer(ctx context.Context, r *types.StateRequest) ([]byte, error) {
	switch r.Kind {
	case types.ProofState:
		nodes, err := p.n.exec.ProveState(ctx, r.Height, r.Want, r.Account, r.Slots)
		return types.EncodeProofNodes(nodes), err
	case types.ProofCode:
		return p.n.exec.Code(r.Want)
	case types.ProofReceipts:
		leaves, err := p.n.exec.ReceiptLeaves(r.Height, r.Want, r.From)
		return types.EncodeReceiptLeaves(leaves), err
	default: // ProofPlace: a request was checked when it was decoded
		height, err := p.n.exec.PlaceOf(r.Want)
		return types.EncodePlace(height), err
	}
}
