package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/etherscale/bedrock/types"
)

// workload makes transactions. next is called concurrently; done tells what became of the envelope, which is nil when the
// workload has no more for the entry node.
type workload interface {
	next(entry int) (envelope []byte, done func(err error))
}

// submit enters an envelope at an entry node.
type submit func(ctx context.Context, entry int, envelope []byte) (types.Hash, error)

const (
	tick         = 2 * time.Millisecond // the generator wakes no more often; so something may be sent this much after it was due
	entryWorkers = 16                   // calls under way at one entry node
	entryQueue   = 1 << 16              // transactions due and not yet handed over; beyond it the generator gives up on them
)

// sent is one transaction that an entry node took.
type sent struct {
	hash  types.Hash
	due   time.Time
	entry int
}

// generator sends at a fixed rate, spread over the entry nodes.
type generator struct {
	entries int
	rate    int // a second
	work    workload
	submit  submit

	mu      sync.Mutex
	taken   []sent
	refusal map[string]int
	refused []time.Time // when due
	behind  atomic.Int64
}

// run sends everything that is due in the time from start on, and returns when all calls have returned.
func (g *generator) run(ctx context.Context, start time.Time, length time.Duration) {
	g.refusal = map[string]int{}
	queues := make([]chan time.Time, g.entries)
	var workers sync.WaitGroup
	for entry := range queues {
		queues[entry] = make(chan time.Time, entryQueue)
		for range entryWorkers {
			workers.Go(func() {
				for due := range queues[entry] {
					g.one(ctx, entry, due)
				}
			})
		}
	}
	total := int(length.Seconds() * float64(g.rate))
	for i := range total {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(g.rate))
		if wait := time.Until(due); wait > 0 {
			time.Sleep(max(wait, tick))
		}
		select {
		case queues[i%g.entries] <- due:
		default:
			g.behind.Add(1)
		}
	}
	for _, q := range queues {
		close(q)
	}
	workers.Wait()
}

func (g *generator) one(ctx context.Context, entry int, due time.Time) {
	envelope, done := g.work.next(entry)
	var hash types.Hash
	err := errSpent
	if envelope != nil {
		hash, err = g.submit(ctx, entry, envelope)
	}
	done(err)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.refusal[cause(err)]++
		g.refused = append(g.refused, due)
		return
	}
	g.taken = append(g.taken, sent{hash, due, entry})
}

// cause is an error's text up to the first colon: without the numbers of the one transaction.
func cause(err error) string {
	text := err.Error()
	for i, r := range text {
		if r == ':' {
			return text[:i]
		}
	}
	return text
}

// generatorCost measures what the generator itself takes per transaction: the same loop against a submit that does nothing.
func generatorCost(entries, rate int, work workload) time.Duration {
	g := &generator{entries: entries, rate: rate, work: work, submit: func(context.Context, int, []byte) (types.Hash, error) {
		return types.Hash{}, nil
	}}
	before := usage()
	g.run(context.Background(), time.Now(), time.Second)
	return (usage().cpu - before.cpu) / time.Duration(max(len(g.taken), 1))
}
