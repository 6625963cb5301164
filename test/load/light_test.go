package load

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/sampling"
	"github.com/etherscale/bedrock/types"
)

// BenchmarkLight measures the time from a block's first certificate anywhere to the light client's verdict, for blocks of
// which the client decodes K rows (up to K = 64) and for blocks that it samples.
func BenchmarkLight(b *testing.B) {
	for _, c := range []struct {
		name       string
		size, rate int
		sampled    bool
	}{
		{"decoded", 250, 20, false}, // about 2.5 KB a block
		{"sampled", 4096, 96, true}, // about 192 KiB a block: K = 128
	} {
		b.Run(c.name, func(b *testing.B) { lightTrial(b, c.size, c.rate, c.sampled).report(b) })
	}
}

// verdicts is how long it took for the blocks of one kind.
type verdicts struct {
	k                     map[int]int     // blocks by K
	sinceSeen, sinceFirst []time.Duration // since the client, the first sequencer, knew the certificate
	asked, answered       int
	other                 map[string]int // verdicts that were not "available"
	missing               int            // blocks without a verdict
	length                time.Duration
	cpu                   time.Duration
}

func lightTrial(t testing.TB, size, rate int, sampled bool) *verdicts {
	const warm, length = 4 * time.Second, 24 * time.Second
	s := openSwarm(t, plan{sequencers: sequencers, peers: 2, lights: 1, payload: types.PayloadOpaque})
	s.awaitReady(t)
	g := &generator{entries: sequencers, rate: rate, work: &opaque{size: size}, submit: func(ctx context.Context, entry int, e []byte) (types.Hash, error) {
		return s.nodes[entry].Submit(ctx, e)
	}}
	start := time.Now()
	before := usage()
	g.run(context.Background(), start, length)
	v := &verdicts{k: map[int]int{}, other: map[string]int{}, length: length, cpu: usage().cpu - before.cpu}
	time.Sleep(5 * time.Second) // for the verdicts on the last blocks
	v.read(t, s, start.Add(warm), start.Add(length), sampled)
	return v
}

// read takes the blocks whose certificate was first known inside the window.
func (v *verdicts) read(t testing.TB, s *swarm, from, to time.Time, sampled bool) {
	light := sequencers + 2
	first := map[types.Height]note{}
	verdict := map[types.Height]note{}
	for _, n := range s.journal.since(0) {
		switch f := n.fact.(type) {
		case node.Certified:
			if _, ok := first[f.Header.Height]; !ok {
				first[f.Header.Height] = n
			}
		case node.Sampled:
			if n.node == light {
				verdict[f.Height] = n
			}
		}
	}
	for height, c := range first {
		header := c.fact.(node.Certified).Header
		if header.DataLength == 0 || !inside(c.at, from, to) {
			continue
		}
		p, err := coding.ParamsFor(header.DataLength)
		must(t, err)
		if (p.K > sampling.DecodeK) != sampled {
			continue
		}
		v.k[p.K]++
		n, ok := verdict[height]
		if !ok {
			v.missing++
			continue
		}
		f := n.fact.(node.Sampled)
		if f.Verdict != string(sampling.Available) {
			v.other[f.Verdict]++
			continue
		}
		v.asked += f.Asked
		v.answered += f.Answered
		v.sinceSeen = append(v.sinceSeen, f.Took)
		v.sinceFirst = append(v.sinceFirst, n.at.Sub(c.at))
	}
	sortDurations(v.sinceSeen)
	sortDurations(v.sinceFirst)
}

func (v *verdicts) report(b *testing.B) {
	if len(v.sinceFirst) == 0 {
		b.Fatalf("no block of this kind was found available: K %v, %d without a verdict, others %v", v.k, v.missing, v.other)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(milliseconds(quantile(v.sinceFirst, .5)), "verdict-p50-ms")
	b.ReportMetric(milliseconds(quantile(v.sinceFirst, .99)), "verdict-p99-ms")
	b.ReportMetric(milliseconds(quantile(v.sinceSeen, .5)), "seen-p50-ms")
	b.ReportMetric(milliseconds(quantile(v.sinceSeen, .99)), "seen-p99-ms")
	b.ReportMetric(float64(v.missing), "no-verdict")
	var w strings.Builder
	fmt.Fprintf(&w, "\nblocks by K       %v; %d available, %d without a verdict, others %v\n", v.k, len(v.sinceFirst), v.missing, v.other)
	fmt.Fprintf(&w, "since certified   p50 %.0f ms   p90 %.0f ms   p99 %.0f ms\n", milliseconds(quantile(v.sinceFirst, .5)),
		milliseconds(quantile(v.sinceFirst, .9)), milliseconds(quantile(v.sinceFirst, .99)))
	fmt.Fprintf(&w, "since seen here   p50 %.0f ms   p90 %.0f ms   p99 %.0f ms\n", milliseconds(quantile(v.sinceSeen, .5)),
		milliseconds(quantile(v.sinceSeen, .9)), milliseconds(quantile(v.sinceSeen, .99)))
	fmt.Fprintf(&w, "rows              %.1f asked, %.1f answered a block\n", float64(v.asked)/float64(len(v.sinceFirst)), float64(v.answered)/float64(len(v.sinceFirst)))
	fmt.Fprintf(&w, "CPU               %.2f cores, all nodes\n", v.cpu.Seconds()/v.length.Seconds())
	b.Log(w.String())
}
