package rpc

import (
	"strconv"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
)

// PoolContent serves txpool_*.
type PoolContent struct {
	r    *reader
	pool Pool
}

// byNonce is one account's waiting transactions under their decimal nonces.
type byNonce map[string]*Transaction

// Content answers txpool_content.
func (p *PoolContent) Content() map[string]map[string]byNonce {
	pending, queued := p.pool.Content()
	out := map[string]map[string]byNonce{"pending": {}, "queued": {}}
	for account, transactions := range pending {
		out["pending"][account.Hex()] = p.list(transactions)
	}
	for account, transactions := range queued {
		out["queued"][account.Hex()] = p.list(transactions)
	}
	return out
}

// ContentFrom answers txpool_contentFrom.
func (p *PoolContent) ContentFrom(account common.Address) map[string]byNonce {
	pending, queued := p.pool.Content()
	return map[string]byNonce{"pending": p.list(pending[account]), "queued": p.list(queued[account])}
}

// Status answers txpool_status.
func (p *PoolContent) Status() map[string]hexutil.Uint {
	pending, queued := p.pool.Content()
	return map[string]hexutil.Uint{"pending": total(pending), "queued": total(queued)}
}

func total(accounts map[common.Address][]*types.Transaction) (n hexutil.Uint) {
	for _, transactions := range accounts {
		n += hexutil.Uint(len(transactions))
	}
	return n
}

func (p *PoolContent) list(transactions []*types.Transaction) byNonce {
	signer := types.LatestSigner(p.r.ChainConfig())
	out := make(byNonce, len(transactions))
	for _, tx := range transactions {
		out[strconv.FormatUint(tx.Nonce(), 10)] = newTransaction(tx, signer, nil, 0)
	}
	return out
}
