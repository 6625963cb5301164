package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// minTurn is how long one turn of a contestant lasts at least: shorter runs are repeated within it.
const minTurn = 20 * time.Millisecond

// contestant is what is timed. Times are of one run, a turn each, in order of the rounds.
type contestant struct {
	name  string
	run   func() error
	times []time.Duration
}

// race lets the contestants take turns until the budget of wall time is spent, for three rounds at least (one if the
// budget is 0). Every other round goes backwards: what the one before leaves in memory and caches is not always the same.
func race(ctx context.Context, budget time.Duration, now func() time.Duration, contestants ...*contestant) error {
	rounds := 3
	if budget == 0 {
		rounds = 1
	}
	begin := time.Now()
	for round := 0; round < rounds || time.Since(begin) < budget; round++ {
		for i := range contestants {
			c := contestants[i]
			if round%2 == 1 {
				c = contestants[len(contestants)-1-i]
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			took, err := c.turn(now)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			c.times = append(c.times, took)
		}
	}
	return nil
}

// turn is the time of one run in one turn.
func (c *contestant) turn(now func() time.Duration) (time.Duration, error) {
	runtime.GC()
	start := now()
	for runs := 1; ; runs++ {
		if err := c.run(); err != nil {
			return 0, err
		}
		if took := now() - start; took >= minTurn {
			return took / time.Duration(runs), nil
		}
	}
}

// best is the contestant's shortest time.
func (c *contestant) best() time.Duration { return slices.Min(c.times) }

// ratio is how many times faster c is than other, the median over the rounds.
func (c *contestant) ratio(other *contestant) float64 {
	ratios := make([]float64, len(c.times))
	for i := range ratios {
		ratios[i] = float64(other.times[i]) / float64(c.times[i])
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

// clock is CPU time for one core and wall time for more.
func clock(cores int) func() time.Duration {
	if cores == 1 {
		return cpuTime
	}
	return wallTime
}

var epoch = time.Now()

func wallTime() time.Duration { return time.Since(epoch) }

// cpuTime is what the process has used so far, user and system, of all its threads.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // cannot happen: both arguments are legal
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
