package node

import (
	"strings"
	"testing"
	"time"
)

func TestPaceSaysARangeOnceItIsStable(t *testing.T) {
	p, now := new(Pace), time.Unix(1_800_000_000, 0)
	s := Sync{Stage: StageBlocks, Total: 10_000}
	step := func(more uint64) {
		now = now.Add(paceStep)
		s.Done += more
		p.Note(s, now)
	}
	p.Note(s, now)
	for i := range 2 {
		step(100)
		if _, _, known := p.Left(s); known {
			t.Fatalf("an estimate after %d steps", i+1)
		}
	}
	step(200)
	least, most, known := p.Left(s) // 9,600 left, at 10 to 20 a second
	if !known || least != 480*time.Second || most != 960*time.Second {
		t.Fatalf("%v to %v, %v", least, most, known)
	}
	if words := p.Words(s); words != "executing blocks, 4 %, about 8m0s to 16m0s left" {
		t.Fatal(words)
	}
	step(0) // it stands still: nobody can tell
	if _, _, known := p.Left(s); known {
		t.Fatal("an estimate for what stands still")
	}
	for range 7 {
		step(100)
	}
	if least, most, known = p.Left(s); !known || least != most || least != 890*time.Second { // what was a minute ago counts no more
		t.Fatalf("%v to %v, %v", least, most, known)
	}
	s = Sync{Stage: StageDone, Done: 5, Total: 5}
	p.Note(s, now.Add(time.Hour))
	if words := p.Words(s); words != "up to date" {
		t.Fatal(words)
	}
	if words := p.Words(Sync{Stage: StageHeaders}); strings.Contains(words, "%") {
		t.Fatalf("a share of nobody knows what: %s", words)
	}
}

// TestEveryStageHasWords: each stage is told in words of its own, those without a total without a share.
func TestEveryStageHasWords(t *testing.T) {
	seen := map[string]bool{}
	for _, stage := range []string{StageHeaders, StageState, StageBuild, StageBodies, StageBlocks, StageDone} {
		words := new(Pace).Words(Sync{Stage: stage})
		if len(words) < 5 || seen[words] || strings.Contains(words, "%") {
			t.Errorf("%s: %q", stage, words)
		}
		seen[words] = true
	}
}

func TestHeadersAreEstimatedByTime(t *testing.T) {
	if s := headersSync(1000, 1000*time.Second, 500*time.Second); s.Done != 1000 || s.Total != 1500 {
		t.Fatalf("%+v", s)
	}
	if s := headersSync(0, 0, time.Hour); s.Total != 0 || s.Stage != StageHeaders {
		t.Fatalf("%+v", s)
	}
}
