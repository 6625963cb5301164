package swarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/etherscale/bedrock/sampling"
)

// SamplingConfig is a measurement of sampling. Zero values mean the defaults named.
type SamplingConfig struct {
	Hosts  int // servers, members included; 100
	Dead   int // percent of them that fall silent at the moment at which a trial begins
	Trials int // 200
	Size   int // bytes of the block; 8 MiB
	Seed   uint64
	// Progress, if set, is told after each round how many trials are over.
	Progress func(done, total int)
}

// SamplingReport says what trials came to.
type SamplingReport struct {
	P50Ms float64 `json:"p50Ms"` // from seeing the header to "available", virtual time, over accepted trials
	P95Ms float64 `json:"p95Ms"`
	// Bytes are what a client received for a block, on average: rows, opening and the answers around them, doubles included.
	Bytes    int64 `json:"bytes"`
	BytesP95 int64 `json:"bytesP95"`
	// Wire and Sent are what its line carried meanwhile: handshakes, acknowledgements, headers of packets, all else it does.
	Wire     int64 `json:"wireBytes"`
	Sent     int64 `json:"sentBytes"`
	Accepted int   `json:"accepted"`
	Trials   int   `json:"trials"`
	// Escalated is how many trials needed the second rule.
	Escalated int     `json:"escalated"`
	Answered  float64 `json:"answered"` // share of the rows asked for that came
}

// FirstSamples is how many rows a client asks for at first.
var FirstSamples = sampling.Default[0].Samples

const (
	// samplingClients is how many light clients sample at once.
	samplingClients = 10
	// rest is the time between two rounds: long enough for a client to forget whom it found silent, and to look for
	// servers again.
	rest = 45 * time.Second
	// patience is how long a client may take: longer than a first attempt and the grace before "unavailable".
	patience = 40 * time.Second
)

// Sampling measures how long light clients take to find a block available, how many bytes that costs, and how often they
// do. A trial is one client that samples the block as if it had never seen it: rows drawn anew, no connection open, nobody
// known to be dead. What is warm: it knows the network as a client does that has run for a minute.
func Sampling(ctx context.Context, cfg SamplingConfig) (report SamplingReport, err error) {
	setDefault(&cfg.Hosts, 100)
	setDefault(&cfg.Trials, 200)
	setDefault(&cfg.Size, 8<<20)
	if cfg.Progress == nil {
		cfg.Progress = func(int, int) {}
	}
	Virtual(func() { report, err = samplingTrials(ctx, cfg) })
	return report, err
}

func setDefault(v *int, value int) {
	if *v == 0 {
		*v = value
	}
}

func samplingTrials(ctx context.Context, cfg SamplingConfig) (SamplingReport, error) {
	n, err := New(Config{Hosts: cfg.Hosts, Seed: cfg.Seed})
	if err != nil {
		return SamplingReport{}, err
	}
	defer n.Close()
	b, err := n.Certify(cfg.Size)
	if err != nil {
		return SamplingReport{}, err
	}
	if err := n.Place(b); err != nil {
		return SamplingReport{}, err
	}
	clients, err := n.AddLights(context.Background(), min(samplingClients, cfg.Trials))
	if err != nil {
		return SamplingReport{}, err
	}
	var samples []Sample
	// A context from outside the bubble must not be waited for inside; it is looked at between rounds.
	for len(samples) < cfg.Trials && ctx.Err() == nil {
		clients = clients[:min(len(clients), cfg.Trials-len(samples))]
		got, err := n.round(clients, b, cfg.Dead*cfg.Hosts/100)
		if err != nil {
			return SamplingReport{}, err
		}
		samples = append(samples, got...)
		cfg.Progress(len(samples), cfg.Trials)
	}
	return summarize(samples), ctx.Err()
}

// round kills some peers and has every client sample the block at once; then the dead come back.
func (n *Network) round(clients []*Light, b *Block, dead int) ([]Sample, error) {
	time.Sleep(rest)
	for _, c := range clients {
		c.HangUp()
	}
	time.Sleep(time.Second)
	killed := n.KillShare(n.Peers, dead)
	samples, errs := make([]Sample, len(clients)), make([]error, len(clients))
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() { samples[i], errs[i] = c.Sample(context.Background(), b, patience) })
	}
	wg.Wait()
	for _, p := range killed {
		p.Revive()
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("swarm: sampling: %w", err)
	}
	return samples, nil
}

func summarize(samples []Sample) SamplingReport {
	r := SamplingReport{Trials: len(samples)}
	var took []time.Duration
	var received []int64
	asked, answered := 0, 0
	for _, s := range samples {
		received = append(received, s.Rows)
		r.Bytes += s.Rows
		r.Wire += s.Received
		r.Sent += s.Sent
		asked, answered = asked+s.Asked, answered+s.Answered
		if s.Asked > FirstSamples {
			r.Escalated++
		}
		if s.Verdict == sampling.Available {
			r.Accepted++
			took = append(took, s.Took)
		}
	}
	if len(samples) > 0 {
		r.Bytes /= int64(len(samples))
		r.Wire /= int64(len(samples))
		r.Sent /= int64(len(samples))
		r.BytesP95 = percentile(received, 95)
		r.Answered = float64(answered) / float64(asked)
	}
	if len(took) > 0 {
		r.P50Ms, r.P95Ms = milliseconds(percentile(took, 50)), milliseconds(percentile(took, 95))
	}
	return r
}

// percentile is the smallest value that p percent of the values do not exceed.
func percentile[T ~int64](values []T, p int) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
