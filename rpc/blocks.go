package rpc

import (
	"context"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// Blocks serves the eth_ methods about blocks.
type Blocks struct{ r *reader }

// ChainId answers eth_chainId.
func (b *Blocks) ChainId() *hexutil.Big { return (*hexutil.Big)(b.r.ChainConfig().ChainID) }

// BlockNumber answers eth_blockNumber: the newest executed height.
func (b *Blocks) BlockNumber() hexutil.Uint64 { return hexutil.Uint64(b.r.Head().Number.Uint64()) }

// Coinbase answers eth_coinbase: where the fees of the newest block went, which is nobody's here but the network's vault.
func (b *Blocks) Coinbase() common.Address { return b.r.Head().Coinbase }

// GetBlockByNumber answers eth_getBlockByNumber; full asks for whole transactions instead of their hashes.
func (b *Blocks) GetBlockByNumber(_ context.Context, number gethrpc.BlockNumber, full bool) (map[string]any, error) {
	block, err := b.r.whole(b.r.headerAt(number))
	return b.marshal(block, full), err
}

// GetBlockByHash answers eth_getBlockByHash.
func (b *Blocks) GetBlockByHash(_ context.Context, hash common.Hash, full bool) (map[string]any, error) {
	block, err := b.r.whole(b.r.headerOf(hash))
	return b.marshal(block, full), err
}

// GetHeaderByNumber answers eth_getHeaderByNumber.
func (b *Blocks) GetHeaderByNumber(number gethrpc.BlockNumber) map[string]any {
	return marshalHeader(b.r.headerAt(number))
}

// GetHeaderByHash answers eth_getHeaderByHash.
func (b *Blocks) GetHeaderByHash(hash common.Hash) map[string]any {
	return marshalHeader(b.r.headerOf(hash))
}

// GetBlockTransactionCountByNumber answers null for an unknown block.
func (b *Blocks) GetBlockTransactionCountByNumber(ctx context.Context, number gethrpc.BlockNumber) *hexutil.Uint {
	return countOf(b.r.byNumber(ctx, number), func(block *types.Block) int { return len(block.Transactions()) })
}

// GetBlockTransactionCountByHash answers null for an unknown block.
func (b *Blocks) GetBlockTransactionCountByHash(hash common.Hash) *hexutil.Uint {
	return countOf(b.r.block(b.r.headerOf(hash)), func(block *types.Block) int { return len(block.Transactions()) })
}

// GetUncleCountByBlockNumber is 0 for every block of a chain without uncles.
func (b *Blocks) GetUncleCountByBlockNumber(ctx context.Context, number gethrpc.BlockNumber) *hexutil.Uint {
	return countOf(b.r.byNumber(ctx, number), func(block *types.Block) int { return len(block.Uncles()) })
}

// GetUncleCountByBlockHash is 0 for every block of a chain without uncles.
func (b *Blocks) GetUncleCountByBlockHash(hash common.Hash) *hexutil.Uint {
	return countOf(b.r.block(b.r.headerOf(hash)), func(block *types.Block) int { return len(block.Uncles()) })
}

// GetUncleByBlockHashAndIndex answers null where there is no such uncle.
func (b *Blocks) GetUncleByBlockHashAndIndex(hash common.Hash, index hexutil.Uint) map[string]any {
	return uncleOf(b.r.block(b.r.headerOf(hash)), index)
}

// GetUncleByBlockNumberAndIndex answers null where there is no such uncle.
func (b *Blocks) GetUncleByBlockNumberAndIndex(ctx context.Context, number gethrpc.BlockNumber, index hexutil.Uint) map[string]any {
	return uncleOf(b.r.byNumber(ctx, number), index)
}

func countOf(block *types.Block, count func(*types.Block) int) *hexutil.Uint {
	if block == nil {
		return nil
	}
	n := hexutil.Uint(count(block))
	return &n
}

func uncleOf(block *types.Block, index hexutil.Uint) map[string]any {
	if block == nil || int(index) >= len(block.Uncles()) {
		return nil
	}
	uncle := types.NewBlockWithHeader(block.Uncles()[index])
	fields := marshalHeader(uncle.Header())
	fields["size"], fields["uncles"] = hexutil.Uint64(uncle.Size()), []common.Hash{}
	return fields
}

// marshal is the block object of the execution API. uncles and withdrawals are always lists, because explorers read
// them unasked.
func (b *Blocks) marshal(block *types.Block, full bool) map[string]any {
	if block == nil {
		return nil
	}
	fields := marshalHeader(block.Header())
	fields["size"] = hexutil.Uint64(block.Size())
	transactions := make([]any, len(block.Transactions()))
	signer := b.r.signer(block.Header())
	for i, tx := range block.Transactions() {
		if transactions[i] = tx.Hash(); full {
			transactions[i] = newTransaction(tx, signer, block.Header(), uint64(i))
		}
	}
	fields["transactions"] = transactions
	uncles := make([]common.Hash, len(block.Uncles()))
	for i, uncle := range block.Uncles() {
		uncles[i] = uncle.Hash()
	}
	fields["uncles"] = uncles
	if header := block.Header(); header.WithdrawalsHash != nil {
		fields["withdrawals"] = append([]*types.Withdrawal{}, block.Withdrawals()...)
	}
	return fields
}

// marshalHeader has the fields of the block object that the header alone decides; fields of forks the block is older
// than are absent.
func marshalHeader(h *types.Header) map[string]any {
	if h == nil {
		return nil
	}
	fields := map[string]any{
		"number": (*hexutil.Big)(h.Number), "hash": h.Hash(), "parentHash": h.ParentHash,
		"nonce": h.Nonce, "mixHash": h.MixDigest, "sha3Uncles": h.UncleHash, "logsBloom": h.Bloom,
		"stateRoot": h.Root, "transactionsRoot": h.TxHash, "receiptsRoot": h.ReceiptHash,
		"miner": h.Coinbase, "difficulty": (*hexutil.Big)(h.Difficulty), "extraData": hexutil.Bytes(h.Extra),
		"gasLimit": hexutil.Uint64(h.GasLimit), "gasUsed": hexutil.Uint64(h.GasUsed), "timestamp": hexutil.Uint64(h.Time),
	}
	if h.BaseFee != nil {
		fields["baseFeePerGas"] = (*hexutil.Big)(h.BaseFee)
	}
	if h.WithdrawalsHash != nil {
		fields["withdrawalsRoot"] = *h.WithdrawalsHash
	}
	if h.BlobGasUsed != nil {
		fields["blobGasUsed"] = hexutil.Uint64(*h.BlobGasUsed)
	}
	if h.ExcessBlobGas != nil {
		fields["excessBlobGas"] = hexutil.Uint64(*h.ExcessBlobGas)
	}
	if h.ParentBeaconRoot != nil {
		fields["parentBeaconBlockRoot"] = *h.ParentBeaconRoot
	}
	if h.RequestsHash != nil {
		fields["requestsHash"] = *h.RequestsHash
	}
	return fields
}
