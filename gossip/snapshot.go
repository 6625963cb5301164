package gossip

import (
	"context"
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
		answer, err := g.exchangeLarge(ctx, p, g.protocols.snapshot, request, types.MaxMessageBytes)
		if err == nil {
			err = take(answer)
		}
		if err != nil && ctx.Err() == nil {
			g.slow.note([]peer.ID{p}) // it has no such snapshot, or is no use: others are asked for the next pieces
		}
		return struct{}{}, g.judge(p, err)
	})
	if err != nil {
		return fmt.Errorf("snapshot of block %d: %w", r.Height, err)
	}
	return nil
}

// SnapshotRoots asks up to n peers at once what names the state after a block, and returns the answers that check allows.
// Peers whose answer does not decode, or for which check's error wraps types.ErrUnproven or types.ErrMalformed, lose score.
func (g *Gossip) SnapshotRoots(ctx context.Context, height types.Height, n int, check func(*types.SnapshotRoot) error) ([]*types.SnapshotRoot, error) {
	request := (&types.SnapshotRequest{Kind: types.SnapshotBase, Height: height}).Encode()
	roots, err := askAll(ctx, g, g.protocols.snapshot, request, n, func(b []byte) (*types.SnapshotRoot, error) {
		root, err := types.DecodeSnapshotRoot(b)
		if err == nil {
			err = check(root)
		}
		return root, err
	})
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
