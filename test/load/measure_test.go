package load

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/types"
)

// trial is one load at one rate.
type trial struct {
	rate         int
	warm, length time.Duration // of the run; figures are of what is due after warm
	drain        time.Duration // how long to wait afterwards for what is still on its way
}

// figures is what one trial showed.
type figures struct {
	rate                       int
	window                     time.Duration
	taken, refused, lost       int // due in the window: taken by the entry node, refused by it, taken and never certified
	ordered, certified         []time.Duration
	orderedRate, certifiedRate float64 // a second, by when it happened
	cpu, generator             time.Duration
	rounds, fsyncs             float64 // a second, of one sequencer
	blocks                     int
	rss                        uint64
	refusals                   map[string]int
	pushesLost, holdsDropped   uint64
}

// measure runs a trial on a ready swarm; all sequencers are entry nodes.
func measure(t testing.TB, s *swarm, entries int, work workload, tr trial) *figures {
	g := &generator{entries: entries, rate: tr.rate, work: work,
		submit: func(ctx context.Context, entry int, envelope []byte) (types.Hash, error) {
			return s.nodes[entry].Submit(ctx, envelope)
		}}
	start := time.Now().Add(100 * time.Millisecond)
	from, to := start.Add(tr.warm), start.Add(tr.length)
	sampler := make(chan [2]snapshot, 1)
	go func() {
		time.Sleep(time.Until(from))
		first := snap(s)
		time.Sleep(time.Until(to))
		sampler <- [2]snapshot{first, snap(s)}
	}()
	g.run(context.Background(), start, tr.length)
	window := <-sampler
	awaitDrained(s, len(g.taken), tr.drain)
	f := &figures{rate: tr.rate, window: to.Sub(from), refusals: g.refusal, rss: window[1].usage.rss}
	if n := g.behind.Load(); n > 0 {
		f.refusals["not sent, the generator was behind"] = int(n)
	}
	f.cpu = window[1].usage.cpu - window[0].usage.cpu
	f.rounds = float64(window[1].order.Order.Round-window[0].order.Order.Round) / f.window.Seconds()
	f.fsyncs = float64(window[1].order.Fsyncs-window[0].order.Fsyncs) / f.window.Seconds()
	end := snap(s).order.Driver
	f.pushesLost, f.holdsDropped = end.PushesLost+end.PushesDropped, end.HoldsDropped
	f.match(t, s, g, from, to)
	return f
}

type snapshot struct {
	usage spent
	order node.Figures
}

// snap takes the process's usage and the figures of the first sequencer.
func snap(s *swarm) snapshot {
	order, _ := s.nodes[0].Figures()
	return snapshot{usage(), order}
}

// awaitDrained waits until the first sequencer has seen as many transactions in blocks as were taken.
func awaitDrained(s *swarm, taken int, patience time.Duration) {
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		inBlocks := 0
		for _, n := range s.journal.since(0) {
			if f, ok := n.fact.(node.Executed); ok && n.node == 0 {
				inBlocks += f.Transactions
			}
		}
		if inBlocks >= taken {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond) // the last certificate reaches the other entry nodes
}

type passage struct {
	node int
	hash types.Hash
}

// match finds when each transaction was ordered and certified where it entered.
func (f *figures) match(t testing.TB, s *swarm, g *generator, from, to time.Time) {
	ordered, certified := map[passage]time.Time{}, map[passage]time.Time{}
	first := func(m map[passage]time.Time, p passage, at time.Time) {
		if old, ok := m[p]; !ok || at.Before(old) {
			m[p] = at
		}
	}
	bodies := map[types.Height][]types.Hash{}
	for _, n := range s.journal.since(0) {
		switch fact := n.fact.(type) {
		case node.Released:
			for _, h := range fact.Transactions {
				first(ordered, passage{n.node, h}, n.at)
			}
		case node.Certified:
			height := fact.Header.Height
			if _, ok := bodies[height]; !ok {
				bodies[height] = s.bodyHashes(t, height)
			}
			for _, h := range bodies[height] {
				first(certified, passage{n.node, h}, n.at)
			}
		}
	}
	for _, n := range s.journal.since(0) {
		if c, ok := n.fact.(node.Certified); ok && n.node == 0 && inside(n.at, from, to) && c.Header.DataLength > 0 {
			f.blocks++
		}
	}
	var orderedIn, certifiedIn int
	for _, tx := range g.taken {
		p := passage{tx.entry, tx.hash}
		o, wasOrdered := ordered[p]
		c, wasCertified := certified[p]
		if wasOrdered && inside(o, from, to) {
			orderedIn++
		}
		if wasCertified && inside(c, from, to) {
			certifiedIn++
		}
		if !inside(tx.due, from, to) {
			continue
		}
		f.taken++
		if wasOrdered {
			f.ordered = append(f.ordered, o.Sub(tx.due))
		}
		if !wasCertified {
			f.lost++
			continue
		}
		f.certified = append(f.certified, c.Sub(tx.due))
	}
	for _, due := range g.refused {
		if inside(due, from, to) {
			f.refused++
		}
	}
	f.orderedRate = float64(orderedIn) / f.window.Seconds()
	f.certifiedRate = float64(certifiedIn) / f.window.Seconds()
	sortDurations(f.ordered)
	sortDurations(f.certified)
}

func inside(at, from, to time.Time) bool { return !at.Before(from) && at.Before(to) }

// bodyHashes names the transactions of a block; the first sequencer has every certified one, at the latest after a fetch.
func (s *swarm) bodyHashes(t testing.TB, h types.Height) []types.Hash {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		data, err := s.nodes[0].Body(h)
		if err == nil {
			return hashesOf(data)
		}
		if time.Now().After(deadline) {
			t.Errorf("block %d was certified, and the first sequencer has no body of it: %v", h, err)
			return nil
		}
	}
}

func sortDurations(list []time.Duration) {
	sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
}

// quantile is the q-th quantile (nearest rank) of an ascending list; 0 of an empty one.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// cpuPerTx is the process's CPU time over the window for each transaction certified in it.
func (f *figures) cpuPerTx() time.Duration {
	n := f.certifiedRate * f.window.Seconds()
	if n == 0 {
		return 0
	}
	return time.Duration(float64(f.cpu) / n)
}

func (f *figures) report(b *testing.B) {
	b.ReportMetric(0, "ns/op") // one run takes as long as it was told to
	b.ReportMetric(f.orderedRate, "ordered-tx/s")
	b.ReportMetric(f.certifiedRate, "certified-tx/s")
	for _, q := range []struct {
		name  string
		value float64
	}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}} {
		b.ReportMetric(milliseconds(quantile(f.ordered, q.value)), "ordered-"+q.name+"-ms")
		b.ReportMetric(milliseconds(quantile(f.certified, q.value)), "certified-"+q.name+"-ms")
	}
	b.ReportMetric(float64(f.cpuPerTx().Microseconds()), "cpu-us/tx")
	b.ReportMetric(float64(f.generator.Nanoseconds())/1000, "generator-us/tx")
	b.ReportMetric(f.cpu.Seconds()/f.window.Seconds(), "cores")
	b.ReportMetric(f.rounds, "rounds/s")
	b.ReportMetric(f.fsyncs, "fsyncs/s")
	b.ReportMetric(float64(f.refused)/f.window.Seconds(), "refused-tx/s")
	b.ReportMetric(float64(f.lost), "lost-tx")
	b.Log("\n" + f.table())
}

// table is for people.
func (f *figures) table() string {
	var w strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&w, format+"\n", args...) }
	line("load          %d tx/s offered for %s: %d taken, %d refused, %d not certified in the end", f.rate, f.window, f.taken, f.refused, f.lost)
	line("rate          %.0f ordered/s, %.0f certified/s in %d blocks", f.orderedRate, f.certifiedRate, f.blocks)
	for _, l := range []struct {
		name string
		list []time.Duration
	}{{"ordered", f.ordered}, {"certified", f.certified}} {
		line("%-13s p50 %.0f ms   p90 %.0f ms   p99 %.0f ms   max %.0f ms", l.name, milliseconds(quantile(l.list, .5)), milliseconds(quantile(l.list, .9)),
			milliseconds(quantile(l.list, .99)), milliseconds(quantile(l.list, 1)))
	}
	line("CPU           %.2f cores, %s per certified transaction, of which the generator %s", f.cpu.Seconds()/f.window.Seconds(),
		f.cpuPerTx().Round(time.Microsecond), f.generator.Round(100*time.Nanosecond))
	line("one sequencer %.1f rounds/s, %.1f fsyncs/s of the vertex log; pushes lost %d, batches dropped %d", f.rounds, f.fsyncs, f.pushesLost, f.holdsDropped)
	line("memory        %d MiB resident, all nodes", f.rss>>20)
	for why, n := range f.refusals {
		line("refused       %d: %s", n, why)
	}
	return w.String()
}
