package rpc

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/lru"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// cachedBlocks bounds the blocks and the receipts kept decoded. Clients poll the newest blocks, and a block at its
// limit takes milliseconds to decode and to recover the senders of.
const cachedBlocks = 32

// reader finds headers, blocks, receipts and states behind hashes, numbers and tags.
type reader struct {
	Backend
	joining  func() string // as Config.Joining
	blocks   *lru.Cache[common.Hash, *types.Block]
	receipts *lru.Cache[common.Hash, types.Receipts]
}

func newReader(b Backend, joining func() string) *reader {
	return &reader{b, joining, lru.NewCache[common.Hash, *types.Block](cachedBlocks), lru.NewCache[common.Hash, types.Receipts](cachedBlocks)}
}

// headerAt resolves a tag to a header, or a number to the canonical header; nil: there is none.
func (r *reader) headerAt(number gethrpc.BlockNumber) *types.Header {
	switch number {
	case gethrpc.LatestBlockNumber, gethrpc.PendingBlockNumber:
		return r.Head()
	case gethrpc.SafeBlockNumber:
		return r.Safe()
	case gethrpc.FinalizedBlockNumber:
		return r.Finalized()
	case gethrpc.EarliestBlockNumber:
		number = 0
	}
	if number < 0 || uint64(number) > r.Head().Number.Uint64() {
		return nil
	}
	hash := rawdb.ReadCanonicalHash(r.Disk(), uint64(number))
	return rawdb.ReadHeader(r.Disk(), hash, uint64(number))
}

func (r *reader) headerOf(hash common.Hash) *types.Header {
	number, ok := rawdb.ReadHeaderNumber(r.Disk(), hash)
	if !ok || number > r.Head().Number.Uint64() {
		return nil
	}
	return rawdb.ReadHeader(r.Disk(), hash, number)
}

// header resolves the block parameter of EIP-1898; absent means latest. It returns nil without an error only if
// nothing is behind a well-formed parameter.
func (r *reader) header(at *gethrpc.BlockNumberOrHash) (*types.Header, error) {
	if at == nil {
		return r.Head(), nil
	}
	if number, ok := at.Number(); ok {
		return r.headerAt(number), nil
	}
	hash, ok := at.Hash()
	if !ok {
		return nil, invalidParams("neither a block number nor a block hash was given")
	}
	header := r.headerOf(hash)
	if header != nil && at.RequireCanonical && rawdb.ReadCanonicalHash(r.Disk(), header.Number.Uint64()) != hash {
		return nil, fmt.Errorf("hash %v is not canonical", hash)
	}
	return header, nil
}

func (r *reader) block(header *types.Header) *types.Block {
	if header == nil {
		return nil
	}
	hash := header.Hash()
	if block, ok := r.blocks.Get(hash); ok {
		return block
	}
	block := rawdb.ReadBlock(r.Disk(), hash, header.Number.Uint64())
	if block != nil {
		r.blocks.Add(hash, block)
	}
	return block
}

// whole is block, with an error for one whose transactions are not kept any more.
func (r *reader) whole(header *types.Header) (*types.Block, error) {
	block := r.block(header)
	if block == nil && header != nil && header.Number.Uint64() <= r.Pruned() {
		return nil, &HistoryGoneError{header.Number}
	}
	return block, nil
}

// receiptsOf returns one receipt a transaction of the block, with every derived field set.
func (r *reader) receiptsOf(block *types.Block) (types.Receipts, error) {
	hash := block.Hash()
	receipts, ok := r.receipts.Get(hash)
	if !ok {
		receipts = rawdb.ReadReceipts(r.Disk(), hash, block.NumberU64(), block.Time(), r.ChainConfig())
	}
	if len(receipts) != len(block.Transactions()) {
		return nil, fmt.Errorf("block %d has %d transactions and %d receipts on disk: the data directory is damaged",
			block.NumberU64(), len(block.Transactions()), len(receipts))
	}
	if !ok {
		r.receipts.Add(hash, receipts)
	}
	return receipts, nil
}

// place finds an executed transaction; the block is nil if there is none.
func (r *reader) place(hash common.Hash) (block *types.Block, index uint64) {
	number := rawdb.ReadTxLookupEntry(r.Disk(), hash)
	if number == nil || *number > r.Head().Number.Uint64() {
		return nil, 0
	}
	block = r.block(r.headerAt(gethrpc.BlockNumber(*number)))
	if block == nil {
		return nil, 0
	}
	for i, tx := range block.Transactions() {
		if tx.Hash() == hash {
			return block, uint64(i)
		}
	}
	return nil, 0
}

// state opens the state behind the block parameter.
func (r *reader) state(at *gethrpc.BlockNumberOrHash) (*state.StateDB, *types.Header, error) {
	if isNewest(at) {
		if err := stillJoining(r.joining); err != nil {
			return nil, nil, err
		}
	}
	header, err := r.header(at)
	if err != nil {
		return nil, nil, err
	}
	if header == nil {
		return nil, nil, missing(at)
	}
	statedb, err := r.StateAt(header)
	if err != nil {
		return nil, nil, &StateGoneError{header.Number, err}
	}
	return statedb, header, nil
}

// missing is ErrNoHeader in go-ethereum's words.
func missing(at *gethrpc.BlockNumberOrHash) error {
	if _, byHash := at.Hash(); byHash {
		return errNoHeaderForHash
	}
	return ErrNoHeader
}

func (r *reader) signer(header *types.Header) types.Signer {
	return types.MakeSigner(r.ChainConfig(), header.Number, header.Time)
}

// byNumber resolves like headerAt and returns the block; a missing block is nil without an error.
func (r *reader) byNumber(_ context.Context, number gethrpc.BlockNumber) *types.Block {
	return r.block(r.headerAt(number))
}
