package node

import (
	"context"
	"sync"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// newsMax is how many transactions are kept for a client that does not read: 2 MiB, seconds at the highest rate measured.
const newsMax = 1 << 16

// orderNews tells the clients that follow it which transactions have left the fair order here.
type orderNews struct {
	mu        sync.Mutex
	followers map[*orderFollower]struct{}
}

func newOrderNews() *orderNews { return &orderNews{followers: map[*orderFollower]struct{}{}} }

// watch is the watcher that also tells the followers.
func (o *orderNews) watch(next func(Fact)) func(Fact) {
	return func(f Fact) {
		if released, ok := f.(Released); ok {
			o.tell(released.Transactions)
		}
		next(f)
	}
}

func (o *orderNews) tell(transactions []types.Hash) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for f := range o.followers {
		f.add(transactions)
	}
}

// follow begins with what is told next.
func (o *orderNews) follow() *orderFollower {
	f := &orderFollower{news: o, wake: make(chan struct{}, 1)}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.followers[f] = struct{}{}
	return f
}

// orderFollower is one client's share of the news. Its fields but wake are under the lock of news.
type orderFollower struct {
	news    *orderNews
	wake    chan struct{}
	waiting []types.Hash
	missed  uint64 // of waiting and before, what there was no room for
}

var _ rpc.OrderFollower = (*orderFollower)(nil)

func (f *orderFollower) add(transactions []types.Hash) {
	if over := len(f.waiting) + len(transactions) - newsMax; over > 0 {
		f.missed += uint64(len(f.waiting))
		f.waiting = nil
	}
	f.waiting = append(f.waiting, transactions...)
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Wake implements rpc.OrderFollower.
func (f *orderFollower) Wake() <-chan struct{} { return f.wake }

// Take implements rpc.OrderFollower.
func (f *orderFollower) Take() ([]types.Hash, uint64) {
	f.news.mu.Lock()
	defer f.news.mu.Unlock()
	waiting, missed := f.waiting, f.missed
	f.waiting, f.missed = nil, 0
	return waiting, missed
}

// Close implements rpc.OrderFollower.
func (f *orderFollower) Close() {
	f.news.mu.Lock()
	defer f.news.mu.Unlock()
	delete(f.news.followers, f)
}

var _ rpc.Ordering = (*service)(nil)

// Submit implements rpc.Ordering.
func (s *service) Submit(ctx context.Context, envelope []byte) (types.Hash, error) {
	return s.n.Submit(ctx, envelope)
}

// FollowOrder implements rpc.Ordering.
func (s *service) FollowOrder() rpc.OrderFollower {
	if s.n.order == nil {
		return nil
	}
	return s.n.news.follow()
}
