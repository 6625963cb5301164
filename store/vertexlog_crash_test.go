package store

import (
	"bytes"
	"errors"
	"os"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

// TestVertexLogCrash is a power cut after random work: whatever lies behind the last fsync vanishes, in part or whole,
// or turns into zeros (L1, L2).
func TestVertexLogCrash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "vlog")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		var synced, unsynced []entry
		for life := range 3 {
			l, err := OpenVertexLog(dir, LogOptions{SegmentBytes: 3000, wrap: wrapUnsynced})
			if err != nil {
				t.Fatal(err)
			}
			all := append(append([]entry(nil), synced...), unsynced...)
			kept := survivors(t, l, all)
			if kept < len(synced) {
				t.Fatalf("life %d: %d entries are left, %d were synced", life, kept, len(synced))
			}
			synced, unsynced = all[:kept], nil
			base := 1000 * (life + 1)
			for i := range rapid.IntRange(0, 60).Draw(t, "steps") {
				if rapid.IntRange(0, 4).Draw(t, "sync") == 0 {
					if err := l.Sync(); err != nil {
						t.Fatal(err)
					}
					synced, unsynced = append(synced, unsynced...), nil
					continue
				}
				e := testEntry(base+i, rapid.IntRange(1, 300).Draw(t, "size"))
				if err := e.append(l); err != nil {
					t.Fatal(err)
				}
				unsynced = append(unsynced, e)
			}
			powerCut(t, l)
		}
	})
}

// survivors counts the entries of the log's beginning that it holds; nothing after the first missing one may be there.
func survivors(t *rapid.T, l *VertexLog, all []entry) int {
	kept := 0
	for kept < len(all) {
		if body, err := all[kept].read(l); err != nil || !bytes.Equal(body, all[kept].body) {
			break
		}
		kept++
	}
	for _, e := range all[kept:] {
		if _, err := e.read(l); err == nil {
			t.Fatalf("an entry survived one before it")
		}
	}
	return kept
}

// powerCut closes the files without a sync and destroys part of what no fsync covers.
func powerCut(t *rapid.T, l *VertexLog) {
	if rapid.Bool().Draw(t, "written") {
		if err := l.flush(); err != nil {
			t.Fatal(err)
		}
	}
	active := l.active()
	synced, written := active.synced, active.written
	if err := l.closeFiles(); err != nil {
		t.Fatal(err)
	}
	keep := rapid.Int64Range(synced, written).Draw(t, "keep")
	if err := os.Truncate(active.path, keep); err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "zeros") {
		if err := os.Truncate(active.path, written); err != nil {
			t.Fatal(err)
		}
	}
}

// faultFile fails the i-th write or sync.
type faultFile struct {
	logFile
	fsyncs *int
	calls  *int
	failAt int
}

var errInjected = errors.New("injected fault")

func (f *faultFile) due() bool {
	if f.calls == nil {
		return false
	}
	*f.calls++
	return *f.calls == f.failAt
}

func (f *faultFile) WriteAt(p []byte, off int64) (int, error) {
	if f.due() {
		n, _ := f.logFile.WriteAt(p[:len(p)/2], off)
		return n, errInjected
	}
	return f.logFile.WriteAt(p, off)
}

func (f *faultFile) Sync() error {
	if f.fsyncs != nil {
		*f.fsyncs++
	}
	if f.due() {
		return errInjected
	}
	return f.logFile.Sync()
}

// TestVertexLogStopsAtTheFirstFault fails each write and sync in turn: the log says so, takes nothing more (L4), and
// after reopening holds everything that was acknowledged.
func TestVertexLogStopsAtTheFirstFault(t *testing.T) {
	for failAt := 1; ; failAt++ {
		dir, calls := t.TempDir(), 0
		opts := LogOptions{SegmentBytes: 1500, wrap: func(f logFile) logFile { return &faultFile{logFile: unsynced{f}, calls: &calls, failAt: failAt} }}
		l, err := OpenVertexLog(dir, opts)
		if err == nil {
			acknowledged := workUntilFault(t, l, calls >= failAt)
			_ = l.closeFiles()
			survived := mustOpenLog(t, dir, LogOptions{})
			mustHold(t, survived, acknowledged)
		} else if !errors.Is(err, errInjected) {
			t.Fatalf("open with fault %d: %v", failAt, err)
		} else {
			mustOpenLog(t, dir, LogOptions{})
		}
		if calls < failAt {
			return // the whole run passed without reaching the fault
		}
	}
}

// A full disk has its own error, and what was synced before is there when room was made.
func TestVertexLogFullDisk(t *testing.T) {
	dir, room := t.TempDir(), 5000
	l := mustOpenLog(t, dir, LogOptions{wrap: func(f logFile) logFile { return &fullDisk{logFile: f, room: &room} }})
	var synced []entry
	for i := 0; ; i++ {
		e := testEntry(i, 300)
		err := errors.Join(e.append(l), l.Sync())
		if err == nil {
			synced = append(synced, e)
			continue
		}
		if !errors.Is(err, ErrLogFull) || !errors.Is(err, syscall.ENOSPC) || !errors.Is(l.Sync(), ErrLogFull) {
			t.Fatal(err)
		}
		break
	}
	_ = l.closeFiles()
	if len(synced) < 10 {
		t.Fatalf("only %d entries fit", len(synced))
	}
	mustHold(t, mustOpenLog(t, dir, LogOptions{}), synced)
}

// fullDisk has room for so many bytes; a write beyond it is cut short.
type fullDisk struct {
	logFile
	room *int
}

func (f *fullDisk) WriteAt(p []byte, off int64) (int, error) {
	if len(p) <= *f.room {
		*f.room -= len(p)
		return f.logFile.WriteAt(p, off)
	}
	n, _ := f.logFile.WriteAt(p[:*f.room], off)
	*f.room = 0
	return n, syscall.ENOSPC
}
