package rpc

import (
	"context"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/eth/filters"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// filterLife is how long a filter lives that nobody polls. go-ethereum removes it between once and twice this time
// after the last poll, so the quota counts it for twice the time.
const filterLife = 5 * time.Minute

// quota bounds the filters and the subscriptions that are open at once, over all clients: each costs work in every
// block, and a filter collects memory while it is not polled.
type quota struct {
	mu            sync.Mutex
	maxFilters    int
	polled        map[gethrpc.ID]time.Time
	subscriptions chan struct{}
}

func newQuota(filters, subscriptions int) *quota {
	return &quota{maxFilters: filters, polled: make(map[gethrpc.ID]time.Time), subscriptions: make(chan struct{}, subscriptions)}
}

// install counts a new filter, or refuses it.
func (q *quota) install(filter func() (gethrpc.ID, error)) (gethrpc.ID, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for id, last := range q.polled {
		if now.Sub(last) > 2*filterLife {
			delete(q.polled, id)
		}
	}
	if len(q.polled) >= q.maxFilters {
		return "", limitExceeded("%d filters are installed, no more are possible: uninstall some or use eth_getLogs", q.maxFilters)
	}
	id, err := filter()
	if err == nil {
		q.polled[id] = now
	}
	return id, err
}

// touch notes that a filter was polled.
func (q *quota) touch(id gethrpc.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, known := q.polled[id]; known {
		q.polled[id] = time.Now()
	}
}

func (q *quota) remove(id gethrpc.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.polled, id)
}

// subscribe counts a subscription until the client or its connection ends it.
func (q *quota) subscribe(open func() (*gethrpc.Subscription, error)) (*gethrpc.Subscription, error) {
	select {
	case q.subscriptions <- struct{}{}:
	default:
		return nil, limitExceeded("%d subscriptions are open, no more are possible", cap(q.subscriptions))
	}
	subscription, err := open()
	if err != nil {
		<-q.subscriptions
		return subscription, err
	}
	go func() {
		<-subscription.Err()
		<-q.subscriptions
	}()
	return subscription, nil
}

// NewFilter answers eth_newFilter.
func (l *Logs) NewFilter(query filters.FilterCriteria) (gethrpc.ID, error) {
	return l.quota.install(func() (gethrpc.ID, error) { return l.FilterAPI.NewFilter(query) })
}

// NewBlockFilter answers eth_newBlockFilter.
func (l *Logs) NewBlockFilter() (gethrpc.ID, error) {
	return l.quota.install(func() (gethrpc.ID, error) { return l.FilterAPI.NewBlockFilter(), nil })
}

// NewPendingTransactionFilter answers eth_newPendingTransactionFilter.
func (l *Logs) NewPendingTransactionFilter(full *bool) (gethrpc.ID, error) {
	return l.quota.install(func() (gethrpc.ID, error) { return l.FilterAPI.NewPendingTransactionFilter(full), nil })
}

// GetFilterChanges answers what came since the last call.
func (l *Logs) GetFilterChanges(id gethrpc.ID) (any, error) {
	l.quota.touch(id)
	return l.FilterAPI.GetFilterChanges(id)
}

// UninstallFilter reports whether there was such a filter.
func (l *Logs) UninstallFilter(id gethrpc.ID) bool {
	l.quota.remove(id)
	return l.FilterAPI.UninstallFilter(id)
}

// NewHeads subscribes to headers.
func (l *Logs) NewHeads(ctx context.Context) (*gethrpc.Subscription, error) {
	return l.quota.subscribe(func() (*gethrpc.Subscription, error) { return l.FilterAPI.NewHeads(ctx) })
}

// Logs subscribes to matching logs.
func (l *Logs) Logs(ctx context.Context, query filters.FilterCriteria) (*gethrpc.Subscription, error) {
	return l.quota.subscribe(func() (*gethrpc.Subscription, error) { return l.FilterAPI.Logs(ctx, query) })
}

// NewPendingTransactions subscribes to transactions that enter the pool.
func (l *Logs) NewPendingTransactions(ctx context.Context, full *bool) (*gethrpc.Subscription, error) {
	return l.quota.subscribe(func() (*gethrpc.Subscription, error) { return l.FilterAPI.NewPendingTransactions(ctx, full) })
}

// TransactionReceipts subscribes to the receipts of executed transactions.
func (l *Logs) TransactionReceipts(ctx context.Context, query *filters.TransactionReceiptsQuery) (*gethrpc.Subscription, error) {
	return l.quota.subscribe(func() (*gethrpc.Subscription, error) { return l.FilterAPI.TransactionReceipts(ctx, query) })
}
