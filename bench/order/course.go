package main

import (
	"context"
	"fmt"
	"time"
)

// course is what is measured of each system, and for how long.
type course struct {
	idle         time.Duration
	warm, length time.Duration // of every load
	lowRates     []int         // the last of them is where the search for the peak begins
	tries        int           // of a rate before it counts as not held
	narrowings   int           // of the search, after one rate was held and another was not
	search       time.Duration // after it no further rate is tried
	overload     int           // times the highest rate that was held
	rest         time.Duration // after an overload, before the memory is looked at again

	only  []int // if any: these rates and nothing else
	alone bool  // see network
}

var (
	fullCourse = course{idle: 4 * time.Second, warm: 2 * time.Second, length: 8 * time.Second, lowRates: []int{100, 1000}, tries: 2, narrowings: 2,
		search: 100 * time.Second, overload: 4, rest: 2 * time.Second}
	quickCourse = course{idle: time.Second, warm: time.Second, length: 2 * time.Second, lowRates: []int{1000}, tries: 1, narrowings: 1,
		search: 15 * time.Second, overload: 4, rest: time.Second}
)

// drainPatience is how long a load waits for what is under way: longer than the latency that counts as held.
const drainPatience = 3 * time.Second

// figures are the outcome for one system.
type figures struct {
	PeakTxPerS    float64 `json:"peakTxPerS"`
	CPUMsPerTx    float64 `json:"cpuMsPerTx"` // at 1,000/s, as are p50Ms and p99Ms
	P50Ms         float64 `json:"p50Ms"`
	P99Ms         float64 `json:"p99Ms"`
	OverloadShare float64 `json:"overloadShare"`

	PeakCPUMsPerTx float64 `json:"peakCpuMsPerTx"`
	IdleCores      float64 `json:"idleCores"` // all nodes, nothing sent
	StartMiB       float64 `json:"startMiB"`  // resident in all nodes before the overload
	EndMiB         float64 `json:"endMiB"`    // and after it
	Rows           []*row  `json:"rows"`      // in order of running; the last is the overload
}

// tour runs the course for one system. It owns the network, which is replaced after each load that was not held.
type tour struct {
	course
	system   system
	network  *network
	out      figures
	progress func(format string, args ...any)
}

func (t *tour) run(ctx context.Context) (_ *figures, err error) {
	defer func() { t.leave() }()
	if len(t.only) > 0 {
		return &t.out, t.some(ctx)
	}
	if err := t.enter(ctx); err != nil {
		return nil, err
	}
	if err := t.idleUse(ctx); err != nil {
		return nil, err
	}
	var low *row
	for _, rate := range t.lowRates {
		if low, err = t.load(ctx, rate); err != nil {
			return nil, err
		}
	}
	t.out.CPUMsPerTx, t.out.P50Ms, t.out.P99Ms = low.CPUMsPerTx, low.P50Ms, low.P99Ms
	best, err := t.peak(ctx, low)
	if err != nil {
		return nil, err
	}
	if best == nil {
		return nil, fmt.Errorf("%s held none of the rates", t.system.name())
	}
	t.out.PeakTxPerS, t.out.PeakCPUMsPerTx = best.OrderedPerS, best.CPUMsPerTx
	return &t.out, t.overloaded(ctx, best)
}

// some runs single rates, each on a fresh network.
func (t *tour) some(ctx context.Context) error {
	for _, rate := range t.only {
		if _, err := t.load(ctx, rate); err != nil {
			return err
		}
		t.leave()
	}
	return nil
}

// enter makes sure that there is a network.
func (t *tour) enter(ctx context.Context) (err error) {
	if t.network == nil {
		t.network, err = open(ctx, t.system, t.alone)
	}
	return err
}

func (t *tour) leave() {
	if t.network != nil {
		if err := t.network.close(); err != nil {
			t.progress("%s: %v", t.system.name(), err)
		}
		t.network = nil
	}
}

func (t *tour) idleUse(ctx context.Context) error {
	before, err := t.network.snapAt(ctx, time.Now().Add(time.Second))
	if err != nil {
		return err
	}
	after, err := t.network.snapAt(ctx, time.Now().Add(t.idle))
	if err != nil {
		return err
	}
	t.out.IdleCores = after.minus(before).nodes.cpu.Seconds() / t.idle.Seconds()
	t.progress("%-8s idle: %.3f cores", t.system.name(), t.out.IdleCores)
	return nil
}

// load runs one rate on the network there is, or on a fresh one.
func (t *tour) load(ctx context.Context, rate int) (*row, error) {
	if err := t.enter(ctx); err != nil {
		return nil, err
	}
	r, err := t.put(ctx, rate)
	if err == nil && (!r.held() || t.network.err() != nil) {
		t.leave()
	}
	return r, err
}

// put runs one rate on the network there is. A connection that breaks under it ends the row early, and the network.
func (t *tour) put(ctx context.Context, rate int) (*row, error) {
	r, err := t.network.run(ctx, load{rate, t.warm, t.length, drainPatience})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if r == nil {
		return nil, err
	}
	if err != nil {
		r.Reason = err.Error()
	}
	t.out.Rows = append(t.out.Rows, r)
	t.progress("%-8s %s", t.system.name(), r)
	return r, nil
}

// peak searches the highest rate that is held, beginning at one that has run; nil if there is none.
func (t *tour) peak(ctx context.Context, first *row) (*row, error) {
	s := search{narrowings: t.narrowings}
	s.judge(first)
	for begin := time.Now(); time.Since(begin) < t.search; {
		rate := s.next()
		if rate == 0 {
			break
		}
		r, err := t.try(ctx, rate)
		if err != nil {
			return nil, err
		}
		s.judge(r)
	}
	return s.best, nil
}

// try runs a rate until it is held, at most as often as the course says: a neighbour on this machine may have spoilt one.
func (t *tour) try(ctx context.Context, rate int) (r *row, err error) {
	for range t.tries {
		if r, err = t.load(ctx, rate); err != nil || r.held() {
			break
		}
	}
	return r, err
}

// overloaded offers far more than was held.
func (t *tour) overloaded(ctx context.Context, best *row) error {
	if err := t.enter(ctx); err != nil {
		return err
	}
	before, err := usage(t.network.nodes)
	if err != nil {
		return err
	}
	r, err := t.put(ctx, t.overload*best.Rate)
	if err != nil {
		return err
	}
	time.Sleep(t.rest)
	after, err := usage(t.network.nodes)
	if err != nil {
		return err
	}
	t.out.OverloadShare = r.OrderedPerS / t.out.PeakTxPerS
	t.out.StartMiB, t.out.EndMiB = float64(before.rss)/(1<<20), float64(after.rss)/(1<<20)
	return nil
}
