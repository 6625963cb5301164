package node

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Bounds of the background work.
const (
	backgroundQueue = 256
	// Most wait: for their turn to take over, or for slow holders. dht bounds how many blocks are sent at once.
	backgroundWorkers = 32
)

// background runs bounded work that nobody waits for: pushing rows, taking over for silent sequencers.
type background struct {
	jobs chan func(context.Context)
}

func newBackground() *background {
	return &background{jobs: make(chan func(context.Context), backgroundQueue)}
}

// do queues a job; false says that the queue is full and the job was dropped.
func (b *background) do(job func(context.Context)) bool {
	select {
	case b.jobs <- job:
		return true
	default:
		return false
	}
}

func (b *background) run(ctx context.Context) error {
	var group errgroup.Group
	for range backgroundWorkers {
		group.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case job := <-b.jobs:
					job(ctx)
				}
			}
		})
	}
	return group.Wait()
}
