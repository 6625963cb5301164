package rpc

import (
	"context"
	"math/big"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/eth/gasprice"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// Fees serves the eth_ methods about prices.
type Fees struct {
	r       *reader
	history *gasprice.Oracle
}

// suggestedTip is what a transaction needs to pay above the base fee: nothing, because its place is decided by when it
// was received.
func suggestedTip() *hexutil.Big { return new(hexutil.Big) }

// MaxPriorityFeePerGas is 0: a tip buys no place in the order.
func (f *Fees) MaxPriorityFeePerGas() *hexutil.Big { return suggestedTip() }

// GasPrice is the base fee of the next block and a quarter more, which covers two seconds of the steepest rise
// (12.5 % a second): a transaction whose price is below the base fee when it executes is skipped, not kept waiting.
func (f *Fees) GasPrice() *hexutil.Big {
	price := f.nextBaseFee(f.r.Head().Number.Uint64())
	price.Add(price, new(big.Int).Rsh(new(big.Int).Add(price, big.NewInt(3)), 2))
	return (*hexutil.Big)(price)
}

// BaseFee is the base fee of the next block.
func (f *Fees) BaseFee() *hexutil.Big {
	return (*hexutil.Big)(f.nextBaseFee(f.r.Head().Number.Uint64()))
}

// BlobBaseFee is the price of blob gas in the newest block.
func (f *Fees) BlobBaseFee() *hexutil.Big {
	if fee := f.r.BlockContext(f.r.Head()).BlobBaseFee; fee != nil {
		return (*hexutil.Big)(fee)
	}
	return new(hexutil.Big)
}

// nextBaseFee is the base fee of the block after the given height, known or expected; 0 before London.
func (f *Fees) nextBaseFee(height uint64) *big.Int {
	if after := f.r.headerAt(gethrpc.BlockNumber(height + 1)); after != nil && after.BaseFee != nil {
		return new(big.Int).Set(after.BaseFee)
	}
	if header := f.r.headerAt(gethrpc.BlockNumber(height)); header != nil {
		if fee := f.r.NextBaseFee(header); fee != nil {
			return new(big.Int).Set(fee)
		}
	}
	return new(big.Int)
}

// FeeHistory is the answer of eth_feeHistory.
type FeeHistory struct {
	OldestBlock      *hexutil.Big     `json:"oldestBlock"`
	Reward           [][]*hexutil.Big `json:"reward,omitempty"`
	BaseFee          []*hexutil.Big   `json:"baseFeePerGas,omitempty"` // one more than blocks: the last is the next block's
	GasUsedRatio     []float64        `json:"gasUsedRatio"`
	BlobBaseFee      []*hexutil.Big   `json:"baseFeePerBlobGas,omitempty"`
	BlobGasUsedRatio []float64        `json:"blobGasUsedRatio,omitempty"`
}

// FeeHistory answers for at most 1024 blocks. go-ethereum's oracle computes the base fee after the last block by
// Ethereum's rule; the backend's rule replaces it.
func (f *Fees) FeeHistory(ctx context.Context, count math.HexOrDecimal64, last gethrpc.BlockNumber, percentiles *[]float64) (*FeeHistory, error) {
	var rewardsAt []float64
	if percentiles != nil {
		rewardsAt = *percentiles
	}
	oldest, rewards, baseFees, gasUsed, blobFees, blobUsed, err := f.history.FeeHistory(ctx, uint64(count), last, rewardsAt)
	if err != nil {
		return nil, err
	}
	if n := len(baseFees); n > 0 && baseFees[n-1] != nil {
		baseFees[n-1] = f.nextBaseFee(oldest.Uint64() + uint64(n) - 2)
	}
	out := &FeeHistory{OldestBlock: (*hexutil.Big)(oldest), GasUsedRatio: gasUsed, BlobGasUsedRatio: blobUsed}
	out.BaseFee, out.BlobBaseFee = bigs(baseFees), bigs(blobFees)
	for _, row := range rewards {
		out.Reward = append(out.Reward, bigs(row))
	}
	return out, nil
}

func bigs(in []*big.Int) []*hexutil.Big {
	out := make([]*hexutil.Big, len(in))
	for i, v := range in {
		out[i] = (*hexutil.Big)(v)
	}
	return out
}
