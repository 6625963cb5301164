package pool

import (
	"testing"
	"time"
)

func TestBusySequencersWaitForTheirBurst(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	burst := time.Time{}
	c := company{delay: 5 * time.Millisecond, burst: func() time.Time { return burst }}
	leaves := func(what string, arrived, want int) {
		t.Helper()
		if got := c.until(at(arrived), c.next()); got != at(want) {
			t.Errorf("%s: what arrived at %d ms leaves at %v, want %d ms", what, arrived, got.Sub(start), want)
		}
	}
	burst = at(50)
	for i := range busyArrivals - 1 {
		c.arrive(at(i))
	}
	leaves("not busy", 8, 13)
	c.arrive(at(9))
	leaves("early in the pause", 10, 30)
	leaves("a little before the burst", 40, 45)
	leaves("too late for the burst", 46, 66)
	burst = time.Time{}
	leaves("no burst to wait for", 40, 45)
	burst = at(300)
	c.arrive(at(150))
	leaves("busy in the window before", 150, 170)
	c.arrive(at(270))
	leaves("no longer busy", 270, 275)
	c.burst = nil
	for i := range busyArrivals {
		c.arrive(at(270 + i))
	}
	leaves("no sequencer", 280, 285)
}

// One wait is the outbox's: everybody who came meanwhile leaves with the first.
func TestCompanyLeavesTogether(t *testing.T) {
	start := time.Unix(1000, 0)
	o := newOutbox(5*time.Millisecond, 0)
	o.company.burst = func() time.Time { return start.Add(40 * time.Millisecond) }
	for i := range 2 * busyArrivals {
		o.add(parcel{envelope: []byte{byte(i)}, at: start.Add(time.Duration(i) * time.Millisecond)})
	}
	if due, _ := o.due(); due != start.Add(longDelay) {
		t.Fatalf("due after %v", due.Sub(start))
	}
	if o.take(start.Add(longDelay-1)) != nil || len(o.take(start.Add(longDelay))) != 2*busyArrivals {
		t.Error("not all left together, and then")
	}
}
