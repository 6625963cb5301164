package gossip

import (
	"context"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/types"
)

// snapshotHedge is how much longer a piece of a snapshot is waited for than a small answer, before the next peer is asked.
const snapshotHedge = 8

// SnapshotPiece asks one peer after another for a piece of a snapshot until take returns no error. If take's error wraps
// types.ErrUnproven or types.ErrMalformed, the peer loses score. Calls of take may overlap. Nodes of versions that offer no
// snapshots are not asked.
func (g *Gossip) SnapshotPiece(ctx context.Context, r *types.SnapshotRequest, take func([]byte) error) error {
	peers, err := g.reach(ctx, g.protocols.snapshot, false)
	if err != nil {
		return fmt.Errorf("snapshot of block %d: %w", r.Height, err)
	}
	request := r.Encode()
	_, _, err = firstGood(ctx, peers, snapshotHedge*g.cfg.HedgeDelay, g.slow.note, func(ctx context.Context, p peer.ID) (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, bodyTimeoutFactor*g.cfg.RequestTimeout)
		defer cancel()
		answer, err := g.exchange(ctx, p, g.protocols.snapshot, request, types.MaxMessageBytes)
		if err != nil {
			return struct{}{}, err
		}
		if err = take(answer); errors.Is(err, types.ErrUnproven) || errors.Is(err, types.ErrMalformed) {
			g.Penalize(p)
			err = fmt.Errorf("%s: %w", p, err)
		}
		return struct{}{}, err
	})
	if err != nil {
		return fmt.Errorf("snapshot of block %d: %w", r.Height, err)
	}
	return nil
}

// SnapshotRoots asks up to n peers at once what names the state after a block, and returns what they gave: the claims are
// for the caller to prove. Peers whose answer does not decode lose score.
func (g *Gossip) SnapshotRoots(ctx context.Context, height types.Height, n int) ([]*types.SnapshotRoot, error) {
	request := (&types.SnapshotRequest{Kind: types.SnapshotBase, Height: height}).Encode()
	roots, err := askAll(ctx, g, g.protocols.snapshot, request, n, types.DecodeSnapshotRoot)
	if err != nil {
		return nil, fmt.Errorf("root of the snapshot of block %d: %w", height, err)
	}
	return roots, nil
}

func (g *Gossip) answerSnapshot(_ context.Context, from peer.ID, request []byte) (status, []byte) {
	r, err := types.DecodeSnapshotRequest(request)
	if err != nil {
		g.Penalize(from)
		return statusRefused, nil
	}
	payload, ok := g.cfg.Handlers.Snapshot(r)
	if !ok || len(payload) > types.MaxMessageBytes {
		return statusNotFound, nil
	}
	return statusOK, payload
}
