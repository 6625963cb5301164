package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/etherscale/bedrock/types"
)

func cutOf(r types.Round, position uint64) Cut {
	return Cut{Round: r, Digest: types.Hash{byte(r)}, Position: position, Own: r + 3, OwnName: types.Hash{9, byte(r)}, State: bytes.Repeat([]byte{byte(r)}, 1000)}
}

func mustHaveCuts(t *testing.T, l *VertexLog, want ...Cut) {
	t.Helper()
	cuts, err := l.Cuts()
	if err != nil {
		t.Fatal(err)
	}
	if len(cuts) != len(want) {
		t.Fatalf("%d cuts, want %d", len(cuts), len(want))
	}
	for i, c := range cuts {
		if !bytes.Equal(encodeCut(c), encodeCut(want[i])) {
			t.Fatalf("cut %d is of round %d, want %d", i, c.Round, want[i].Round)
		}
	}
}

// The two newest cuts are kept, over restarts; a damaged one is left out, and one that the log does not reach.
func TestVertexLogCuts(t *testing.T) {
	dir := t.TempDir()
	l := mustOpenLog(t, dir, LogOptions{SegmentBytes: 2048})
	fill(t, l, 0, 90, 100)
	mustHaveCuts(t, l)
	for r := types.Round(1); r <= 4; r++ {
		if err := l.SaveCut(cutOf(1024*r, uint64(10*r))); err != nil {
			t.Fatal(err)
		}
	}
	mustHaveCuts(t, l, cutOf(4096, 40), cutOf(3072, 30))
	state := cutOf(4096, 40).State
	for offset, want := range map[uint64]int{0: 300, 700: 300, 701: 299, 999: 1, 1000: 0, 1 << 62: 0} {
		piece, err := l.CutPiece(4096, offset, 300)
		if err != nil || len(piece) != want || want > 0 && !bytes.Equal(piece, state[offset:][:want]) {
			t.Fatalf("piece from %d: %d bytes, %v", offset, len(piece), err)
		}
	}
	if _, err := l.CutPiece(2048, 0, 300); !errors.Is(err, ErrNotInLog) {
		t.Fatalf("a piece of a cut that is gone: %v", err)
	}
	if l.Durable() != l.Len() {
		t.Fatal("a cut was saved before the vertices it stands on")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	newest := filepath.Join(dir, cutName(4096))
	whole, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{nil, whole[:len(whole)-1], append(bytes.Clone(whole), 0), append(bytes.Clone(whole[:500]), bytes.Repeat([]byte{7}, len(whole)-500)...)} {
		if err := os.WriteFile(newest, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		l = mustOpenLog(t, dir, LogOptions{SegmentBytes: 2048})
		mustHaveCuts(t, l, cutOf(3072, 30))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(newest+unfinished, whole, 0o600); err != nil { // a crash before the file had its name
		t.Fatal(err)
	}
	l = mustOpenLog(t, dir, LogOptions{SegmentBytes: 2048})
	mustHaveCuts(t, l, cutOf(3072, 30))
	if left, _ := filepath.Glob(filepath.Join(dir, "*"+unfinished)); len(left) > 0 {
		t.Fatalf("left over: %v", left)
	}
	if err := l.SaveCut(cutOf(5120, l.Len()+1)); err == nil {
		t.Fatal("saved a cut beyond the log's end")
	}
	if err := l.SaveCut(cutOf(5120, l.Len())); err != nil {
		t.Fatal(err)
	}
	mustHaveCuts(t, l, cutOf(5120, l.Len()), cutOf(3072, 30))
	if err := l.DropBelow(l.Len(), nil); err != nil {
		t.Fatal(err)
	}
	mustHaveCuts(t, l, cutOf(5120, l.Len()))
	if left, _ := filepath.Glob(filepath.Join(dir, "*.cut")); len(left) != 1 {
		t.Fatalf("cuts of what was dropped are left: %v", left)
	}
}

func TestVertexLogCutLimit(t *testing.T) {
	l := mustOpenLog(t, t.TempDir(), LogOptions{})
	if err := l.SaveCut(Cut{State: make([]byte, MaxCutBytes+1)}); err == nil {
		t.Fatal("saved a cut beyond the limit")
	}
}

func FuzzDecodeCut(f *testing.F) {
	f.Add(encodeCut(cutOf(3, 4)))
	f.Add(encodeCut(Cut{}))
	f.Add([]byte(cutMagic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if c, ok := decodeCut(raw); ok && !bytes.Equal(encodeCut(c), raw) {
			t.Fatalf("%x decodes to a cut that encodes differently", raw)
		}
	})
}

// ownVertex is a vertex with a receipt for each body.
func ownVertex(t *testing.T, l *VertexLog, bodies ...string) *types.Vertex {
	t.Helper()
	body := types.VertexBody{Parents: types.NewBitmap(4)}
	for i, text := range bodies {
		id := types.BatchIDOf([]byte(text))
		if err := l.AppendBatch(id, []byte(text)); err != nil {
			t.Fatal(err)
		}
		body.Receipts = append(body.Receipts, types.Receipt{Batch: id, Time: types.Time(i)})
	}
	v := types.NewVertex(types.VertexID{Version: types.Version, Round: 7}, body)
	if err := l.AppendVertex(v.Digest(), v.Encode()); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVertexLogLeap(t *testing.T) {
	dir := t.TempDir()
	opts := LogOptions{SegmentBytes: 2048}
	l := mustOpenLog(t, dir, opts)
	if err := l.SetBound(5); err != nil {
		t.Fatal(err)
	}
	fill(t, l, 0, 30, 100)
	own := ownVertex(t, l, "first", "second")
	fill(t, l, 30, 90, 100)
	if err := l.LeapTo(l.Len(), types.Hash{}); err == nil {
		t.Fatal("leapt to where the log ends")
	}
	before := t.TempDir()
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(before, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := l.LeapTo(5000, own.Digest()); err != nil {
		t.Fatal(err)
	}
	check := func(l *VertexLog, more []entry) {
		t.Helper()
		kept, err := l.VertexAt(5000)
		if err != nil || !bytes.Equal(kept, own.Encode()) || l.First() != 5000 || l.Bound() != 5 {
			t.Fatalf("own vertex %v, first %d, bound %d", err, l.First(), l.Bound())
		}
		for _, text := range []string{"first", "second"} {
			if body, err := l.Batch(types.BatchIDOf([]byte(text))); err != nil || string(body) != text {
				t.Fatalf("body of the own vertex: %v", err)
			}
		}
		pos := uint64(5001)
		for _, e := range more {
			if e.batch {
				continue
			}
			if at, err := l.VertexAt(pos); err != nil || !bytes.Equal(at, e.body) {
				t.Fatalf("position %d: %v", pos, err)
			}
			pos++
		}
		if l.Len() != pos || l.Durable() > pos {
			t.Fatalf("%d vertices, %d durable, want %d", l.Len(), l.Durable(), pos)
		}
	}
	check(l, nil)
	more := fill(t, l, 200, 230, 100)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	check(mustOpenLog(t, dir, opts), more)
	// A crash after the new segment was written and before all old ones were gone.
	files, err := filepath.Glob(filepath.Join(before, "*.vlog"))
	if err != nil {
		t.Fatal(err)
	}
	for gone := range files {
		image := t.TempDir()
		if err := os.CopyFS(image, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		for _, f := range files[gone:] {
			content, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(image, filepath.Base(f)), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		check(mustOpenLog(t, image, opts), more)
	}
}
