package rpc

import (
	"fmt"
	"strconv"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
)

// maxPoolBytes bounds the envelopes described in one answer; JSON has some three times as many.
const maxPoolBytes = 8 << 20

// PoolContent serves txpool_*.
type PoolContent struct {
	r    *reader
	pool Pool
}

// byNonce is what is said of one account's waiting transactions, under their decimal nonces.
type byNonce[T any] map[string]T

// bySender holds byNonce under the checksummed addresses.
type bySender[T any] map[string]byNonce[T]

// PoolAnswer has the transactions that can be ordered now and those that wait for a nonce before theirs.
type PoolAnswer[T any] struct {
	Pending T `json:"pending"`
	Queued  T `json:"queued"`
}

// Content answers txpool_content.
func (p *PoolContent) Content() (*PoolAnswer[bySender[*Transaction]], error) {
	return describe(p.pool, p.transaction())
}

// Inspect answers txpool_inspect: what each transaction sends and pays, in words.
func (p *PoolContent) Inspect() (*PoolAnswer[bySender[string]], error) {
	return describe(p.pool, func(tx *types.Transaction) string {
		to := "contract creation"
		if tx.To() != nil {
			to = tx.To().Hex()
		}
		return fmt.Sprintf("%s: %v wei + %v gas × %v wei", to, tx.Value(), tx.Gas(), tx.GasPrice())
	})
}

// ContentFrom answers txpool_contentFrom. The pool bounds what it keeps of one account.
func (p *PoolContent) ContentFrom(account common.Address) *PoolAnswer[byNonce[*Transaction]] {
	pending, queued := p.pool.Content()
	return &PoolAnswer[byNonce[*Transaction]]{list(pending[account], p.transaction()), list(queued[account], p.transaction())}
}

// Status answers txpool_status.
func (p *PoolContent) Status() *PoolAnswer[hexutil.Uint] {
	pending, queued := p.pool.Content()
	return &PoolAnswer[hexutil.Uint]{total(pending), total(queued)}
}

func total(accounts map[common.Address][]*types.Transaction) (n hexutil.Uint) {
	for _, transactions := range accounts {
		n += hexutil.Uint(len(transactions))
	}
	return n
}

func (p *PoolContent) transaction() func(*types.Transaction) *Transaction {
	signer := types.LatestSigner(p.r.ChainConfig())
	return func(tx *types.Transaction) *Transaction { return newTransaction(tx, signer, nil, 0) }
}

// describe says the same of every transaction of a pool that is not too large for one answer.
func describe[T any](pool Pool, of func(*types.Transaction) T) (*PoolAnswer[bySender[T]], error) {
	pending, queued := pool.Content()
	size := uint64(0)
	all := func(accounts map[common.Address][]*types.Transaction) bySender[T] {
		out := make(bySender[T], len(accounts))
		for account, transactions := range accounts {
			for _, tx := range transactions {
				size += tx.Size()
			}
			if size <= maxPoolBytes {
				out[account.Hex()] = list(transactions, of)
			}
		}
		return out
	}
	answer := &PoolAnswer[bySender[T]]{all(pending), all(queued)}
	if size > maxPoolBytes {
		return nil, limitExceeded("%d bytes of transactions are waiting, one answer has at most %d: use txpool_contentFrom", size, maxPoolBytes)
	}
	return answer, nil
}

func list[T any](transactions []*types.Transaction, of func(*types.Transaction) T) byNonce[T] {
	out := make(byNonce[T], len(transactions))
	for _, tx := range transactions {
		out[strconv.FormatUint(tx.Nonce(), 10)] = of(tx)
	}
	return out
}
