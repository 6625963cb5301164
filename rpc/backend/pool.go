package backend

import (
	"context"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/rpc"
)

// Transactions is what this package needs of a pool (gossip/pool).
type Transactions interface {
	Add(ctx context.Context, tx *ethtypes.Transaction) error
	PendingNonce(account common.Address) uint64
	Get(hash common.Hash) *ethtypes.Transaction
	Content() (pending, queued map[common.Address][]*ethtypes.Transaction)
}

// Pool serves a transaction pool. Subscribers to new transactions see those that enter at this node; what others
// admitted is known here only as parts of batches, and is announced by the blocks.
type Pool struct {
	Transactions

	mu          sync.Mutex
	subscribers map[chan []*ethtypes.Transaction]struct{}
}

var _ rpc.Pool = (*Pool)(nil)

// NewPool wraps a pool.
func NewPool(transactions Transactions) *Pool {
	return &Pool{Transactions: transactions, subscribers: make(map[chan []*ethtypes.Transaction]struct{})}
}

// Add admits a transaction and announces it to subscribers that have room.
func (p *Pool) Add(ctx context.Context, tx *ethtypes.Transaction) error {
	if err := p.Transactions.Add(ctx, tx); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for subscriber := range p.subscribers {
		select {
		case subscriber <- []*ethtypes.Transaction{tx}:
		default:
		}
	}
	return nil
}

// NewTransactions subscribes; 1024 transactions fit the channel.
func (p *Pool) NewTransactions() (<-chan []*ethtypes.Transaction, func()) {
	subscriber := make(chan []*ethtypes.Transaction, 1024)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subscribers[subscriber] = struct{}{}
	return subscriber, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.subscribers, subscriber)
	}
}
