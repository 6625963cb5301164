package main

import (
	"fmt"
	"math"
	"time"
)

// course is what is measured of each system, and for how long.
type course struct {
	idle         time.Duration
	warm, length time.Duration // of every load
	lowRates     []int         // the last of them is where the search for the peak begins
	most         int           // rates tried in the search at most, the first one not counted
	narrowings   int           // of them, after one rate was held and another was not
	overload     int           // times the highest rate that was held
	rest         time.Duration // after an overload, before the memory is looked at again
}

var (
	fullCourse = course{idle: 4 * time.Second, warm: 2 * time.Second, length: 8 * time.Second, lowRates: []int{100, 1000}, most: 9, narrowings: 2,
		overload: 4, rest: 2 * time.Second}
	quickCourse = course{idle: time.Second, warm: time.Second, length: 2 * time.Second, lowRates: []int{1000}, most: 3, narrowings: 1, overload: 4,
		rest: time.Second}
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

func (t *tour) run() (_ *figures, err error) {
	defer func() { t.leave() }()
	if err := t.enter(); err != nil {
		return nil, err
	}
	if err := t.idleUse(); err != nil {
		return nil, err
	}
	var low *row
	for _, rate := range t.lowRates {
		if low, err = t.load(rate); err != nil {
			return nil, err
		}
	}
	t.out.CPUMsPerTx, t.out.P50Ms, t.out.P99Ms = low.CPUMsPerTx, low.P50Ms, low.P99Ms
	best, err := t.peak(low)
	if err != nil {
		return nil, err
	}
	if best == nil {
		return nil, fmt.Errorf("%s held none of the rates", t.system.name())
	}
	t.out.PeakTxPerS, t.out.PeakCPUMsPerTx = best.OrderedPerS, best.CPUMsPerTx
	return &t.out, t.overloaded(best)
}

// enter makes sure that there is a network.
func (t *tour) enter() (err error) {
	if t.network == nil {
		t.network, err = open(t.system)
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

func (t *tour) idleUse() error {
	before, err := t.network.snapAt(time.Now().Add(time.Second))
	if err != nil {
		return err
	}
	after, err := t.network.snapAt(time.Now().Add(t.idle))
	if err != nil {
		return err
	}
	t.out.IdleCores = after.minus(before).nodes.cpu.Seconds() / t.idle.Seconds()
	t.progress("%-8s idle: %.3f cores", t.system.name(), t.out.IdleCores)
	return nil
}

// load runs one rate on the network there is, or on a fresh one.
func (t *tour) load(rate int) (*row, error) {
	if err := t.enter(); err != nil {
		return nil, err
	}
	r, err := t.network.run(load{rate, t.warm, t.length, drainPatience})
	if r == nil {
		return nil, err
	}
	if err != nil { // a connection broke under the load: what was seen until then counts
		r.Reason = err.Error()
	}
	t.out.Rows = append(t.out.Rows, r)
	t.progress("%-8s %s", t.system.name(), r)
	if err != nil || !r.held() {
		t.leave()
	}
	return r, nil
}

// peak searches the highest rate that is held, beginning at one that has run; nil if there is none.
func (t *tour) peak(first *row) (best *row, err error) {
	var high int // the lowest rate that was not held; 0: none yet
	judge := func(r *row) {
		if r.held() && (best == nil || r.Rate > best.Rate) {
			best = r
		} else if !r.held() && (high == 0 || r.Rate < high) {
			high = r.Rate
		}
	}
	judge(first)
	narrowed := 0
	for range t.most {
		rate := high / 2
		if best != nil && high == 0 {
			rate = 2 * best.Rate
		} else if best != nil {
			if narrowed++; narrowed > t.narrowings {
				break
			}
			rate = int(math.Sqrt(float64(best.Rate) * float64(high)))
		}
		r, err := t.load(rate)
		if err != nil {
			return nil, err
		}
		judge(r)
	}
	return best, nil
}

// overloaded offers far more than was held.
func (t *tour) overloaded(best *row) error {
	if err := t.enter(); err != nil {
		return err
	}
	before, err := usage(t.network.nodes)
	if err != nil {
		return err
	}
	r, err := t.network.run(load{t.overload * best.Rate, t.warm, t.length, drainPatience})
	if r == nil {
		return err
	}
	t.out.Rows = append(t.out.Rows, r)
	t.progress("%-8s %s", t.system.name(), r)
	time.Sleep(t.rest)
	after, err := usage(t.network.nodes)
	if err != nil {
		return err
	}
	t.out.OverloadShare = r.OrderedPerS / t.out.PeakTxPerS
	t.out.StartMiB, t.out.EndMiB = float64(before.rss)/(1<<20), float64(after.rss)/(1<<20)
	return nil
}
