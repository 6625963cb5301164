// Package bucket is a token bucket as a plain value: the caller owns it, locks it and tells it the time.
package bucket

import "time"

// Rate is how fast a bucket refills and how much it holds.
type Rate struct {
	PerSecond float64
	Burst     float64
}

// Bucket counts what was spent. Its zero value is full. It is not safe for concurrent use.
type Bucket struct {
	spent float64 // what is missing from a full bucket
	last  time.Time
}

// Spend takes n tokens if the bucket holds any and reports whether it did. A single request larger than what is left
// is let through and leaves a debt that later requests wait out; so a burst bounds the average, not the size of one.
func (b *Bucket) Spend(now time.Time, n float64, rate Rate) bool {
	b.refill(now, rate)
	if b.spent >= rate.Burst {
		return false
	}
	b.spent += n
	return true
}

// Owe takes n tokens whatever is left.
func (b *Bucket) Owe(now time.Time, n float64, rate Rate) {
	b.refill(now, rate)
	b.spent += n
}

// Full reports whether nothing is missing at the time now: a full bucket may be forgotten.
func (b *Bucket) Full(now time.Time, rate Rate) bool {
	b.refill(now, rate)
	return b.spent == 0
}

func (b *Bucket) refill(now time.Time, rate Rate) {
	if elapsed := now.Sub(b.last).Seconds(); elapsed > 0 {
		b.spent = max(0, b.spent-elapsed*rate.PerSecond)
		b.last = now
	}
}
