package rpc

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/eth/filters"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// maxProvenRange bounds the blocks of a log search: data and receipts of each are fetched and checked.
const maxProvenRange = 128

// block resolves a block parameter to the proven block.
func (p *Proven) block(ctx context.Context, at *gethrpc.BlockNumberOrHash) (*ProvenBlock, error) {
	header, err := p.v.At(at)
	if err != nil {
		return nil, err
	}
	return p.v.Block(ctx, header)
}

// within runs f as a bounded request.
func within[T any](ctx context.Context, p *Proven, f func(context.Context) (T, error)) (T, error) {
	var none T
	ctx, end, err := p.begin(ctx)
	if err != nil {
		return none, err
	}
	defer end()
	out, err := f(ctx)
	if err != nil {
		return none, unavailable(err)
	}
	return out, nil
}

// GetBlockByNumber answers eth_getBlockByNumber. hash and parentHash are digests of certified headers.
func (p *Proven) GetBlockByNumber(ctx context.Context, number gethrpc.BlockNumber, full bool) (map[string]any, error) {
	at := gethrpc.BlockNumberOrHashWithNumber(number)
	return p.describe(ctx, &at, full)
}

// GetBlockByHash answers eth_getBlockByHash, for the digest of a certified header.
func (p *Proven) GetBlockByHash(ctx context.Context, hash common.Hash, full bool) (map[string]any, error) {
	at := gethrpc.BlockNumberOrHashWithHash(hash, false)
	return p.describe(ctx, &at, full)
}

func (p *Proven) describe(ctx context.Context, at *gethrpc.BlockNumberOrHash, full bool) (map[string]any, error) {
	return within(ctx, p, func(ctx context.Context) (map[string]any, error) {
		b, err := p.block(ctx, at)
		if err != nil {
			return nil, err
		}
		fields := marshalHeader(b.Block.Header())
		fields["hash"], fields["size"] = b.At.Digest, hexutil.Uint64(b.Block.Size())
		fields["uncles"], fields["withdrawals"] = []common.Hash{}, []*types.Withdrawal{}
		transactions := make([]any, len(b.Block.Transactions()))
		for i, tx := range b.Block.Transactions() {
			if transactions[i] = tx.Hash(); full {
				transactions[i] = p.transaction(b, i)
			}
		}
		fields["transactions"] = transactions
		return fields, nil
	})
}

func (p *Proven) signer(b *ProvenBlock) types.Signer {
	return types.MakeSigner(p.v.ChainConfig(), b.Block.Number(), b.Block.Time())
}

func (p *Proven) transaction(b *ProvenBlock, i int) *Transaction {
	t := newTransaction(b.Block.Transactions()[i], p.signer(b), b.Block.Header(), uint64(i))
	t.BlockHash = &b.At.Digest
	return t
}

// find is the block of an executed transaction and its index there.
func (p *Proven) find(ctx context.Context, tx common.Hash) (*ProvenBlock, int, error) {
	at, err := p.v.Find(ctx, tx)
	if err != nil {
		return nil, 0, err
	}
	b, err := p.v.Block(ctx, at)
	if err != nil {
		return nil, 0, err
	}
	i, ordered := b.Places[tx]
	if !ordered || i < 0 {
		return nil, 0, fmt.Errorf("transaction %s is in block %d and was skipped there: it has no receipt", tx, at.Header.Number)
	}
	return b, i, nil
}

// GetTransactionByHash answers for executed transactions.
func (p *Proven) GetTransactionByHash(ctx context.Context, hash common.Hash) (*Transaction, error) {
	return within(ctx, p, func(ctx context.Context) (*Transaction, error) {
		b, i, err := p.find(ctx, hash)
		if err != nil {
			return nil, err
		}
		return p.transaction(b, i), nil
	})
}

// GetTransactionReceipt answers for executed transactions of blocks up to the one that level stands for, by default latest.
func (p *Proven) GetTransactionReceipt(ctx context.Context, hash common.Hash, level *gethrpc.BlockNumber) (map[string]any, error) {
	return within(ctx, p, func(ctx context.Context) (map[string]any, error) {
		b, i, err := p.find(ctx, hash)
		if err != nil {
			return nil, err
		}
		if err := p.reaches(b.At, level); err != nil {
			return nil, err
		}
		return p.receipt(b, i), nil
	})
}

// reaches refuses a block above what a tag stands for.
func (p *Proven) reaches(at *ProvenHeader, level *gethrpc.BlockNumber) error {
	tag := gethrpc.LatestBlockNumber
	if level != nil {
		tag = *level
	}
	param := gethrpc.BlockNumberOrHashWithNumber(tag)
	newest, err := p.v.At(&param)
	if err != nil {
		return err
	}
	if at.Header.Number.Cmp(newest.Header.Number) > 0 {
		return fmt.Errorf("block %d is asserted and not settled yet, the newest that %s stands for is %d: ask again, or for the level \"safe\" as second parameter",
			at.Header.Number, tag, newest.Header.Number)
	}
	return nil
}

// GetBlockReceipts answers with all receipts of a block.
func (p *Proven) GetBlockReceipts(ctx context.Context, at gethrpc.BlockNumberOrHash) ([]map[string]any, error) {
	return within(ctx, p, func(ctx context.Context) ([]map[string]any, error) {
		b, err := p.block(ctx, &at)
		if err != nil {
			return nil, err
		}
		out := make([]map[string]any, len(b.Receipts))
		for i := range out {
			out[i] = p.receipt(b, i)
		}
		return out, nil
	})
}

func (p *Proven) receipt(b *ProvenBlock, i int) map[string]any {
	fields := marshalReceipt(b.Block, b.Receipts, i, p.signer(b))
	fields["blockHash"] = b.At.Digest
	return fields
}

// GetLogs searches one block or at most 128, of which each is proven whole: no log of them is missing.
func (p *Proven) GetLogs(ctx context.Context, query filters.FilterCriteria) ([]*types.Log, error) {
	return within(ctx, p, func(ctx context.Context) ([]*types.Log, error) {
		blocks, err := p.searched(query)
		if err != nil {
			return nil, err
		}
		logs := []*types.Log{}
		for _, at := range blocks {
			b, err := p.v.Block(ctx, at)
			if err != nil {
				return nil, err
			}
			for _, r := range b.Receipts {
				for _, l := range r.Logs {
					if matches(l, query) {
						logs = append(logs, l)
					}
				}
			}
			if len(logs) > p.maxLogs {
				return nil, limitExceeded("query matches more than %d logs: ask for a smaller range", p.maxLogs)
			}
		}
		return logs, nil
	})
}

// searched lists the blocks of a query, all of which must be provable.
func (p *Proven) searched(query filters.FilterCriteria) ([]*ProvenHeader, error) {
	if query.BlockHash != nil {
		at := gethrpc.BlockNumberOrHashWithHash(*query.BlockHash, false)
		header, err := p.v.At(&at)
		return []*ProvenHeader{header}, err
	}
	var ends [2]*ProvenHeader
	for i, number := range []*big.Int{query.FromBlock, query.ToBlock} {
		tag := gethrpc.LatestBlockNumber
		if number != nil && !number.IsInt64() {
			return nil, invalidParams("block number %s is beyond any block", number)
		}
		if number != nil {
			tag = gethrpc.BlockNumber(number.Int64())
		}
		at := gethrpc.BlockNumberOrHashWithNumber(tag)
		header, err := p.v.At(&at)
		if err != nil {
			return nil, err
		}
		ends[i] = header
	}
	from, to := ends[0].Header.Number.Int64(), ends[1].Header.Number.Int64()
	if from > to {
		return nil, invalidParams("invalid block range params")
	}
	if to-from >= maxProvenRange {
		return nil, limitExceeded("query spans %d blocks, at most %d: ask for a smaller range", to-from+1, maxProvenRange)
	}
	var blocks []*ProvenHeader
	for n := from; n <= to; n++ {
		at := gethrpc.BlockNumberOrHashWithNumber(gethrpc.BlockNumber(n))
		header, err := p.v.At(&at)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, header)
	}
	return blocks, nil
}

// matches reports whether a log has one of the addresses and, at each place, one of the topics; an empty list allows any.
func matches(l *types.Log, query filters.FilterCriteria) bool {
	if len(query.Addresses) > 0 && !slices.Contains(query.Addresses, l.Address) || len(query.Topics) > len(l.Topics) {
		return false
	}
	for i, wanted := range query.Topics {
		if len(wanted) > 0 && !slices.Contains(wanted, l.Topics[i]) {
			return false
		}
	}
	return true
}
