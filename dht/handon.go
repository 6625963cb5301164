package dht

import (
	"context"
	"sync"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

const (
	// maxHandOnRows is the number of rows that wait to be handed on: those of four of the largest blocks.
	maxHandOnRows = 4 * maxIndices
	// maxHandOnBlocks is the number of blocks they belong to; each waits with its certificate.
	maxHandOnBlocks = 64
	// handOnWorkers is the number of blocks worked on at once.
	handOnWorkers = 4
)

// handOns are rows that this node took and was asked to pass on to the other servers near them. A row gets here only when
// it is new to this node, whose header is certified: once. So asking costs the line at most what placing the row there
// costs anyway, and nobody can make this node send more.
type handOns struct {
	running sync.WaitGroup

	mu      sync.Mutex
	blocks  map[types.Hash]*handOn
	rows    int
	workers int
	closed  bool
}

// handOn is what waits of one block.
type handOn struct {
	header  types.Header
	proof   []byte // certified header
	opening coding.Opening
	indices []uint32
}

func newHandOns() *handOns { return &handOns{blocks: make(map[types.Hash]*handOn)} }

// add queues rows. work says that the caller has to work on the queue; lost, that there was no room.
func (q *handOns) add(job *handOn) (work, lost bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := job.header.Commitment
	queued := q.blocks[c]
	if q.closed || q.rows+len(job.indices) > maxHandOnRows || queued == nil && len(q.blocks) >= maxHandOnBlocks {
		return false, true
	}
	q.rows += len(job.indices)
	if queued != nil {
		queued.indices = append(queued.indices, job.indices...)
	} else {
		q.blocks[c] = job
	}
	if q.workers == handOnWorkers {
		return false, false
	}
	q.workers++
	q.running.Add(1)
	return true, false
}

// next takes the highest block's rows off the queue; nil ends the worker.
func (q *handOns) next() *handOn {
	q.mu.Lock()
	defer q.mu.Unlock()
	var best *handOn
	for _, job := range q.blocks {
		if best == nil || job.header.Height > best.header.Height {
			best = job
		}
	}
	if best == nil {
		q.workers--
		q.running.Done()
		return nil
	}
	delete(q.blocks, best.header.Commitment)
	q.rows -= len(best.indices)
	return best
}

// close refuses what comes from now on and waits for what is under way.
func (q *handOns) close() {
	q.mu.Lock()
	q.closed = true
	clear(q.blocks)
	q.rows = 0
	q.mu.Unlock()
	q.running.Wait()
}

// passOn hands rows on, and then whatever else waits, unless enough others do. It runs in the goroutine of the request
// that brought the rows, which nobody waits for any more.
func (d *DHT) passOn(job *handOn) {
	work, lost := d.passing.add(job)
	if lost {
		d.counts.handOnLost.Add(uint64(len(job.indices)))
	}
	if !work {
		return
	}
	for job := d.passing.next(); job != nil; job = d.passing.next() {
		d.spreadHeld(d.life, job)
	}
}

// spreadHeld brings rows that this node has to the other servers near them.
func (d *DHT) spreadHeld(ctx context.Context, job *handOn) {
	if ctx.Err() != nil {
		return
	}
	offered, err := d.offerDisk(job.header, job.opening, job.proof)
	if err != nil {
		d.log.Debug("rows not handed on", "height", job.header.Height, "error", err)
		return
	}
	sp := d.newSpread(offered)
	indices := sorted(job.indices)
	for _, i := range indices {
		sp.confirm(i, d.host.ID())
	}
	sp.run(ctx, indices)
	report := sp.finish(indices)
	d.counts.handedOn.Add(uint64(report.Stored))
}
