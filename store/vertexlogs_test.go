package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/etherscale/bedrock/types"
)

func openLogs(t *testing.T, dir string) *VertexLogs {
	t.Helper()
	l, err := OpenVertexLogs(dir, LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// What the key signed is remembered over a restart, never taken back, and unknown in a new directory.
func TestVertexLogsRememberWhatWasSigned(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "vertices")
	l := openLogs(t, dir)
	for e := range types.Epoch(4) {
		if l.Unsigned(e) {
			t.Fatalf("a new directory claims that nothing was signed in epoch %d", e)
		}
	}
	for _, e := range []types.Epoch{2, 0} {
		if err := l.Signed(e); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		for e, want := range []bool{false, false, false, true, true} {
			if l.Unsigned(types.Epoch(e)) != want {
				t.Fatalf("epoch %d unsigned: %t", e, !want)
			}
		}
		l = openLogs(t, dir)
	}
	record := filepath.Join(dir, unsignedName)
	good, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 1
		if err := os.WriteFile(record, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenVertexLogs(dir, LogOptions{}); !errors.Is(err, ErrBroken) {
			t.Fatalf("byte %d damaged: %v", i, err)
		}
	}
	if err := os.WriteFile(record, good[:5], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenVertexLogs(dir, LogOptions{}); !errors.Is(err, ErrBroken) {
		t.Fatalf("record cut short: %v", err)
	}
}

// Each epoch has a log of its own; a removed one is gone, also when the removal was cut off by a crash.
func TestVertexLogsByEpoch(t *testing.T) {
	dir := t.TempDir()
	l := openLogs(t, dir)
	for _, e := range []types.Epoch{12, 3} {
		log, err := l.Open(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.SetBound(types.Round(e)); err != nil {
			t.Fatal(err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, junk := range []string{"7", "00000000004", "notes"} {
		if err := os.Mkdir(filepath.Join(dir, junk), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	want := []types.Epoch{3, 12}
	if got, err := l.Epochs(); err != nil || !slices.Equal(got, want) {
		t.Fatalf("epochs %v, %v", got, err)
	}
	log, err := l.Open(12)
	if err != nil {
		t.Fatal(err)
	}
	if log.Bound() != 12 {
		t.Fatalf("the log of epoch 12 has bound %d", log.Bound())
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Remove(3), l.Remove(5)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(l.path(12), l.path(12)+removedSuffix); err != nil { // where a crash left it
		t.Fatal(err)
	}
	l = openLogs(t, dir)
	if got, err := l.Epochs(); err != nil || len(got) != 0 {
		t.Fatalf("epochs %v, %v", got, err)
	}
	if _, err := os.Stat(l.path(12) + removedSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the removal was not finished: %v", err)
	}
}

// FuzzUnsigned: whatever stands in the record is refused, or is its one encoding.
func FuzzUnsigned(f *testing.F) {
	f.Add([]byte{})
	f.Add(encodeUnsigned(0))
	f.Add(encodeUnsigned(1 << 40))
	f.Add(append(encodeUnsigned(3), 0))
	f.Fuzz(func(t *testing.T, content []byte) {
		if e, err := decodeUnsigned(content); err == nil && !slices.Equal(encodeUnsigned(e), content) {
			t.Fatalf("%x reads as epoch %d, which is written as %x", content, e, encodeUnsigned(e))
		}
	})
}
