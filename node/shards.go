package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/sampling"
	"github.com/etherscale/bedrock/types"
)

// Bounds of rebuilding blocks for who asks by RPC.
const (
	mostRebuildings   = 2                // jobs at once, those that are done and still wanted included
	rebuildPatience   = 5 * time.Minute  // for one block
	rebuildAttention  = 15 * time.Second // without a question the job is given up
	rebuildCheckEvery = time.Second
)

// rebuildings are the blocks that are rebuilt from their rows because somebody asked.
type rebuildings struct {
	mu   sync.Mutex
	last uint64
	jobs map[uint64]*rebuilding
}

// rebuilding is one job; guarded by rebuildings.mu.
type rebuilding struct {
	height   types.Height
	began    time.Time
	asked    time.Time // when somebody last wanted to know
	progress sampling.Progress
	state    rpc.RebuildState
	reason   string
	took     time.Duration
	data     []byte
}

var _ rpc.Shards = (*service)(nil)

// Rebuild implements rpc.Shards.
func (s *service) Rebuild(_ context.Context, height types.Height) (uint64, error) {
	ch, ok := s.n.chain.Header(height)
	if !ok {
		return 0, fmt.Errorf("this node knows no block %d", height)
	}
	r := &s.n.rebuildings
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.jobs) >= mostRebuildings {
		return 0, fmt.Errorf("%d blocks are being rebuilt already: try again in a moment", len(r.jobs))
	}
	if r.jobs == nil {
		r.jobs = make(map[uint64]*rebuilding)
	}
	r.last++
	id, now := r.last, time.Now()
	job := &rebuilding{height: height, began: now, asked: now, state: rpc.RebuildRunning}
	if !s.n.background.do(func(ctx context.Context) { s.n.rebuild(ctx, ch, id, job) }) {
		return 0, errors.New("this node is too busy: try again in a moment")
	}
	r.jobs[id] = job
	return id, nil
}

// rebuild works on a job until it is over, nobody asks about it, or ctx ends.
func (n *Node) rebuild(ctx context.Context, ch types.CertifiedHeader, id uint64, job *rebuilding) {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, rebuildPatience)
	defer cancel()
	go n.rebuildings.watch(whole, cancel, id, job)
	data, err := sampling.Restore(ctx, n.dht.Alone(), n.dht.Alone(), ch.Header, func(p sampling.Progress) {
		n.rebuildings.mu.Lock()
		defer n.rebuildings.mu.Unlock()
		job.progress = p
	})
	var bad *coding.BadEncodingError
	if errors.As(err, &bad) {
		n.onBadEncoding(ch, bad)
	}
	n.rebuildings.mu.Lock()
	defer n.rebuildings.mu.Unlock()
	job.took, job.state = time.Since(job.began), rebuiltState(err)
	if err != nil {
		job.reason = strings.ReplaceAll(err.Error(), "\n", "; ")
		return
	}
	job.data = data
}

// watch gives up a job that nobody asks about, and forgets it once it is over.
func (r *rebuildings) watch(ctx context.Context, cancel func(), id uint64, job *rebuilding) {
	tick := time.NewTicker(rebuildCheckEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if r.left(now, id, job) {
				return
			}
			r.mu.Lock()
			unwanted := now.Sub(job.asked) > rebuildAttention
			r.mu.Unlock()
			if unwanted {
				cancel()
			}
		}
	}
}

// left forgets a job that is over and that nobody asks about any more.
func (r *rebuildings) left(now time.Time, id uint64, job *rebuilding) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if job.state == rpc.RebuildRunning || now.Sub(job.asked) <= rebuildAttention {
		return false
	}
	delete(r.jobs, id)
	return true
}

func rebuiltState(err error) rpc.RebuildState {
	var bad *coding.BadEncodingError
	switch {
	case err == nil:
		return rpc.RebuildDone
	case errors.As(err, &bad), errors.Is(err, coding.ErrPadding):
		return rpc.RebuildMisencoded
	case errors.Is(err, coding.ErrInconsistent):
		return rpc.RebuildInconsistent
	}
	return rpc.RebuildUnavailable
}

// Rebuilding implements rpc.Shards.
func (s *service) Rebuilding(_ context.Context, id uint64) (*rpc.Rebuilding, error) {
	r := &s.n.rebuildings
	r.mu.Lock()
	defer r.mu.Unlock()
	job := r.jobs[id]
	if job == nil {
		return nil, nil
	}
	job.asked = time.Now()
	took := job.took
	if job.state == rpc.RebuildRunning {
		took = time.Since(job.began)
	}
	p := job.progress
	return &rpc.Rebuilding{Height: rpc.Height(job.height), State: job.state, Reason: job.reason, Rows: p.Rows, Needed: p.Needed, Asked: p.Asked,
		Peers: p.Peers, Wrong: p.Wrong, Bytes: uint64(len(job.data)), Ms: uint64(took.Milliseconds())}, nil
}

// Rebuilt implements rpc.Shards.
func (s *service) Rebuilt(_ context.Context, id, offset uint64, most int) ([]byte, error) {
	r := &s.n.rebuildings
	r.mu.Lock()
	defer r.mu.Unlock()
	job := r.jobs[id]
	if job == nil || offset >= uint64(len(job.data)) {
		return nil, nil
	}
	job.asked = time.Now()
	return job.data[offset:min(offset+uint64(most), uint64(len(job.data)))], nil
}

// ForgetRebuilding implements rpc.Shards. The work of a job that still runs ends with its watcher.
func (s *service) ForgetRebuilding(_ context.Context, id uint64) bool {
	r := &s.n.rebuildings
	r.mu.Lock()
	defer r.mu.Unlock()
	job := r.jobs[id]
	if job == nil {
		return false
	}
	job.asked = time.Time{} // nobody wants it any more
	delete(r.jobs, id)
	return true
}
