package wan

import (
	"testing"
	"time"
)

// TestRuns: every fault's run releases what was submitted, in a time that a network of these delays allows.
func TestRuns(t *testing.T) {
	cfg := Config{N: 7, Measure: 2 * time.Second}.Defaults()
	for _, f := range []Fault{None, Crashed, HalfPublished, Slow, Clock} {
		r, err := Run(cfg, f)
		if err != nil {
			t.Fatalf("%q: %v", f, err)
		}
		if r.Batches < 50 || r.Unreleased > 0 {
			t.Errorf("%q: %d of %d batches were not released", f, r.Unreleased, r.Batches)
		}
		if r.P50 < 3 || r.P50 > 25 || r.P99 < r.P50 {
			t.Errorf("%q: p50 %.2f d, p99 %.2f d", f, r.P50, r.P99)
		}
	}
}

// TestRepeats: a run is a function of its configuration.
func TestRepeats(t *testing.T) {
	cfg := Config{N: 4, Measure: time.Second}.Defaults()
	a, errA := Run(cfg, Slow)
	b, errB := Run(cfg, Slow)
	cfg.Seed++
	c, errC := Run(cfg, Slow)
	if errA != nil || errB != nil || errC != nil || a != b {
		t.Fatalf("%+v, %v; again %+v, %v; %v", a, errA, b, errB, errC)
	}
	if a == c {
		t.Fatalf("another seed gives the same run: %+v", a)
	}
}

// TestIdle: without batches only vertices travel.
func TestIdle(t *testing.T) {
	r, err := Run(Config{N: 4, Measure: 3 * time.Second}.Defaults(), Idle)
	if err != nil {
		t.Fatal(err)
	}
	if r.Sent.Own == 0 || r.Sent.Gossip+r.Sent.Pushed > 0 || r.Batches > 0 {
		t.Fatalf("%+v", r)
	}
}

// TestDelays: every path takes 20 to 120 ms, the same both ways, and d is their mean.
func TestDelays(t *testing.T) {
	w, err := newWorld(Config{N: 20}.Defaults(), None)
	if err != nil {
		t.Fatal(err)
	}
	low, high, sum := time.Hour, time.Duration(0), time.Duration(0)
	for _, a := range w.nodes {
		for _, b := range w.nodes {
			if a == b {
				continue
			}
			d := w.geo.base(a.member, b.member)
			if back := w.geo.base(b.member, a.member); back != d {
				t.Fatalf("%v there, %v back", d, back)
			}
			low, high, sum = min(low, d), max(high, d), sum+d
		}
	}
	if low != 20*time.Millisecond || high != 120*time.Millisecond || w.geo.mean() != sum/380 {
		t.Fatalf("%v to %v, mean %v", low, high, w.geo.mean())
	}
}
