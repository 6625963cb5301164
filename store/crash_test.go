package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestS1PowerCut cuts the power at random moments of a random run of batches. Every batch writes the run's counter and
// ten keys: afterwards the counter tells how many batches survived; they must be a prefix with at least all up to the
// last synced one, each of them whole.
func TestS1PowerCut(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		disk := vfs.NewCrashableMem()
		db, err := OpenFS(disk, "data", Options{Network: testNetwork})
		must(t, err)
		promised, written := uint64(0), 10+rng.Uint64N(60)
		for n := uint64(1); n <= written; n++ {
			d := Durability(rng.IntN(3) == 0)
			must(t, commitRun(db, n, d, 1+rng.IntN(60_000)))
			if d == Synced {
				promised = n
			}
		}
		after := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: int(rng.IntN(3)) * 50, RNG: rng})
		must(t, db.Close())
		again, err := OpenFS(after, "data", Options{Network: testNetwork})
		if err != nil {
			t.Fatalf("seed %d: reopen: %v", seed, err)
		}
		checkRun(t, again, promised, written, seed)
		must(t, again.Close())
	}
}

func commitRun(db *DB, n uint64, d Durability, size int) error {
	b := db.Batch()
	b.Set(SpaceMeta, []byte("run"), BigEndian(n))
	for i := range uint64(10) {
		b.Set(SpaceNode, append(BigEndian(n), BigEndian(i)...), bytes.Repeat([]byte{byte(n)}, size/10))
	}
	return b.Commit(d)
}

func checkRun(t *testing.T, db *DB, promised, written, seed uint64) {
	t.Helper()
	counter, err := db.Get(SpaceMeta, []byte("run"))
	if errors.Is(err, ErrNotFound) {
		counter, err = BigEndian(uint64(0)), nil
	}
	must(t, err)
	survived := uint64(counter[7])
	keys := uint64(0)
	must(t, db.Scan(SpaceNode, Range{}, func(k, _ []byte) error {
		if uint64(k[7]) > survived {
			t.Fatalf("seed %d: key of batch %d, counter says %d", seed, k[7], survived)
		}
		keys++
		return nil
	}))
	if survived < promised || survived > written || keys != 10*survived {
		t.Fatalf("seed %d: %d batches and %d keys survived, promised %d of %d", seed, survived, keys, promised, written)
	}
}

// TestS2CrashWhileCreating cuts the power at every write operation of the first Open: the directory must open
// afterwards, and belong to the network or to nobody.
func TestS2CrashWhileCreating(t *testing.T) {
	for cut := 4; ; cut++ { // four ways to lose unsynced data before each write
		stop := cut / 4
		disk := vfs.NewCrashableMem()
		var after atomic.Pointer[vfs.MemFS]
		var ops atomic.Int64
		fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
				if ops.Add(1) == int64(stop) {
					after.Store(disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: (cut % 4) * 30, RNG: rand.New(rand.NewPCG(uint64(cut), 2))}))
				}
			}
			return nil
		}))
		db, err := OpenFS(fs, "data", Options{Network: testNetwork})
		must(t, err)
		must(t, db.Close())
		if after.Load() == nil {
			if stop < 10 {
				t.Fatalf("creation made only %d writes", stop-1)
			}
			return
		}
		db, err = OpenFS(after.Load(), "data", Options{Network: testNetwork})
		if err != nil {
			t.Fatalf("power cut before write %d: %v", stop, err)
		}
		must(t, db.Close())
	}
}

// TestS5FailedSync lets the i-th sync fail, for many i: the failed write must not be acknowledged, and what was
// acknowledged must be there afterwards.
func TestS5FailedSync(t *testing.T) {
	failures := 0
	for fail := int64(1); fail <= 40; fail++ {
		disk := vfs.NewCrashableMem()
		acknowledged, failed := runUntilSyncFails(t, disk, fail)
		if failed {
			failures++
		}
		again, err := OpenFS(disk.CrashClone(vfs.CrashCloneCfg{}), "data", Options{Network: testNetwork})
		must(t, err)
		checkRun(t, again, acknowledged, 20, uint64(fail))
		must(t, again.Close())
	}
	if failures < 10 {
		t.Fatalf("only %d of 40 injected faults were met", failures)
	}
}

// runUntilSyncFails commits batches while the fail-th sync fails, and tells how many were acknowledged. The goroutine that
// pebble calls Fatal on ends, as the process would.
func runUntilSyncFails(t *testing.T, disk *vfs.MemFS, fail int64) (acknowledged uint64, failed bool) {
	var syncs, count atomic.Int64
	var armed, fatal atomic.Bool
	fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if armed.Load() && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) && syncs.Add(1) == fail {
			return errors.New("injected: the disk said no")
		}
		return nil
	}))
	stopped := make(chan struct{})
	stop := sync.OnceFunc(func() { close(stopped) })
	db, err := OpenFS(fs, "data", Options{Network: testNetwork, Fatal: func(error) {
		fatal.Store(true)
		stop()
		runtime.Goexit()
	}})
	must(t, err)
	armed.Store(true)
	go func() {
		defer stop()
		for n := uint64(1); n <= 20 && commitRun(db, n, Synced, 100) == nil; n++ {
			count.Store(int64(n))
		}
	}()
	<-stopped
	acknowledged = uint64(count.Load())
	return acknowledged, fatal.Load() || acknowledged < 20
}

func TestWriteAtomicKeepsOldOrNew(t *testing.T) {
	for stop := 1; stop <= 8; stop++ {
		disk := vfs.NewCrashableMem()
		must(t, makeDir(disk, "d"))
		must(t, writeAtomic(disk, "d", "f", []byte("old")))
		ops := 0
		fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
				if ops++; ops == stop {
					return os.ErrPermission
				}
			}
			return nil
		}))
		err := writeAtomic(fs, "d", "f", []byte("new"))
		content := read(t, disk.CrashClone(vfs.CrashCloneCfg{}), "d/f")
		if content != "new" && (content != "old" || err == nil) {
			t.Fatalf("fault %d: %q after error %v", stop, content, err)
		}
	}
}

func read(t *testing.T, fs vfs.FS, name string) string {
	t.Helper()
	file, err := fs.Open(name)
	must(t, err)
	defer file.Close()
	content, err := io.ReadAll(file)
	must(t, err)
	return fmt.Sprintf("%s", content)
}
