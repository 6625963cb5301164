package rpc

import (
	"context"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/etherscale/bedrock/types"
)

// SamplingReceipts is what a Bedrock may also be: one that keeps receipts of what it sampled.
type SamplingReceipts interface {
	// SamplingReceipt is the encoded receipt of a block (sampling.Receipt); nil without error if there is none.
	SamplingReceipt(ctx context.Context, h types.Height) ([]byte, error)
}

// GetSamplingReceipt answers bedrock_getSamplingReceipt: the record of which rows of a block this node asked for, what came
// and from whom, which `bedrock sample verify` checks offline. null where there is none, or no longer.
func (m *BedrockMethods) GetSamplingReceipt(ctx context.Context, height Height) (*hexutil.Bytes, error) {
	kept, ok := m.b.(SamplingReceipts)
	if !ok {
		return nil, nil
	}
	receipt, err := kept.SamplingReceipt(ctx, types.Height(height))
	if receipt == nil || err != nil {
		return nil, err
	}
	out := hexutil.Bytes(receipt)
	return &out, nil
}
