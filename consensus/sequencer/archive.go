package sequencer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

const (
	// archiveOpen is how many logs of epochs that are over stay open for readers: auditors mostly ask for one of them.
	archiveOpen = 4
	// archivePause is the least time between two openings: each reads a part of the log, and strangers choose the epoch.
	archivePause = time.Second
	// archiveServing bounds the answers prepared at a time.
	archiveServing = 4
)

// ErrNoLog says that the vertex log of the epoch asked for is not here: this node was not in its committee, or its time is
// over.
var ErrNoLog = errors.New("no vertex log of this epoch is kept here")

// archive answers from the logs of epochs that are over.
type archive struct {
	logs    *store.VertexLogs
	serving chan struct{} // capacity archiveServing

	mu     sync.RWMutex // readers answer from an open log, writers open and close
	open   []archived   // the one used last comes last
	opened time.Time
	before types.Epoch // logs of this epoch and later ones are not its to open
}

type archived struct {
	epoch types.Epoch
	log   *store.VertexLog
}

func newArchive(logs *store.VertexLogs) *archive {
	return &archive{logs: logs, serving: make(chan struct{}, archiveServing)}
}

// leaveFrom says which logs the sequencers have in hand from now on: those of epoch e and later ones. What is open of them
// is closed.
func (a *archive) leaveFrom(e types.Epoch) error {
	a.mu.Lock()
	a.before = e
	a.mu.Unlock()
	return a.release(e)
}

// take keeps the open log of an epoch that has just ended.
func (a *archive) take(e types.Epoch, log *store.VertexLog) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.add(e, log)
}

func (a *archive) add(e types.Epoch, log *store.VertexLog) error {
	a.open = append(a.open, archived{e, log})
	if len(a.open) <= archiveOpen {
		return nil
	}
	oldest := a.open[0]
	a.open = slices.Delete(a.open, 0, 1)
	return oldest.log.Close()
}

// release closes the log of an epoch, if it is open here.
func (a *archive) release(e types.Epoch) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, x := range a.open {
		if x.epoch == e {
			a.open = slices.Delete(a.open, i, i+1)
			return x.log.Close()
		}
	}
	return nil
}

func (a *archive) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var problems []error
	for _, x := range a.open {
		problems = append(problems, x.log.Close())
	}
	a.open, a.before = nil, 0
	return errors.Join(problems...)
}

// answer is HandleFetch for an epoch that does not run.
func (a *archive) answer(ctx context.Context, r *types.FetchRequest) (*types.FetchResponse, error) {
	if n := len(r.Vertices) + len(r.Batches); n > types.MaxFetchItems {
		return nil, fmt.Errorf("fetch request of %d items, at most %d: %w", n, types.MaxFetchItems, types.ErrMalformed)
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case a.serving <- struct{}{}:
	}
	defer func() { <-a.serving }()
	if err := a.need(r.Epoch); err != nil {
		return nil, err
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	log := a.of(r.Epoch)
	if log == nil {
		return nil, fmt.Errorf("epoch %d: %w", r.Epoch, ErrNoLog) // closed in between
	}
	if r.Log {
		return answerLog(log, r.From)
	}
	return answerItems(r, log.Batch, log.Vertex), nil
}

func (a *archive) of(e types.Epoch) *store.VertexLog {
	for _, x := range a.open {
		if x.epoch == e {
			return x.log
		}
	}
	return nil
}

// need opens the log of an epoch that is over, if it is here and not open.
func (a *archive) need(e types.Epoch) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.IndexFunc(a.open, func(x archived) bool { return x.epoch == e }); i >= 0 {
		x := a.open[i]
		a.open = append(slices.Delete(a.open, i, i+1), x)
		return nil
	}
	epochs, err := a.logs.Epochs()
	if err != nil {
		return err
	}
	if e >= a.before || !slices.Contains(epochs, e) || time.Since(a.opened) < archivePause {
		return fmt.Errorf("epoch %d: %w", e, ErrNoLog)
	}
	a.opened = time.Now()
	log, err := a.logs.Open(e)
	if err != nil {
		return err
	}
	return a.add(e, log)
}
