package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// rootPeers is how many peers are asked at once what names a state.
const rootPeers = 8

// errNoRoot says that no peer named the state that the committee says is settled.
var errNoRoot = errors.New("no peer names the settled state")

// offerSnapshots makes a snapshot of the state that each epoch's last header says is settled, for those who join later. The
// committee signed that header, so whoever knows headers alone knows the state's root.
func (n *Node) offerSnapshots(ctx context.Context) error {
	signal, cancel := n.exec.SubscribeSignal()
	defer cancel()
	for tried := types.Height(0); ; {
		if end, ok := n.newestEnd(n.exec.Height()); ok && end.Height > tried {
			tried = end.Height
			n.offerSnapshot(ctx, end)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-signal:
		}
	}
}

func (n *Node) offerSnapshot(ctx context.Context, end types.Header) {
	at := end.Next.SettledHeight
	if at <= n.exec.First() || n.exec.HasSnapshot(at) {
		return
	}
	claim, err := n.exec.LastClaim(at)
	if err == nil && claim.Hash() != end.Next.SettledClaim {
		err = errors.New("the committee's settled claim is not this node's")
	}
	if err == nil {
		err = n.exec.MakeSnapshot(ctx, at)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		n.log.Info("no snapshot of the settled state is offered to others", "height", at, "reason", err)
	default:
		n.log.Info("a snapshot of the settled state is offered to others", "height", at)
	}
}

// newestEnd is the last epoch's end up to a height, if it names a settled block above the genesis.
func (n *Node) newestEnd(upTo types.Height) (types.Header, bool) {
	length := types.Height(n.cfg.Genesis.EpochLength)
	at := upTo - upTo%length
	if at == 0 {
		return types.Header{}, false
	}
	ch, ok := n.chain.Header(at)
	if !ok || ch.Header.Next == nil || ch.Header.Next.SettledHeight == 0 {
		return types.Header{}, false
	}
	return ch.Header, true
}

// settledRoots asks peers for the claims of the settled block. The last claim, with the state's root, is proven by the
// end's header. The others, and the Ethereum-style header, are what most peers say: first comes what was said most often.
func (n *Node) settledRoots(ctx context.Context, end types.Header) ([]execution.NamedState, error) {
	answers, err := n.gossip.SnapshotRoots(ctx, end.Next.SettledHeight, rootPeers, func(a *types.SnapshotRoot) error {
		_, err := namedBy(a, end.Next.SettledClaim)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("block %d: %w: %w", end.Next.SettledHeight, errNoRoot, err)
	}
	votes := make(map[string]int)
	var order []execution.NamedState
	var names []string
	for _, a := range answers {
		root, err := namedBy(a, end.Next.SettledClaim)
		if err != nil {
			return nil, err
		}
		name := string(a.Encode())
		if votes[name]++; votes[name] == 1 {
			order, names = append(order, root), append(names, name)
		}
	}
	best := 0
	for i := range names {
		if votes[names[i]] > votes[names[best]] {
			best = i
		}
	}
	order[0], order[best] = order[best], order[0]
	return order, nil
}

// namedBy reads what a peer says names a settled state; types.ErrUnproven where its last claim is not the settled one.
func namedBy(a *types.SnapshotRoot, settled types.Hash) (execution.NamedState, error) {
	root, err := execution.DecodeNamedState(a)
	if err == nil && root.Claims[len(root.Claims)-1].Hash() != settled {
		err = fmt.Errorf("root of a snapshot: its last claim is not the settled one: %w", types.ErrUnproven)
	}
	return root, err
}
