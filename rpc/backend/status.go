package backend

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// TransactionStatus says how far a transaction has come; nil if neither the chain nor the pool knows it. asserted is the
// newest height with exactly one unrefuted value.
func (c *Chain) TransactionStatus(tx rpc.TxHash, waiting rpc.Pool, asserted types.Height) (*rpc.TransactionStatus, error) {
	hash := common.Hash(tx)
	if found, _, number, index := rawdb.ReadCanonicalTransaction(c.chain.Disk(), hash); found != nil {
		height := types.Height(number)
		place, err := c.place(height, index)
		if err != nil {
			return nil, err
		}
		return c.placed("executed", "", height, place, asserted), nil
	}
	if height, skipped, err := c.chain.SkippedByHash(hash); err == nil {
		return c.placed("skipped", skipped.Reason, height, skipped.Place, asserted), nil
	}
	if waiting.Get(hash) != nil {
		return &rpc.TransactionStatus{State: "pending"}, nil
	}
	return nil, nil
}

// place is where the i-th executed transaction of a block stands in the block's order, skipped ones counted.
func (c *Chain) place(h types.Height, i uint64) (uint64, error) {
	skipped, err := c.chain.Skipped(h)
	if err != nil {
		return 0, err
	}
	for _, s := range skipped { // ascending by place
		if s.Place > i {
			break
		}
		i++
	}
	return i, nil
}

func (c *Chain) placed(state, reason string, h types.Height, place uint64, asserted types.Height) *rpc.TransactionStatus {
	height := rpc.Height(h)
	return &rpc.TransactionStatus{State: state, Reason: reason, Height: &height, Index: &place, Certified: true,
		Sampled: h <= c.tags.Safe(), Asserted: h <= asserted, Settled: h <= c.tags.Finalized()}
}
