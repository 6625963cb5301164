package sampling

import (
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// budgetBurst is how much of the bound may be used at once: what was not used for so long is lost.
const budgetBurst = 5 * time.Second

// budget bounds the bytes that sampling receives: a token bucket with debt, kept as the time until when what was received
// uses the bound up. A look at a block is charged beforehand with what it may cost, so that looks at once do not overdraw it
// together, and afterwards with what it did cost. It is owned by the schedule.
type budget struct {
	rate int64 // bytes a second; 0: no bound
	paid time.Time
}

// newBudget has a second's worth to begin with.
func newBudget(rate int64, now time.Time) budget { return budget{rate, now.Add(-time.Second)} }

// wait is how long nothing may be started; 0: now.
func (b *budget) wait(now time.Time) time.Duration {
	if b.rate == 0 {
		return 0
	}
	if most := now.Add(-budgetBurst); b.paid.Before(most) {
		b.paid = most
	}
	return max(0, b.paid.Sub(now))
}

// charge takes bytes, or gives them back.
func (b *budget) charge(bytes int64) {
	if b.rate > 0 {
		b.paid = b.paid.Add(time.Duration(float64(bytes) / float64(b.rate) * float64(time.Second)))
	}
}

// expected is what a first look at a block usually costs.
func (r Rules) expected(h *types.Header) int64 {
	p, err := coding.ParamsFor(h.DataLength)
	if err != nil || p.K == 0 {
		return 0
	}
	rows := r[0].Samples
	if p.K <= DecodeK {
		rows = p.K
	}
	return int64(p.OpeningSize()) + int64(rows)*int64(p.ShardSize())
}
