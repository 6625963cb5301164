package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// row is what one load showed. Counts are of transactions due in the window.
type row struct {
	Rate           int     `json:"rate"` // offered, a second
	OrderedPerS    float64 `json:"orderedPerS"`
	P50Ms          float64 `json:"p50Ms"`
	P99Ms          float64 `json:"p99Ms"` // what was never ordered counts up to the end of the load's drain
	CPUMsPerTx     float64 `json:"cpuMsPerTx"`
	Cores          float64 `json:"cores"`          // all nodes
	GeneratorCores float64 `json:"generatorCores"` // this process
	MiB            float64 `json:"mib"`            // resident in all nodes at the end of the window
	Refused        int     `json:"refused"`
	Unsent         int     `json:"unsent"` // the nodes did not read them in time
	Lost           int     `json:"lost"`   // sent, not refused, not ordered by the end
	due            int
	Reason         string `json:"reason,omitempty"` // of most refusals
}

func newRow(l load, r *record, used snapshot) *row {
	end := time.Since(r.start)
	out := &row{Rate: l.rate, Cores: used.nodes.cpu.Seconds() / l.length.Seconds(), MiB: float64(used.nodes.rss) / (1 << 20),
		GeneratorCores: used.generator.Seconds() / l.length.Seconds()}
	var latencies []time.Duration
	var inWindow int
	for i := range r.fates {
		due, at, fate := l.due(i), time.Duration(r.ordered[i].Load()), r.fates[i].Load()
		if at >= l.warm && at < l.warm+l.length {
			inWindow++
		}
		switch {
		case due < l.warm:
			continue
		case at > 0:
			latencies = append(latencies, at-due)
		case fate == refused:
			out.Refused++
		case fate == unsent:
			out.Unsent++
		default:
			out.Lost++
			latencies = append(latencies, end-due)
		}
		out.due++
	}
	slices.Sort(latencies)
	out.P50Ms, out.P99Ms = milliseconds(quantile(latencies, 0.5)), milliseconds(quantile(latencies, 0.99))
	out.OrderedPerS = float64(inWindow) / l.length.Seconds()
	if inWindow > 0 {
		out.CPUMsPerTx = milliseconds(used.nodes.cpu) / float64(inWindow)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.reasons) > 0 {
		out.Reason = slices.MaxFunc(slices.Collect(maps.Keys(r.reasons)), func(a, b string) int { return cmp.Compare(r.reasons[a], r.reasons[b]) })
	}
	return out
}

// p99Limit is the latency beyond which a rate is not held.
const p99Limit = 2 * time.Second

// held reports whether the system kept up with the rate.
func (r *row) held() bool {
	return r.OrderedPerS >= 0.95*float64(r.Rate) && r.P99Ms <= milliseconds(p99Limit) && 100*(r.Refused+r.Unsent) <= r.due
}

// quantile is the q-th quantile (nearest rank) of an ascending list; 0 of an empty one.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// String is for people.
func (r *row) String() string {
	text := fmt.Sprintf("%6d/s offered: %8.1f/s ordered, p50 %6.0f ms, p99 %6.0f ms, CPU %.3f ms/tx, %.2f + %.2f cores, %5.0f MiB", r.Rate,
		r.OrderedPerS, r.P50Ms, r.P99Ms, r.CPUMsPerTx, r.Cores, r.GeneratorCores, r.MiB)
	for _, bad := range []struct {
		what  string
		count int
	}{{"refused", r.Refused}, {"unsent", r.Unsent}, {"lost", r.Lost}} {
		if bad.count > 0 {
			text += fmt.Sprintf(", %d %s", bad.count, bad.what)
		}
	}
	if r.Reason != "" {
		text += " (" + r.Reason + ")"
	}
	return text
}
