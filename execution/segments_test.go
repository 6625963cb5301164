package execution

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"pgregory.net/rapid"

	"github.com/etherscale/bedrock/types"
)

func never(types.Height) bool { return false }

func openTestSegments(t interface{ Fatal(...any) }, dir string, budget int64) *segments {
	s, err := openSegments(dir, budget)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What was put is there, also after a close and after the process ended without one; the last record of a height counts.
func TestSegmentsKeepTheLastRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "segments")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		s := openTestSegments(t, dir, 1<<40)
		model, next := map[types.Height][]byte{}, types.Height(1)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = openTestSegments(t, dir, 1<<40)
			case 1:
				s = openTestSegments(t, dir, 1<<40) // as after a kill: what was written is with the system
			case 2:
				next = max(1, next-types.Height(rapid.IntRange(0, 70).Draw(t, "back"))) // blocks are executed again
			default:
				payload := rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "payload")
				if err := s.Put(next, payload); err != nil {
					t.Fatal(err)
				}
				model[next] = payload
				next += types.Height(rapid.IntRange(1, 40).Draw(t, "step"))
			}
			for h, want := range model {
				if got, err := s.Get(h); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("height %d: %x, %v; want %x", h, got, err, want)
				}
			}
		}
		if _, err := s.Get(next + 1000); !errors.Is(err, ErrUnknown) {
			t.Fatal(err)
		}
	})
}

// A power cut leaves any beginning of what was not synced, or zeros in its place: what is whole stays, what is not is
// unknown, and new records follow.
func TestSegmentsSurviveTornEnds(t *testing.T) {
	dir := t.TempDir()
	s := openTestSegments(t, dir, 1<<40)
	for h := types.Height(64); h < 68; h++ {
		if err := s.Put(h, bytes.Repeat([]byte{byte(h)}, 20)); err != nil {
			t.Fatal(err)
		}
	}
	name := s.path(64)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const record = recordHead + 20
	for cut := range len(whole) + 1 {
		for _, tail := range []int{0, 5, 3 * record} {
			if err := os.WriteFile(name, append(bytes.Clone(whole[:cut]), make([]byte, tail)...), 0o600); err != nil {
				t.Fatal(err)
			}
			s := openTestSegments(t, dir, 1<<40)
			for h := types.Height(64); h < 68; h++ {
				got, err := s.Get(h)
				if kept := cut >= (int(h)-63)*record; kept != (err == nil) || kept && got[0] != byte(h) {
					t.Fatalf("cut at %d, %d zeros: height %d: %x, %v", cut, tail, h, got, err)
				} else if !kept && !errors.Is(err, ErrUnknown) {
					t.Fatal(err)
				}
			}
			if err := s.Put(68, []byte("next")); err != nil {
				t.Fatal(err)
			}
			s = openTestSegments(t, dir, 1<<40)
			if got, err := s.Get(68); err != nil || string(got) != "next" {
				t.Fatalf("cut at %d, %d zeros: what followed is %q, %v", cut, tail, got, err)
			}
		}
	}
}

func TestDamagedRecordIsUnknown(t *testing.T) {
	dir := t.TempDir()
	s := openTestSegments(t, dir, 1<<40)
	for h := types.Height(1); h < 4; h++ {
		if err := s.Put(h, []byte("payload")); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(s.path(0))
	if err != nil {
		t.Fatal(err)
	}
	whole[recordHead+7+recordHead+3] ^= 1
	if err := os.WriteFile(s.path(0), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(2); !errors.Is(err, ErrUnknown) {
		t.Fatal("a damaged record is read:", err)
	}
	if got, err := s.Get(3); err != nil || string(got) != "payload" {
		t.Fatal("what follows it is lost:", err)
	}
}

// Whole files go, oldest first, when they are old or the budget is spent; never the newest.
func TestSegmentsPrune(t *testing.T) {
	s := openTestSegments(t, t.TempDir(), 5*segmentBlocks*(recordHead+100))
	oldest := func(top types.Height) types.Height {
		t.Helper()
		for h := types.Height(1); h <= top; h++ {
			if _, err := s.Get(h); err == nil {
				return h
			} else if !errors.Is(err, ErrUnknown) {
				t.Fatal(err)
			}
		}
		return top + 1
	}
	put := func(from, to types.Height) {
		for h := from; h <= to; h++ {
			if err := s.Put(h, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(1, 4*segmentBlocks)
	if err := s.Prune(never); err != nil || oldest(4*segmentBlocks) != 1 {
		t.Fatal("pruned without need", err)
	}
	if err := s.Prune(func(last types.Height) bool { return last < 2*segmentBlocks }); err != nil || oldest(4*segmentBlocks) != 2*segmentBlocks {
		t.Fatal(oldest(4*segmentBlocks), err)
	}
	put(4*segmentBlocks+1, 9*segmentBlocks)
	if err := s.Prune(never); err != nil || oldest(9*segmentBlocks) != 5*segmentBlocks { // eight files and a record are there, five may be
		t.Fatal("budget:", oldest(9*segmentBlocks), err)
	}
	s.budget = 0
	if err := s.Prune(never); err != nil || oldest(9*segmentBlocks) != 9*segmentBlocks {
		t.Fatal("the newest file:", oldest(9*segmentBlocks), err)
	}
	if names, err := os.ReadDir(s.dir); err != nil || len(names) != 1 {
		t.Fatal("files left:", names, err)
	}
}

// The cache gives what was put under a hash, within its bytes.
func TestNodeCacheForgets(t *testing.T) {
	c := newNodeCache(20*(nodeOverhead+32), nil)
	for i := range 100 {
		hash := [32]byte{byte(i)}
		c.put(hash, bytes.Repeat([]byte{byte(i)}, 32))
		for back := range 9 { // a generation is whole until the next one is full
			if i >= back {
				if got := c.recall([32]byte{byte(i - back)}); len(got) != 32 || got[0] != byte(i-back) {
					t.Fatalf("node %d after %d: %x", i-back, i, got)
				}
			}
		}
		if held := len(c.young) + len(c.old); held > 20 {
			t.Fatalf("%d nodes held", held)
		}
	}
	if c.recall([32]byte{1}) != nil {
		t.Fatal("an old node is still there")
	}
}
