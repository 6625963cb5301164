package pool

import "time"

const (
	// busyArrivals is how many transactions in a window of busyWindow make an entry peer busy: a hundred a second. Below
	// that there is nobody to wait for.
	busyArrivals = 10
	busyWindow   = 100 * time.Millisecond
	// longDelay is how long a transaction waits for company at most at a busy sequencer, in place of FlushDelay.
	longDelay = 20 * time.Millisecond
	// burstLead is what a batch needs to be at the other sequencers before they make their next vertices.
	burstLead = 5 * time.Millisecond
)

// company decides how long a transaction waits for others that enter at the same peer, so that they leave in one batch.
// Sequencers make vertices in bursts, and a batch that comes between two bursts waits for the next one whether it left
// early or late: a busy sequencer lets its batches go shortly before its next burst, as long as nobody waits more than
// longDelay for that. Anybody else waits for the plain delay.
type company struct {
	delay time.Duration
	burst func() time.Time // when the own next burst of vertices begins; nil, or zero time: unknown

	window   time.Time // begin of the window that is counted
	arrivals int       // in it
	before   int       // in the window before
}

// arrive counts an arrival.
func (c *company) arrive(now time.Time) {
	switch since := now.Sub(c.window); {
	case since >= 2*busyWindow || since < 0:
		c.window, c.before, c.arrivals = now, 0, 0
	case since >= busyWindow:
		c.window, c.before, c.arrivals = c.window.Add(busyWindow), c.arrivals, 0
	}
	c.arrivals++
}

// next is the burst to wait for; zero: none.
func (c *company) next() time.Time {
	if c.burst == nil || max(c.before, c.arrivals) < busyArrivals {
		return time.Time{}
	}
	return c.burst()
}

// until is when a transaction that arrived at a time leaves at the latest, if burst is next.
func (c *company) until(at, burst time.Time) time.Time {
	if burst.IsZero() {
		return at.Add(c.delay)
	}
	late := at.Add(max(longDelay, c.delay))
	if leave := burst.Add(-burstLead); leave.After(at) && leave.Before(late) {
		return leave
	}
	return late
}
