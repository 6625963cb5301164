package load

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/types"
)

// verifyVerb makes this test binary the child process that verifies one challenge, as `bedrock fraud verify --stdin` is.
const verifyVerb = "verify-challenge"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == verifyVerb {
		os.Exit(fraud.VerifyMain(os.Stdin, os.Stdout, fraud.Limits{}))
	}
	os.Exit(m.Run())
}

// BenchmarkChallenge lets a prover lie about every block and measures the fraud proofs that answer it: of blocks with a short chunk, and of
// blocks whose chunks are full (64 transfers, which touch 129 accounts of some 4000).
func BenchmarkChallenge(b *testing.B) {
	for _, rate := range []int{40, 250} {
		b.Run(fmt.Sprintf("transfers/%d", rate), func(b *testing.B) { challengeTrial(b, rate).report(b) })
	}
}

// refutations are what all nodes told about challenges of wrong states.
type refutations struct {
	lies         int // refuted somewhere
	nodes        int
	sizes        []int
	verify       []time.Duration // in the child process, its start included
	took, firsts []time.Duration // from the assertion's arrival: at each node that did not challenge, at the first node
}

func challengeTrial(t testing.TB, rate int) *refutations {
	const length = 20 * time.Second
	exe, err := os.Executable()
	must(t, err)
	work, alloc := newTransfers(t, sequencers, accounts, int(length.Seconds())*rate/accounts+2)
	s := openSwarm(t, plan{sequencers: sequencers, peers: 1, provers: 1, liars: 1, lights: 1, payload: types.PayloadEthereum, alloc: alloc,
		sandbox: []string{exe, verifyVerb}})
	s.awaitReady(t)
	g := &generator{entries: sequencers, rate: rate, work: work, submit: func(ctx context.Context, entry int, e []byte) (types.Hash, error) {
		return s.nodes[entry].Submit(ctx, e)
	}}
	g.run(context.Background(), time.Now(), length)
	time.Sleep(5 * time.Second) // for what is under way
	return readRefutations(s)
}

func readRefutations(s *swarm) *refutations {
	r := &refutations{nodes: len(s.nodes)}
	type lie struct {
		height types.Height
		liar   types.PublicKey
	}
	first := map[lie]time.Duration{}
	for _, n := range s.journal.since(0) {
		f, ok := n.fact.(node.Refuted)
		if !ok {
			continue
		}
		l := lie{f.Height, f.Accused}
		if old, ok := first[l]; !ok || f.Took < old {
			first[l] = f.Took
		}
		if f.Verify > 0 { // not at the challenger itself
			r.verify = append(r.verify, f.Verify)
			r.took = append(r.took, f.Took)
			r.sizes = append(r.sizes, f.Size)
		}
	}
	r.lies = len(first)
	for _, took := range first {
		r.firsts = append(r.firsts, took)
	}
	slices.Sort(r.sizes)
	sortDurations(r.verify)
	sortDurations(r.took)
	sortDurations(r.firsts)
	return r
}

func (r *refutations) report(b *testing.B) {
	if len(r.verify) == 0 {
		b.Fatalf("no challenge was verified; %d lies refuted", r.lies)
	}
	size := func(q float64) int { return r.sizes[min(int(q*float64(len(r.sizes))), len(r.sizes)-1)] }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(r.lies), "refuted-lies")
	b.ReportMetric(float64(size(.5)), "size-p50-B")
	b.ReportMetric(float64(size(1)), "size-max-B")
	b.ReportMetric(milliseconds(quantile(r.verify, .5)), "verify-p50-ms")
	b.ReportMetric(milliseconds(quantile(r.verify, .99)), "verify-p99-ms")
	b.ReportMetric(milliseconds(quantile(r.took, .5)), "refuted-p50-ms")
	b.ReportMetric(milliseconds(quantile(r.took, .99)), "refuted-p99-ms")
	var w strings.Builder
	fmt.Fprintf(&w, "\nrefuted    %d lies; %d verifications at %d nodes\n", r.lies, len(r.verify), r.nodes)
	fmt.Fprintf(&w, "size       p50 %d B   p99 %d B   max %d B\n", size(.5), size(.99), size(1))
	for _, l := range []struct {
		name string
		list []time.Duration
	}{{"verify", r.verify}, {"first", r.firsts}, {"everywhere", r.took}} {
		fmt.Fprintf(&w, "%-10s p50 %.0f ms   p90 %.0f ms   p99 %.0f ms\n", l.name, milliseconds(quantile(l.list, .5)),
			milliseconds(quantile(l.list, .9)), milliseconds(quantile(l.list, .99)))
	}
	w.WriteString("verify: in its own process, whose start counts; first, everywhere: from the wrong assertion's arrival to the verdict")
	b.Log(w.String())
}
