package bucket

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// However requests fall, what is let through stays within rate * time + burst + the largest single request.
func TestSpendIsBoundedByRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := Rate{PerSecond: rapid.Float64Range(1, 1000).Draw(t, "rate"), Burst: rapid.Float64Range(1, 1000).Draw(t, "burst")}
		start := time.Unix(1_000_000, 0)
		now, through, largest := start, 0.0, 0.0
		var b Bucket
		b.Owe(now, 0, rate)
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "gap")) * time.Millisecond)
			n := rapid.Float64Range(0.1, 500).Draw(t, "n")
			if b.Spend(now, n, rate) {
				through += n
				largest = max(largest, n)
			}
		}
		if bound := rate.PerSecond*now.Sub(start).Seconds() + rate.Burst + largest; through > bound*1.000001 {
			t.Fatalf("let %v through, bound %v", through, bound)
		}
	})
}

func TestBucketRefills(t *testing.T) {
	rate := Rate{PerSecond: 10, Burst: 5}
	now := time.Unix(1_000_000, 0)
	var b Bucket
	if !b.Spend(now, 5, rate) || b.Spend(now, 1, rate) || b.Full(now, rate) {
		t.Fatal("a bucket of 5 gives 5 and then nothing")
	}
	if now = now.Add(200 * time.Millisecond); !b.Spend(now, 1, rate) {
		t.Fatal("after 0.2 s two tokens are back")
	}
	b.Owe(now, 100, rate)
	if now = now.Add(9 * time.Second); b.Spend(now, 1, rate) {
		t.Fatal("a debt of 104 is not paid after 9 s")
	}
	if now = now.Add(10 * time.Second); !b.Full(now, rate) || !b.Spend(now, 1, rate) {
		t.Fatal("a paid bucket is full again")
	}
}
