package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/etherscale/bedrock/types"
)

// mustKeep checks that exactly the entries of positions from first on are there, under their old positions.
func mustKeep(t *testing.T, l *VertexLog, entries []entry, first uint64) {
	t.Helper()
	pos := uint64(0)
	for i, e := range entries {
		if e.batch {
			continue
		}
		body, err := l.VertexAt(pos)
		other, err2 := l.Vertex(e.digest)
		if pos < first {
			if !errors.Is(err, ErrNotInLog) || !errors.Is(err2, ErrNotInLog) {
				t.Fatalf("position %d is below %d: %v, %v", pos, first, err, err2)
			}
		} else if err != nil || err2 != nil || !bytes.Equal(body, e.body) || !bytes.Equal(other, e.body) {
			t.Fatalf("entry %d, position %d: %q %v, %q %v", i, pos, body, err, other, err2)
		}
		pos++
	}
	if l.Len() != pos || l.First() != first {
		t.Fatalf("positions %d to %d, want %d to %d", l.First(), l.Len(), first, pos)
	}
}

func TestVertexLogDropBelow(t *testing.T) {
	dir := t.TempDir()
	opts := LogOptions{SegmentBytes: 2048, recent: 2}
	l := mustOpenLog(t, dir, opts)
	if err := l.SetBound(77); err != nil {
		t.Fatal(err)
	}
	entries := fill(t, l, 0, 200, 100)
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	mustKeep(t, l, entries, 0)
	segments := l.Segments()
	if len(segments) < 10 {
		t.Fatalf("%d segments are too few for this test", len(segments))
	}
	third := segments[3].First
	for _, c := range []struct{ position, first uint64 }{
		{segments[1].First - 1, 0}, {third, third}, {third - 1, third}, {segments[4].First - 1, third}, {segments[4].First, segments[4].First},
	} {
		if err := l.DropBelow(c.position, nil); err != nil {
			t.Fatal(err)
		}
		mustKeep(t, l, entries, c.first)
	}
	more := fill(t, l, 200, 230, 100)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := mustOpenLog(t, dir, opts)
	mustKeep(t, again, append(entries, more...), segments[4].First)
	if again.Bound() != 77 {
		t.Fatalf("the bound went with the segment it stood in: %d", again.Bound())
	}
	if err := again.DropBelow(again.Len()+5, nil); err != nil {
		t.Fatal(err)
	}
	if kept := again.Segments(); len(kept) != 1 {
		t.Fatalf("%d segments are left, want the newest one", len(kept))
	}
}

// A body that somebody still needs is copied to the end before the segment it stands in goes.
func TestVertexLogDropKeepsBodies(t *testing.T) {
	for _, recent := range []int{1, 100} { // found by an old segment's index and by heart
		dir := t.TempDir()
		l := mustOpenLog(t, dir, LogOptions{SegmentBytes: 2048, recent: recent})
		entries := fill(t, l, 0, 100, 100)
		keep := []types.BatchID{entries[0].id, entries[3].id, types.BatchIDOf([]byte("never here"))}
		if err := l.DropBelow(l.Segments()[3].First, keep); err != nil {
			t.Fatal(err)
		}
		for life := range 2 {
			for i, e := range []entry{entries[0], entries[3]} {
				if body, err := l.Batch(e.id); err != nil || !bytes.Equal(body, e.body) {
					t.Fatalf("life %d, body %d: %v", life, i, err)
				}
			}
			if _, err := l.Batch(entries[6].id); !errors.Is(err, ErrNotInLog) {
				t.Fatalf("a body nobody wanted is still there: %v", err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = mustOpenLog(t, dir, LogOptions{SegmentBytes: 2048, recent: recent})
		}
	}
}

// A name is searched for in so many older segments; a position is found wherever it is.
func TestVertexLogSearchIsBounded(t *testing.T) {
	l := mustOpenLog(t, t.TempDir(), LogOptions{SegmentBytes: 400, recent: 1, wrap: wrapUnsynced})
	entries := fill(t, l, 0, 200, 100)
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	segments := l.Segments()
	oldest := len(segments) - 1 - 1 - searchedSegments // the first of those searched
	if oldest < 2 {
		t.Fatalf("%d segments are too few for this test", len(segments))
	}
	_, vertices := split(entries)
	for _, found := range []bool{true, false} {
		pos := segments[oldest].First
		if !found {
			pos = segments[oldest-1].First
		}
		if at, err := l.VertexAt(pos); err != nil || !bytes.Equal(at, vertices[pos]) {
			t.Fatalf("position %d: %v", pos, err)
		}
		for _, e := range entries {
			if !e.batch && bytes.Equal(e.body, vertices[pos]) {
				if _, err := l.Vertex(e.digest); found != (err == nil) || !found && !errors.Is(err, ErrNotInLog) {
					t.Fatalf("vertex at position %d: %v, to be found: %v", pos, err, found)
				}
			}
		}
	}
}

// L5: whatever part of a drop a crash leaves done, the log opens and holds what was to be kept.
func TestL5DropInterrupted(t *testing.T) {
	dir := t.TempDir()
	opts := LogOptions{SegmentBytes: 2048, recent: 2, wrap: wrapUnsynced}
	l := mustOpenLog(t, dir, opts)
	entries := fill(t, l, 0, 100, 100)
	segments := l.Segments()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for removed := range len(segments) {
		image := t.TempDir()
		if err := os.CopyFS(image, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		for i := range removed {
			if err := os.Remove(filepath.Join(image, segmentName(uint32(i+1)))); err != nil {
				t.Fatal(err)
			}
		}
		mustKeep(t, mustOpenLog(t, image, opts), entries, segments[removed].First)
	}
}

func TestVertexLogRangeOfWhatWasDropped(t *testing.T) {
	l := mustOpenLog(t, t.TempDir(), LogOptions{SegmentBytes: 2048, recent: 1})
	entries := fill(t, l, 0, 100, 100)
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	first := l.Segments()[2].First
	if err := l.DropBelow(first, nil); err != nil {
		t.Fatal(err)
	}
	for _, from := range []uint64{0, first - 1} {
		got, err := l.Range(from, 1<<20)
		if err != nil || got.First != first || len(got.Vertices) != 0 || got.Next != from || got.End != l.Len() {
			t.Fatalf("range from %d: %+v, %v", from, got, err)
		}
	}
	_, vertices := split(entries)
	for from := first; from < l.Len(); from++ {
		got, err := l.Range(from, 1<<20)
		if err != nil || got.First != first || !equalBytes(got.Vertices, vertices[from:]) {
			t.Fatalf("range from %d: %d vertices, %v", from, len(got.Vertices), err)
		}
		next := from
		err = l.Replay(from, func(types.BatchID, []byte) error { return nil }, func(_ types.Hash, body []byte) error {
			if !bytes.Equal(body, vertices[next]) {
				t.Fatalf("replay from %d differs at %d", from, next)
			}
			next++
			return nil
		})
		if err != nil || next != l.Len() {
			t.Fatalf("replay from %d ended at %d: %v", from, next, err)
		}
	}
}

// Readers beside a drop get what they ask for or a clear word that it is gone.
func TestVertexLogReadsBesideDrops(t *testing.T) {
	l := mustOpenLog(t, t.TempDir(), LogOptions{SegmentBytes: 4096, recent: 2, wrap: wrapUnsynced})
	entries := fill(t, l, 0, 600, 100)
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for reader := range 3 {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range entries {
				e := entries[(i*7+reader*100)%len(entries)]
				if body, err := e.read(l); err == nil && !bytes.Equal(body, e.body) || err != nil && !errors.Is(err, ErrNotInLog) {
					t.Errorf("%q, %v", body, err)
				}
				if _, err := l.Range(uint64(i), 2000); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	for _, s := range l.Segments() {
		if err := l.DropBelow(s.First, nil); err != nil {
			t.Error(err)
		}
	}
	group.Wait()
}

// Damage in a segment that Open does not read shows when somebody asks for what is in it (L3).
func TestL3DamageInOldSegments(t *testing.T) {
	dir := t.TempDir()
	opts := LogOptions{SegmentBytes: 2048, recent: 1}
	l := mustOpenLog(t, dir, opts)
	entries := fill(t, l, 0, 100, 100)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, segmentName(1)), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{0xff}, segmentHeaderBytes+60); err != nil {
		t.Fatal(err)
	}
	l = mustOpenLog(t, dir, opts)
	if _, err := entries[0].read(l); !errors.Is(err, ErrLogCorrupt) {
		t.Fatalf("read a damaged segment: %v", err)
	}
	for _, change := range [][]byte{{0xff}, []byte("another")} { // in the header Open sees it
		if _, err := f.WriteAt(change, 17); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenVertexLog(dir, opts); !errors.Is(err, ErrLogCorrupt) {
			t.Fatalf("opened a log with a damaged header: %v", err)
		}
	}
}

// BenchmarkVertexLogIndex reports the memory that a vertex and its share of bodies (one for three vertices) costs: in a recent
// segment, in an older one that nobody asks for, and in an older one that somebody asked for.
func BenchmarkVertexLogIndex(b *testing.B) {
	const vertices = 300_000
	for range b.N {
		l := mustOpenLog(b, b.TempDir(), LogOptions{SegmentBytes: 4 << 20, recent: 1 << 20, wrap: wrapUnsynced})
		before := heap()
		for i := range vertices {
			var key [32]byte
			binary.LittleEndian.PutUint64(key[:], uint64(i)*0x9e3779b97f4a7c15)
			if i%3 == 0 {
				if err := l.AppendBatch(types.BatchIDOf(key[:]), key[:]); err != nil {
					b.Fatal(err)
				}
			}
			if err := l.AppendVertex(key, key[:]); err != nil {
				b.Fatal(err)
			}
		}
		if err := l.Sync(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(heap()-before)/vertices, "recent-B/vertex")
		for _, s := range l.segments {
			s.index = nil
		}
		b.ReportMetric(float64(heap()-before)/vertices, "old-B/vertex")
		if _, err := l.Vertex(types.Hash{1, 2, 3}); !errors.Is(err, ErrNotInLog) {
			b.Fatal(err)
		}
		b.ReportMetric(float64(heap()-before)/vertices, "asked-B/vertex")
		runtime.KeepAlive(l)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
