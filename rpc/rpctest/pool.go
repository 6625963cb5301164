package rpctest

import (
	"context"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/txpool"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/rpc"
)

// Pool keeps what it is given, after the checks that need no more than the head's state.
type Pool struct {
	chain *Chain
	added chan []*types.Transaction

	mu       sync.Mutex
	byHash   map[common.Hash]*types.Transaction
	accounts map[common.Address][]*types.Transaction // by nonce
}

var _ rpc.Pool = (*Pool)(nil)

// NewPool makes an empty pool over a chain.
func NewPool(chain *Chain) *Pool {
	return &Pool{
		chain: chain, added: make(chan []*types.Transaction, 64),
		byHash: make(map[common.Hash]*types.Transaction), accounts: make(map[common.Address][]*types.Transaction),
	}
}

// Add implements rpc.Pool.
func (p *Pool) Add(_ context.Context, tx *types.Transaction) error {
	from, err := types.Sender(types.LatestSigner(p.chain.Config()), tx)
	if err != nil {
		return err
	}
	statedb, err := p.chain.StateAt(p.chain.Head())
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.byHash[tx.Hash()] != nil:
		return txpool.ErrAlreadyKnown
	case tx.Nonce() < statedb.GetNonce(from):
		return core.ErrNonceTooLow
	case statedb.GetBalance(from).ToBig().Cmp(tx.Cost()) < 0:
		return core.ErrInsufficientFunds
	}
	p.byHash[tx.Hash()] = tx
	list := append(p.accounts[from], tx)
	slices.SortFunc(list, func(a, b *types.Transaction) int { return int(a.Nonce()) - int(b.Nonce()) })
	p.accounts[from] = list
	select {
	case p.added <- []*types.Transaction{tx}:
	default:
	}
	return nil
}

// PendingNonce implements rpc.Pool.
func (p *Pool) PendingNonce(account common.Address) uint64 {
	statedb, err := p.chain.StateAt(p.chain.Head())
	if err != nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	nonce := statedb.GetNonce(account)
	for _, tx := range p.accounts[account] {
		if tx.Nonce() == nonce {
			nonce++
		}
	}
	return nonce
}

// Get implements rpc.Pool.
func (p *Pool) Get(hash common.Hash) *types.Transaction {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byHash[hash]
}

// Take removes and returns the account's transactions in order of nonce.
func (p *Pool) Take(account common.Address) []*types.Transaction {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.accounts[account]
	delete(p.accounts, account)
	for _, tx := range list {
		delete(p.byHash, tx.Hash())
	}
	return list
}

// Content implements rpc.Pool.
func (p *Pool) Content() (pending, queued map[common.Address][]*types.Transaction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pending = make(map[common.Address][]*types.Transaction)
	for account, list := range p.accounts {
		pending[account] = slices.Clone(list)
	}
	return pending, nil
}

// NewTransactions implements rpc.Pool.
func (p *Pool) NewTransactions() (<-chan []*types.Transaction, func()) { return p.added, func() {} }
