package backend

import (
	"github.com/etherscale/bedrock/gossip/pool"
	"github.com/etherscale/bedrock/rpc"
)

// Pool is the transaction pool, without go-ethereum's types in the way of whoever assembles a node.
type Pool struct{ rpc.Pool }

var _ rpc.Pool = (*pool.Pool)(nil)

// NewPool wraps a pool (gossip/pool).
func NewPool(transactions rpc.Pool) *Pool { return &Pool{transactions} }
