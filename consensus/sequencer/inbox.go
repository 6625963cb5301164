package sequencer

import (
	"context"
	"sync"

	"github.com/etherscale/bedrock/types"
)

// pushesTogether is how many members' pushes one worker takes at once: enough for signatures to be cheap, few enough that
// the other workers get theirs.
const pushesTogether = 16

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
	from  types.Member
	push  *types.Push
	at    types.Time
	bytes int
}

func newInbox(members, limit int) *inbox {
	return &inbox{limit: limit, work: make(chan types.Member, members), queues: make([]memberQueue, members)}
}

// put queues a push; false: the member's queue is full, or it is no member.
func (b *inbox) put(push arrived) bool {
	from := push.from
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

// next waits for a push and takes those of other members that are there too; the caller calls done for each when it has
// checked it.
func (b *inbox) next(ctx context.Context) ([]arrived, error) {
	var taken []arrived
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case from := <-b.work:
		taken = append(taken, b.oldest(from))
	}
	for len(taken) < pushesTogether {
		select {
		case from := <-b.work:
			taken = append(taken, b.oldest(from))
		default:
			return taken, nil
		}
	}
	return taken, nil
}

func (b *inbox) oldest(from types.Member) arrived {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queues[from].pushes[0]
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
