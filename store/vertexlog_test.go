package store

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/etherscale/bedrock/types"
)

func mustOpenLog(t testing.TB, dir string, opts LogOptions) *VertexLog {
	t.Helper()
	l, err := OpenVertexLog(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// unsynced leaves out fsyncs where a test simulates the crash itself and would only wait for the disk.
type unsynced struct{ logFile }

func (unsynced) Sync() error { return nil }

func wrapUnsynced(f logFile) logFile { return unsynced{f} }

// entry is one appended thing of a test.
type entry struct {
	batch  bool
	digest types.Hash
	id     types.BatchID
	body   []byte
}

func testEntry(i int, size int) entry {
	body := bytes.Repeat([]byte{byte(i)}, size)
	body = append(body, fmt.Sprintf("entry %d", i)...)
	id := types.BatchIDOf(body)
	return entry{batch: i%3 == 0, id: id, digest: types.Hash(id[4:]), body: body}
}

func (e entry) append(l *VertexLog) error {
	if e.batch {
		return l.AppendBatch(e.id, e.body)
	}
	return l.AppendVertex(e.digest, e.body)
}

func (e entry) read(l *VertexLog) ([]byte, error) {
	if e.batch {
		return l.Batch(e.id)
	}
	return l.Vertex(e.digest)
}

func fill(t testing.TB, l *VertexLog, from, to, size int) []entry {
	t.Helper()
	var out []entry
	for i := from; i < to; i++ {
		e := testEntry(i, size)
		if err := e.append(l); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func mustHold(t testing.TB, l *VertexLog, entries []entry) {
	t.Helper()
	pos := uint64(0)
	for i, e := range entries {
		body, err := e.read(l)
		if err != nil || !bytes.Equal(body, e.body) {
			t.Fatalf("entry %d: %q, %v", i, body, err)
		}
		if e.batch {
			continue
		}
		at, err := l.VertexAt(pos)
		if err != nil || !bytes.Equal(at, e.body) {
			t.Fatalf("position %d: %q, %v", pos, at, err)
		}
		if got, ok := l.Position(e.digest); !ok || got != pos {
			t.Fatalf("entry %d is at position %d %v, want %d", i, got, ok, pos)
		}
		pos++
	}
}

func TestVertexLogReadsBeforeAndAfterFlushAndReopen(t *testing.T) {
	dir := t.TempDir()
	l := mustOpenLog(t, dir, LogOptions{SegmentBytes: 4096})
	entries := fill(t, l, 0, 40, 200)
	mustHold(t, l, entries)
	if l.Durable() >= l.Len() {
		t.Fatalf("%d of %d vertices are durable before the last sync", l.Durable(), l.Len())
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	if l.Durable() != l.Len() {
		t.Fatalf("%d of %d vertices are durable after a sync", l.Durable(), l.Len())
	}
	mustHold(t, l, entries)
	entries = append(entries, fill(t, l, 40, 80, 200)...)
	mustHold(t, l, entries)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := mustOpenLog(t, dir, LogOptions{SegmentBytes: 4096})
	mustHold(t, again, entries)
	if again.Torn() != 0 || again.Durable() != again.Len() {
		t.Fatalf("torn %d, durable %d of %d", again.Torn(), again.Durable(), again.Len())
	}
	if n, _ := listSegments(dir); len(n) < 4 {
		t.Fatalf("%d segments, the test wants rotation", len(n))
	}
}

func TestVertexLogSyncIsOneFsyncAndOnlyWhenNeeded(t *testing.T) {
	var fsyncs int
	l := mustOpenLog(t, t.TempDir(), LogOptions{wrap: func(f logFile) logFile { return &faultFile{logFile: f, fsyncs: &fsyncs} }})
	fsyncs = 0
	fill(t, l, 0, 50, 100)
	if fsyncs != 0 {
		t.Fatalf("%d fsyncs by appending", fsyncs)
	}
	for range 3 {
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	if fsyncs != 1 || l.Syncs() != 1 {
		t.Fatalf("%d fsyncs, counter %d, want one for the whole group", fsyncs, l.Syncs())
	}
}

func TestVertexLogBound(t *testing.T) {
	dir := t.TempDir()
	l := mustOpenLog(t, dir, LogOptions{})
	if l.Bound() != 0 {
		t.Fatalf("a new log has bound %d", l.Bound())
	}
	for _, bound := range []types.Round{math.MaxUint64, 17} {
		fill(t, l, 1, 3, 10)
		if err := l.SetBound(bound); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if l = mustOpenLog(t, dir, LogOptions{}); l.Bound() != bound || l.Len() != 2 {
			t.Fatalf("bound %d and %d vertices after reopening", l.Bound(), l.Len())
		}
	}
	if r, err := l.Range(0, 1<<20); err != nil || len(r.Vertices) != 2 || len(r.Batches) != 0 {
		t.Fatalf("range %+v, %v", r, err)
	}
}

func TestVertexLogTakesARepeatOnce(t *testing.T) {
	l := mustOpenLog(t, t.TempDir(), LogOptions{})
	fill(t, l, 0, 6, 10)
	fill(t, l, 0, 6, 10)
	if l.Len() != 4 {
		t.Fatalf("%d vertices, want 4", l.Len())
	}
}

// TestVertexLogTornTail cuts the file at every byte of the unsynced tail: synced entries stay (L1), the tail goes (L2).
func TestVertexLogTornTail(t *testing.T) {
	dir := t.TempDir()
	l := mustOpenLog(t, dir, LogOptions{wrap: wrapUnsynced})
	synced := fill(t, l, 0, 9, 20)
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	durable := l.active().synced
	tail := fill(t, l, 9, 12, 20)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, segmentName(1)))
	if err != nil {
		t.Fatal(err)
	}
	for cut := durable; cut <= int64(len(file)); cut++ {
		for _, garbage := range []int{0, 7, 300} {
			crashed := append(append([]byte(nil), file[:cut]...), make([]byte, garbage)...)
			checkRecovered(t, crashed, synced, tail)
		}
	}
}

func checkRecovered(t *testing.T, crashed []byte, synced, tail []entry) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, segmentName(1))
	if err := os.WriteFile(path, crashed, 0o600); err != nil {
		t.Fatal(err)
	}
	l := mustOpenLog(t, dir, LogOptions{wrap: wrapUnsynced})
	mustHold(t, l, synced)
	kept := synced
	for _, e := range tail {
		if _, err := e.read(l); err != nil {
			break
		}
		kept = append(kept[:len(kept):len(kept)], e)
	}
	mustHold(t, l, kept)
	if want := int64(len(crashed)) - l.active().synced; l.Torn() != want {
		t.Fatalf("torn %d bytes, want %d", l.Torn(), want)
	}
	more := fill(t, l, 100, 104, 20)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	mustHold(t, mustOpenLog(t, dir, LogOptions{wrap: wrapUnsynced}), append(kept[:len(kept):len(kept)], more...))
}

// TestVertexLogFlippedBytes flips every byte of groups that a later mark covers: Open refuses, naming the file (L3).
func TestVertexLogFlippedBytes(t *testing.T) {
	dir := t.TempDir()
	l := mustOpenLog(t, dir, LogOptions{wrap: wrapUnsynced})
	fill(t, l, 0, 6, 20)
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	covered := l.active().synced
	fill(t, l, 6, 9, 20)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, segmentName(1))
	file, _ := os.ReadFile(path)
	for i := range covered {
		damaged := append([]byte(nil), file...)
		damaged[i] ^= 0x40
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		var corrupt *CorruptLogError
		_, err := OpenVertexLog(dir, LogOptions{wrap: wrapUnsynced})
		if !errors.As(err, &corrupt) || !errors.Is(err, ErrLogCorrupt) || corrupt.File != path || corrupt.Offset > i {
			t.Fatalf("byte %d flipped: %v", i, err)
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, damaged) {
			t.Fatalf("byte %d flipped: the file was changed", i)
		}
	}
}

func TestVertexLogRefusesDamageInEarlierSegments(t *testing.T) {
	for _, damage := range []func(path string) error{
		os.Remove,
		func(path string) error { return os.Truncate(path, 1000) },
		func(path string) error { return os.Truncate(path, 0) },
	} {
		dir := t.TempDir()
		l := mustOpenLog(t, dir, LogOptions{SegmentBytes: 2048})
		fill(t, l, 0, 40, 100)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := damage(filepath.Join(dir, segmentName(2))); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenVertexLog(dir, LogOptions{}); !errors.Is(err, ErrLogCorrupt) {
			t.Fatalf("opened a damaged log: %v", err)
		}
	}
}

func TestVertexLogNoticesDamageWhileOpen(t *testing.T) {
	dir := t.TempDir()
	l := mustOpenLog(t, dir, LogOptions{})
	entries := fill(t, l, 0, 3, 50)
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, segmentName(1)), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{0xff}, segmentHeaderBytes+40); err != nil {
		t.Fatal(err)
	}
	if _, err := entries[0].read(l); !errors.Is(err, ErrLogCorrupt) {
		t.Fatalf("read damaged bytes: %v", err)
	}
	if err := l.Replay(0, func(types.BatchID, []byte) error { return nil }, func(types.Hash, []byte) error { return nil }); !errors.Is(err, ErrLogCorrupt) {
		t.Fatalf("replayed damaged bytes: %v", err)
	}
}

func workUntilFault(t *testing.T, l *VertexLog, failed bool) (acknowledged []entry) {
	t.Helper()
	var waiting []entry
	for i := range 20 {
		e := testEntry(i, 100)
		err := e.append(l)
		if err == nil {
			waiting = append(waiting, e)
			if i%4 == 3 {
				if err = l.Sync(); err == nil {
					acknowledged, waiting = append(acknowledged, waiting...), nil
				}
			}
		}
		if err != nil {
			if !errors.Is(err, errInjected) {
				t.Fatal(err)
			}
			failed = true
		}
		if failed && (l.AppendVertex(types.Hash{1}, nil) == nil || l.Sync() == nil) {
			t.Fatal("the log goes on after a fault")
		}
		if failed {
			return acknowledged
		}
	}
	return acknowledged
}

func TestVertexLogRange(t *testing.T) {
	l := mustOpenLog(t, t.TempDir(), LogOptions{SegmentBytes: 3000})
	entries := fill(t, l, 0, 60, 90)
	if r, err := l.Range(l.Durable(), 1<<20); err != nil || len(r.Vertices) != 0 {
		t.Fatalf("showed unsynced vertices: %+v, %v", r, err)
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	unsynced := fill(t, l, 60, 61, 90) // a batch, as every third entry
	unsynced = append(unsynced, fill(t, l, 61, 62, 90)...)
	if l.Durable() != 40 || l.Len() != 41 {
		t.Fatalf("%d of %d vertices are durable, the test wants %d entries unsynced", l.Durable(), l.Len(), len(unsynced))
	}
	for _, limit := range []int{1, 150, 700, 1 << 20} {
		var vertices, batches [][]byte
		for from := uint64(0); ; {
			r, err := l.Range(from, limit)
			if err != nil || r.End != 40 {
				t.Fatalf("range from %d: end %d, %v", from, r.End, err)
			}
			if r.Next == from {
				break
			}
			if limit > 150 && size(r.Batches)+size(r.Vertices) > limit {
				t.Fatalf("range of %d bytes, at most %d", size(r.Batches)+size(r.Vertices), limit)
			}
			batches, vertices, from = append(batches, r.Batches...), append(vertices, r.Vertices...), r.Next
		}
		wantBatches, wantVertices := split(entries)
		if !equalBytes(vertices, wantVertices) || (limit >= 700 && !equalBytes(batches, wantBatches)) {
			t.Fatalf("limit %d: %d vertices, %d batches", limit, len(vertices), len(batches))
		}
	}
}

func size(items [][]byte) (n int) {
	for _, item := range items {
		n += len(item)
	}
	return n
}

func split(entries []entry) (batches, vertices [][]byte) {
	for _, e := range entries {
		if e.batch {
			batches = append(batches, e.body)
		} else {
			vertices = append(vertices, e.body)
		}
	}
	return batches, vertices
}

func equalBytes(a, b [][]byte) bool {
	return len(a) == len(b) && bytes.Equal(bytes.Join(a, []byte("|")), bytes.Join(b, []byte("|")))
}

func TestVertexLogReplayOrder(t *testing.T) {
	dir := t.TempDir()
	l := mustOpenLog(t, dir, LogOptions{SegmentBytes: 1000})
	entries := fill(t, l, 0, 30, 60)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = mustOpenLog(t, dir, LogOptions{})
	var got [][]byte
	keep := func(body []byte) error { got = append(got, append([]byte(nil), body...)); return nil }
	err := l.Replay(0, func(_ types.BatchID, b []byte) error { return keep(b) }, func(_ types.Hash, b []byte) error { return keep(b) })
	var want [][]byte
	for _, e := range entries {
		want = append(want, e.body)
	}
	if err != nil || !equalBytes(got, want) {
		t.Fatalf("replayed %d of %d records, %v", len(got), len(want), err)
	}
}

func TestVertexLogReadsBesideAppends(t *testing.T) {
	l := mustOpenLog(t, t.TempDir(), LogOptions{SegmentBytes: 20_000})
	var wg sync.WaitGroup
	for range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rng := rand.New(rand.NewSource(1))
			for l.Len() < 300 {
				if n := l.Len(); n > 0 {
					if _, err := l.VertexAt(uint64(rng.Int63n(int64(n)))); err != nil {
						t.Error(err)
						return
					}
				}
				if _, err := l.Range(l.Durable()/2, 5000); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	for i := range 450 {
		fill(t, l, i, i+1, 200)
		if i%20 == 0 {
			if err := l.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	wg.Wait()
}

// FuzzVertexLogRecover opens whatever bytes a file may hold: never a panic, and what is accepted reads back.
func FuzzVertexLogRecover(f *testing.F) {
	whole := segmentHeader(1, segmentStart{})
	e := testEntry(1, 10)
	whole = appendRecord(whole, kindVertex, e.digest[:], e.body)
	whole = appendMark(whole, segmentHeaderBytes)
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add(whole[:11])
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, file []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, segmentName(1)), file, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := OpenVertexLog(dir, LogOptions{})
		if err != nil {
			if !errors.Is(err, ErrLogCorrupt) {
				t.Fatal(err)
			}
			return
		}
		defer l.Close()
		for i := l.First(); i < l.Len(); i++ {
			if _, err := l.VertexAt(i); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.AppendVertex(types.Hash{9}, []byte("after")); err != nil {
			t.Fatal(err)
		}
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkVertexLogAppend(b *testing.B) {
	l := mustOpenLog(b, b.TempDir(), LogOptions{})
	body := make([]byte, 4096)
	b.SetBytes(int64(len(body)))
	for i := range b.N {
		digest := types.Hash{byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)}
		if err := l.AppendVertex(digest, body); err != nil {
			b.Fatal(err)
		}
	}
}
