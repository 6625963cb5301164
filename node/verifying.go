package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/rpc/verified"
	"github.com/etherscale/bedrock/types"
)

// openVerified makes the view of the state by proofs, where nothing is executed but claims are followed.
func (n *Node) openVerified() {
	if n.exec != nil || n.proofs == nil {
		return
	}
	n.bonds = newBondProofs()
	n.view = verified.New(verified.Config{
		Rules: n.proofs.trust.Rules, Chain: claimed{n}, Peers: executors{n}, Sender: outlet{n}, Asserted: n.cfg.LatestAsserted,
	})
}

// claimed is what this node knows by its tracker and its chain. Above a block for which a quorum proved corrupt, nothing is
// known.
type claimed struct{ n *Node }

var _ verified.Chain = claimed{}

// Settled implements verified.Chain.
func (c claimed) Settled() fraud.Parent { return c.sound(c.n.proofs.tracker.Settled()) }

// Asserted implements verified.Chain.
func (c claimed) Asserted() fraud.Parent { return c.sound(c.n.proofs.tracker.Asserted()) }

func (c claimed) sound(p fraud.Parent) fraud.Parent {
	if limit := c.n.chain.Sound(); p.Height > limit {
		p, _ = c.n.proofs.tracker.At(limit) // if that is forgotten, a value of no block: nothing is answered
	}
	return p
}

// At implements verified.Chain.
func (c claimed) At(h types.Height) (fraud.Parent, bool) {
	if h > c.n.chain.Sound() {
		return fraud.Parent{}, false
	}
	value, known := c.n.proofs.tracker.At(h)
	if !known && h < c.n.proofs.tracker.Settled().Height {
		return c.n.settledValue(h)
	}
	return value, known
}

// Header implements verified.Chain.
func (c claimed) Header(h types.Height) (types.Header, bool) {
	if h == 0 {
		return c.n.chain.Genesis(), true
	}
	ch, ok := c.n.chain.Header(h)
	return ch.Header, ok
}

// mostBodies is how many peers are asked for a block's data before it is rebuilt from rows.
const mostBodies = 3

// Body implements verified.Chain.
func (c claimed) Body(ctx context.Context, header types.Header) ([]byte, error) {
	var problems []error
	for range mostBodies {
		data, err := c.n.gossip.Body(ctx, header.Height, header.Commitment)
		if err == nil {
			if err = chain.CheckBody(&header, data); err == nil {
				return data, nil
			}
			c.n.gossip.DistrustBody(header.Height)
		}
		problems = append(problems, err)
		if ctx.Err() != nil {
			return nil, errors.Join(problems...)
		}
	}
	data, err := rebuilder{c.n}.Rebuild(ctx, header)
	if err != nil {
		return nil, errors.Join(append(problems, err)...)
	}
	return data, chain.CheckBody(&header, data)
}

// executors are the peers that execute.
type executors struct{ n *Node }

var _ verified.Peers = executors{}

// Consult implements verified.Peers.
func (p executors) Consult(ctx context.Context, visit func(context.Context, verified.Ask) (any, error)) (any, error) {
	return gossip.Consult(ctx, p.n.gossip, func(ctx context.Context, ask gossip.Ask) (any, error) { return visit(ctx, verified.Ask(ask)) })
}

// outlet hands the node's own transactions to sequencers; it keeps none.
type outlet struct{ n *Node }

var _ verified.Sender = outlet{}

// submitTo is how many sequencers get a transaction: one honest one is enough, and of so many hardly all are silent.
const submitTo = 3

// Submit implements verified.Sender.
func (o outlet) Submit(ctx context.Context, envelope []byte) error {
	batch, err := types.EncodeBatch([][]byte{envelope})
	if err != nil {
		return fmt.Errorf("transaction: %w", err)
	}
	taken, err := o.n.gossip.SubmitBatch(ctx, batch, submitTo)
	if taken > 0 {
		return nil
	}
	return err
}
