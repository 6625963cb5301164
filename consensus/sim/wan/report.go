package wan

import (
	"context"
	"time"
)

// Report is what all runs of one committee size say. Delays are in units of d, the mean one-way delay.
type Report struct {
	N       int     `json:"n"`
	DelayMs float64 `json:"delayMs"` // d
	P50     float64 `json:"p50Delays"`
	P99     float64 `json:"p99Delays"`
	Batches int     `json:"batches"`
	// Unreleased batches had not left when the run ended.
	Unreleased    int     `json:"unreleased"`
	RoundMs       float64 `json:"roundMs"`
	IndirectSlots float64 `json:"indirectSlots"` // share of slots not decided directly

	Crashed       Faulty `json:"crashed"`
	HalfPublished Faulty `json:"halfPublished"`
	Slow          Faulty `json:"slow"`
	Clock         Faulty `json:"clock"`

	// PerPayloadByte is what one sequencer sends, without faults, for each byte of batches that the network orders.
	PerPayloadByte Bytes `json:"perPayloadByte"`
	// IdlePerSecond is what one sequencer sends a second when there is nothing to order.
	IdlePerSecond Bytes `json:"idleBytesPerS"`
}

// Faulty is a run with a fault.
type Faulty struct {
	P50           float64 `json:"p50Delays"`
	P99           float64 `json:"p99Delays"`
	RatioP50      float64 `json:"ratioP50"` // to the run without faults
	Unreleased    int     `json:"unreleased"`
	RoundMs       float64 `json:"roundMs"`
	IndirectSlots float64 `json:"indirectSlots"`
}

// Bytes are what one sequencer sends, by purpose.
type Bytes struct {
	Total    float64 `json:"total"`
	Vertices float64 `json:"ownVertices"`
	Others   float64 `json:"othersVertices"`
	Gossip   float64 `json:"gossipBodies"`
	Pushed   float64 `json:"pushedBodies"`
	Fetched  float64 `json:"fetches"`
}

func (t Traffic) per(unit float64) Bytes {
	return Bytes{Total: float64(t.sum()) / unit, Vertices: float64(t.Own) / unit, Others: float64(t.Others) / unit,
		Gossip: float64(t.Gossip) / unit, Pushed: float64(t.Pushed) / unit, Fetched: float64(t.Fetched) / unit}
}

// Measured plays the run without faults, one for each fault, and an idle one. progress is told what is played next.
func Measured(ctx context.Context, cfg Config, progress func(Fault)) (Report, error) {
	out := Report{N: cfg.N}
	for _, f := range []Fault{None, Crashed, HalfPublished, Slow, Clock, Idle} {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		progress(f)
		r, err := Run(cfg, f)
		if err != nil {
			return out, err
		}
		out.add(f, &r)
	}
	return out, nil
}

func (p *Report) add(f Fault, r *Result) {
	n := float64(p.N)
	if f == None {
		p.DelayMs = float64(r.Delay.Microseconds()) / 1000
		p.P50, p.P99, p.Batches, p.Unreleased = r.P50, r.P99, r.Batches, r.Unreleased
		p.RoundMs, p.IndirectSlots = r.RoundMs, r.Indirect
		p.PerPayloadByte = r.Sent.per(n * float64(r.Payload))
		return
	}
	if f == Idle {
		p.IdlePerSecond = r.Sent.per(n * r.Measured.Seconds())
		return
	}
	in := map[Fault]*Faulty{Crashed: &p.Crashed, HalfPublished: &p.HalfPublished, Slow: &p.Slow, Clock: &p.Clock}[f]
	*in = Faulty{P50: r.P50, P99: r.P99, RatioP50: r.P50 / p.P50, Unreleased: r.Unreleased, RoundMs: r.RoundMs, IndirectSlots: r.Indirect}
}

// Defaults fills the fields that are zero.
func (c Config) Defaults() Config {
	if c.Jitter == 0 {
		c.Jitter = Jitter
	}
	if c.Measure == 0 {
		c.Measure = Measure
	}
	if c.Pacing.MinRound == 0 {
		c.Pacing.MinRound = minRound
	}
	if c.Seed == 0 {
		c.Seed = 1
	}
	return c
}

// minRound is as a node sets it.
const minRound = 18 * time.Millisecond

// limits of Config.N: below 4 nobody may be faulty.
const (
	MinMembers = 4
	MaxMembers = 200
)

// MaxMeasure bounds Config.Measure.
const MaxMeasure = 10 * time.Minute
