package node

import (
	"context"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

type proofs struct{ n *Node }

func (n *Node) openProofs() error { return nil }

func (p *proofs) run(ctx context.Context) error                   { <-ctx.Done(); return nil }
func (p *proofs) executed(h types.Header, r *execution.Result) {}
func (n *Node) proofHandlers(h *gossip.Handlers)                  {}
func (n *Node) asserted() types.Height                            { return 0 }
func (n *Node) settled() types.Height                             { return 0 }

func (s *service) Assertions(ctx context.Context, height types.Height) ([]rpc.Assertion, error) {
	return nil, nil
}
func (s *service) Challenges(ctx context.Context, from, to types.Height) ([]rpc.Challenge, error) {
	return nil, nil
}
