package gossip

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/types"
)

// Ask puts one question to the peer that is being consulted.
type Ask func(r *types.StateRequest) ([]byte, error)

// Consult has visit question one executing peer after another until one returns no error, and gives its value. Peers that do
// not answer in time are passed over, as are those without an answer; if the error of visit wraps types.ErrUnproven or
// types.ErrMalformed, the peer loses score too. Visits may overlap: they must share nothing.
func Consult[T any](ctx context.Context, g *Gossip, visit func(context.Context, Ask) (T, error)) (T, error) {
	var none T
	peers, err := g.reach(ctx, g.protocols.state, false)
	if err != nil {
		return none, fmt.Errorf("ask for a proof: %w", err)
	}
	value, _, err := firstGood(ctx, peers, g.cfg.HedgeDelay, g.slow.note, func(ctx context.Context, p peer.ID) (T, error) {
		v, err := visit(ctx, func(r *types.StateRequest) ([]byte, error) {
			ctx, cancel := context.WithTimeout(ctx, g.cfg.RequestTimeout)
			defer cancel()
			return g.exchange(ctx, p, g.protocols.state, r.Encode(), types.MaxMessageBytes)
		})
		return v, g.judge(p, err)
	})
	return value, err
}

func (g *Gossip) answerProof(ctx context.Context, from peer.ID, request []byte) (status, []byte) {
	r, err := types.DecodeStateRequest(request)
	if err != nil {
		g.Penalize(from)
		return statusRefused, nil
	}
	payload, ok := g.cfg.Handlers.Prove(ctx, r)
	if !ok || len(payload) > types.MaxMessageBytes {
		return statusNotFound, nil
	}
	return statusOK, payload
}
