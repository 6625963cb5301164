package sequencer

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/types"
)

// BenchmarkCluster orders opaque transactions of 512 bytes with four drivers in one process, in real time, with real
// fsyncs and 1 ms between members. The rules' block limits cap it at 5700 a second.
func BenchmarkCluster(b *testing.B) {
	for _, rate := range []int{100, 1000, 4000} { // transactions a second
		b.Run(fmt.Sprintf("rate=%d", rate), func(b *testing.B) {
			c := newCluster(b, 4, time.Millisecond)
			for _, n := range c.nodes {
				n.start(nil)
			}
			time.Sleep(500 * time.Millisecond)
			b.ResetTimer()
			for range b.N {
				c.load(b, rate, 5*time.Second)
			}
			b.StopTimer()
			for _, n := range c.nodes {
				n.kill()
			}
			time.Sleep(50 * time.Millisecond)
		})
	}
}

// load submits at the rate, at most 64 transactions a batch, and waits for all to be certified at node 0.
func (c *cluster) load(b *testing.B, rate int, span time.Duration) {
	const perBatch = 60
	batches := max(1, rate*int(span.Seconds())/perBatch)
	pause := span / time.Duration(batches)
	begin := time.Now()
	sent := make(map[string]time.Time)
	for i := range batches {
		var envelopes [][]byte
		for k := range perBatch {
			envelopes = append(envelopes, []byte(fmt.Sprintf("%d %d %d ", begin.UnixNano(), i, k)+strings.Repeat("x", 480)))
		}
		body, err := types.EncodeBatch(envelopes)
		if err != nil {
			b.Fatal(err)
		}
		infos, _ := c.nodes[0].batches.Check(body)
		sent[string(envelopes[0])] = time.Now()
		for _, n := range c.nodes {
			n.sequencer().Hold(types.BatchIDOf(body), body, infos, now(), true)
		}
		time.Sleep(time.Until(begin.Add(time.Duration(i+1) * pause)))
	}
	latencies := c.awaitLatencies(b, sent)
	sort.Slice(latencies, func(i, j int) bool { return latencies[i] < latencies[j] })
	b.ReportMetric(float64(batches*perBatch)/time.Since(begin).Seconds(), "tx/s")
	b.ReportMetric(float64(latencies[len(latencies)/2].Milliseconds()), "ms-median")
	b.ReportMetric(float64(latencies[len(latencies)*99/100].Milliseconds()), "ms-p99")
}

// awaitLatencies waits until node 0 has certified a block with each of the envelopes.
func (c *cluster) awaitLatencies(b *testing.B, sent map[string]time.Time) (latencies []time.Duration) {
	blocks, height := c.nodes[0].blocks, types.Height(0)
	for deadline := time.Now().Add(30 * time.Second); len(latencies) < len(sent); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("%d of %d batches are certified; %+v", len(latencies), len(sent), c.nodes[0].sequencer().Status())
		}
		for blocks.certified() > height {
			height++
			for _, e := range blocks.at(height) {
				if at, ok := sent[string(e)]; ok {
					latencies = append(latencies, blocks.when(height).Sub(at))
				}
			}
		}
	}
	return latencies
}
