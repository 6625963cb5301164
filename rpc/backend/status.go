package backend

import (
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// TransactionStatus says how far a transaction has come, as far as this node executed; nil if it knows nothing of it.
// Asserted is the newest height with exactly one unrefuted value. Only certified blocks are executed.
func (c *Chain) TransactionStatus(tx rpc.TxHash, waiting *Pool, asserted types.Height) (*rpc.TransactionStatus, error) {
	hash := common.Hash(tx)
	if executed, height, index := c.executed(hash); executed {
		place, err := c.place(height, index)
		if err != nil {
			return nil, err
		}
		return c.status("executed", "", height, place, asserted), nil
	}
	height, skipped, err := c.chain.SkippedByHash(hash)
	switch {
	case err == nil:
		return c.status("skipped", skipped.Reason, height, skipped.Place, asserted), nil
	case !errors.Is(err, execution.ErrUnknown):
		return nil, err
	case waiting != nil && waiting.Get(hash) != nil:
		return &rpc.TransactionStatus{State: "pending"}, nil
	}
	return nil, nil
}

func (c *Chain) status(state, reason string, height types.Height, place uint64, asserted types.Height) *rpc.TransactionStatus {
	shown := rpc.Height(height)
	return &rpc.TransactionStatus{
		State: state, Reason: reason, Height: &shown, Index: &place,
		Certified: true, Sampled: height <= c.tags.Safe(), Asserted: height <= asserted, Settled: height <= c.tags.Finalized(),
	}
}

// executed finds the block of a transaction and its index among the executed ones.
func (c *Chain) executed(hash common.Hash) (found bool, height types.Height, index uint64) {
	transaction, _, number, index := rawdb.ReadCanonicalTransaction(c.Disk(), hash)
	return transaction != nil && number <= uint64(c.chain.Height()), types.Height(number), index
}

// place turns an index among the executed transactions of a block into a place in its order, where skipped ones count.
func (c *Chain) place(height types.Height, index uint64) (uint64, error) {
	skips, err := c.chain.Skipped(height) // ascending by place
	if err != nil {
		return 0, err
	}
	for _, skip := range skips {
		if skip.Place <= index {
			index++
		}
	}
	return index, nil
}
