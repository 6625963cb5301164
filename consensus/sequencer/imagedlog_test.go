package sequencer

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// imagedLog keeps a copy of the log's directory as of the last finished sync: what a power cut leaves.
type imagedLog struct {
	Log
	dir, copies string

	mu    sync.Mutex
	dead  bool
	last  string
	count int
}

func (l *imagedLog) Sync() error {
	if err := l.Log.Sync(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return nil
	}
	l.count++
	to := filepath.Join(l.copies, fmt.Sprint(l.count))
	if err := os.CopyFS(to, os.DirFS(l.dir)); err != nil {
		return err
	}
	if l.last != "" {
		_ = os.RemoveAll(l.last)
	}
	l.last = to
	return nil
}

// SaveCut, DropBelow and LeapTo change the directory: no copy is taken meanwhile.
func (l *imagedLog) SaveCut(c store.Cut) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Log.SaveCut(c)
}

func (l *imagedLog) DropBelow(position uint64, keep []types.BatchID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Log.DropBelow(position, keep)
}

func (l *imagedLog) LeapTo(position uint64, own types.Hash) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Log.LeapTo(position, own)
}

// cut is the moment of the power cut: later syncs change no image any more.
func (l *imagedLog) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
}

// restored is the directory that the power cut left; torn bytes follow what was synced.
func (l *imagedLog) restored(t testing.TB) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(l.last, "*.vlog"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no image of the log: %v", err)
	}
	f, err := os.OpenFile(files[len(files)-1], os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("torn tail of a record"); err != nil {
		t.Fatal(err)
	}
	return l.last
}
