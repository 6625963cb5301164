package sampling

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// stall is how long nothing may come before more rows are asked for: what is late by then is probably at peers that are
// dead, and the next rows are asked for while it may still come.
const stall = 500 * time.Millisecond

// answer is a correct row, with who gave it and how long that took.
type answer struct {
	from  string
	after time.Duration
	shard coding.Shard
}

// fetcher gets verified rows of one block. Opening and rows are asked for at once; rows wait for the opening to be judged.
type fetcher struct {
	header types.Header
	params coding.Params
	began  time.Time
	opened chan struct{} // closed when there is a verifier or no hope for one

	mu       sync.Mutex // over what follows; verifier and failed are fixed once opened is closed
	verifier *coding.Verifier
	failed   error // nobody has the opening
	answers  []answer
	asked    int                      // rows asked for by decode
	wrong    int                      // lies of peers
	bytes    int64                    // of rows and openings that came
	bad      *coding.BadEncodingError // the block's lie
	givers   map[string]bool          // of correct rows
	watch    func(Progress)           // may be nil
}

func newFetcher(h types.Header, p coding.Params) *fetcher {
	return &fetcher{header: h, params: p, began: time.Now(), opened: make(chan struct{}), givers: make(map[string]bool)}
}

// open starts to fetch the opening; without it giveUp is called, since no row can be judged. The returned function ends that
// and waits for its end.
func (f *fetcher) open(ctx context.Context, giveUp func(), openings Openings) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := openings.Opening(ctx, f.header, f.judgeOpening)
		f.mu.Lock()
		missing := f.verifier == nil
		if missing {
			f.failed = fmt.Errorf("%w: no opening of block %d: %w", ErrUnavailable, f.header.Height, err)
		}
		f.mu.Unlock()
		if missing {
			close(f.opened)
			giveUp()
		}
	}()
	return func() { cancel(); <-done }
}

func (f *fetcher) judgeOpening(_ string, o coding.Opening) bool {
	v, err := coding.NewVerifier(f.params, f.header.Commitment, o.RowRoot, o.Y)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bytes += int64(f.params.OpeningSize())
	if err != nil {
		f.wrong++
		return false
	}
	if f.verifier == nil {
		f.verifier = v
		close(f.opened)
	}
	return true
}

// openingError is why no opening came; nil if one did or might still have.
func (f *fetcher) openingError() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// ask fetches rows; got is called under mu for each correct one. It ends early when the block is convicted.
func (f *fetcher) ask(ctx context.Context, rows Rows, indices []uint32, got func(a answer)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wanted := make(map[uint32]bool, len(indices))
	for _, i := range indices {
		wanted[i] = true
	}
	// What could not be had is simply missing; why does not matter to the verdict.
	_ = rows.Rows(ctx, f.header, indices, func(from string, s coding.Shard) bool {
		after := time.Since(f.began)
		select {
		case <-f.opened:
		case <-ctx.Done():
			return true // nobody waits for the verdict
		}
		if f.verifier == nil {
			return true
		}
		err := f.verifier.Verify(s)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.bytes += int64(f.params.ShardSize())
		if f.bad != nil {
			return true
		}
		missing, asked := wanted[s.Index]
		switch {
		case errors.As(err, &f.bad):
			cancel()
		case err != nil || !asked:
			f.wrong++
			return false
		case missing:
			wanted[s.Index], f.givers[from] = false, true
			got(answer{from, after, s})
			f.tell()
		}
		return true
	})
}

// chase asks for groups of rows, the next one when those before are through or nothing came for a while, until there is no
// further group, done says that it is enough, the block is convicted, or ctx ended. next and done are called under mu.
func (f *fetcher) chase(ctx context.Context, rows Rows, next func() []uint32, done func() bool) {
	ctx, enough := context.WithCancel(ctx)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer enough()
	came, ended := make(chan struct{}, 1), make(chan struct{})
	running := 0
	for {
		f.mu.Lock()
		var group []uint32
		if f.bad == nil && !done() {
			group = next()
		}
		over := f.bad != nil || done()
		f.mu.Unlock()
		if over || ctx.Err() != nil || len(group) == 0 && running == 0 {
			return
		}
		if len(group) > 0 {
			running++
			asking.Go(func() {
				f.ask(ctx, rows, group, func(a answer) {
					f.answers = append(f.answers, a)
					if done() {
						enough()
					}
					select {
					case came <- struct{}{}:
					default:
					}
				})
				select {
				case ended <- struct{}{}:
				case <-ctx.Done():
				}
			})
		}
		running -= f.wait(ctx, len(group) > 0, came, ended)
	}
}

// wait returns when a group is through (1), ctx ended or, if that is of use, nothing came for a while (0).
func (f *fetcher) wait(ctx context.Context, more bool, came, ended <-chan struct{}) int {
	var quiet <-chan time.Time
	for {
		if more {
			quiet = time.After(stall)
		}
		select {
		case <-came:
		case <-ended:
			return 1
		case <-quiet:
			return 0
		case <-ctx.Done():
			return 0
		}
	}
}

// decode fetches rows until K are here: the data rows first, then parity rows, each time enough to make up for what is
// missing even if no more than a quarter is served. Unless it is patient, it gives up when no data row at all comes: then
// the rows are probably not published yet.
func (f *fetcher) decode(ctx context.Context, rows Rows, patient bool) ([]byte, error) {
	k := f.params.K
	f.chase(ctx, rows, func() []uint32 {
		size := coding.Expansion * (k - len(f.answers))
		switch {
		case f.asked == 0:
			size = k
		case len(f.answers) == 0 && !patient:
			return nil
		}
		group := make([]uint32, min(size, f.params.N-f.asked))
		for j := range group {
			group[j] = uint32(f.asked + j)
		}
		f.asked += len(group)
		return group
	}, func() bool { return len(f.answers) >= k })
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bad != nil {
		return nil, f.bad
	}
	if len(f.answers) < k {
		return nil, fmt.Errorf("%w: %d of %d rows of block %d", ErrUnavailable, len(f.answers), k, f.header.Height)
	}
	return coding.ReconstructVerified(f.params, f.shards()[:k])
}

// shards are the correct rows so far.
func (f *fetcher) shards() []coding.Shard {
	out := make([]coding.Shard, len(f.answers))
	for i, a := range f.answers {
		out[i] = a.shard
	}
	return out
}
