package rpc

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// Raw serves the debug_getRaw* methods: consensus encodings of what is on disk.
type Raw struct {
	r    *reader
	pool Pool
}

// GetRawHeader is the RLP of a header.
func (w *Raw) GetRawHeader(at gethrpc.BlockNumberOrHash) (hexutil.Bytes, error) {
	header, err := w.r.header(&at)
	if err != nil {
		return nil, err
	}
	if header == nil {
		return nil, ErrNoHeader
	}
	return rlp.EncodeToBytes(header)
}

// GetRawBlock is the RLP of a block.
func (w *Raw) GetRawBlock(at gethrpc.BlockNumberOrHash) (hexutil.Bytes, error) {
	block, err := w.block(at)
	if err != nil {
		return nil, err
	}
	return rlp.EncodeToBytes(block)
}

// GetRawReceipts is the encoding of each receipt of a block.
func (w *Raw) GetRawReceipts(at gethrpc.BlockNumberOrHash) ([]hexutil.Bytes, error) {
	block, err := w.block(at)
	if err != nil {
		return nil, err
	}
	receipts, err := w.r.receiptsOf(block)
	if err != nil {
		return nil, err
	}
	out := make([]hexutil.Bytes, len(receipts))
	for i, receipt := range receipts {
		if out[i], err = receipt.MarshalBinary(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// GetBadBlocks is empty: what is executed is certified, and a certified block cannot be invalid.
func (w *Raw) GetBadBlocks() []any { return []any{} }

// GetRawTransaction is the envelope as it was signed, null if it is unknown.
func (w *Raw) GetRawTransaction(hash common.Hash) (hexutil.Bytes, error) {
	return rawTransaction(w.r, w.pool, hash)
}

func (w *Raw) block(at gethrpc.BlockNumberOrHash) (*types.Block, error) {
	header, err := w.r.header(&at)
	if err != nil {
		return nil, err
	}
	block := w.r.block(header)
	if block == nil {
		return nil, ErrNoHeader
	}
	return block, nil
}
