package sequencer

import (
	"context"
	"sync"

	"github.com/etherscale/bedrock/types"
)

// inbox keeps unchecked pushes, a queue for each member, capped in bytes. Workers take turns among the members; of one
// member only one push is under way at a time, so its pushes are checked in the order they came.
type inbox struct {
	limit int
	work  chan types.Member // members with a push to check, each at most once; capacity: all members

	mu     sync.Mutex
	queues []memberQueue
}

type memberQueue struct {
	pushes []arrived
	bytes  int
	busy   bool // the member is in work, or a worker has its push
}

// arrived is a push with the time it came.
type arrived struct {
	push  *types.Push
	at    types.Time
	bytes int
}

func newInbox(members, limit int) *inbox {
	return &inbox{limit: limit, work: make(chan types.Member, members), queues: make([]memberQueue, members)}
}

// put queues a push; false: the member's queue is full, or it is no member.
func (b *inbox) put(from types.Member, push arrived) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if int(from) >= len(b.queues) {
		return false
	}
	q := &b.queues[from]
	if q.bytes+push.bytes > b.limit {
		return false
	}
	q.pushes = append(q.pushes, push)
	q.bytes += push.bytes
	if !q.busy {
		q.busy = true
		b.work <- from
	}
	return true
}

// next waits for a push; the caller calls done when it has checked it.
func (b *inbox) next(ctx context.Context) (types.Member, arrived, error) {
	select {
	case <-ctx.Done():
		return 0, arrived{}, ctx.Err()
	case from := <-b.work:
		b.mu.Lock()
		defer b.mu.Unlock()
		return from, b.queues[from].pushes[0], nil
	}
}

// done ends the work on the member's oldest push.
func (b *inbox) done(from types.Member) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := &b.queues[from]
	q.bytes -= q.pushes[0].bytes
	q.pushes[0] = arrived{}
	q.pushes = q.pushes[1:]
	if q.busy = len(q.pushes) > 0; q.busy {
		b.work <- from
	}
}

// pushBytes is what a push costs in memory, about.
func pushBytes(p *types.Push) int {
	n := 256 // so that empty ones are not free
	for _, items := range [][][]byte{p.Batches, p.Vertices} {
		for _, item := range items {
			n += len(item) + 24
		}
	}
	return n
}
