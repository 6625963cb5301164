package sim

import (
	"math"
	"slices"
	"time"

	"github.com/etherscale/bedrock/types"
)

// delay draws how long one message takes.
func (w *world) delay(from *machine) time.Duration {
	n := &w.m.Network
	d := time.Duration(float64(ms(n.Delay)) * math.Exp(float64(n.Sigma)/100*w.weather.NormFloat64()))
	if w.healed {
		return min(d, ms(4*n.Delay))
	}
	if n.Spike > 0 && w.weather.IntN(1000) < n.Spike {
		d += time.Duration(w.weather.Int64N(int64(ms(n.SpikeTime)) + 1))
	}
	for _, s := range w.m.Slow {
		if s.Member == from.person {
			d += ms(s.Extra)
		}
	}
	return d
}

// lost draws whether a message is lost.
func (w *world) lost() bool {
	return !w.healed && w.m.Network.Loss > 0 && w.weather.IntN(100) < w.m.Network.Loss
}

// cut reports whether the link carries nothing now.
func (w *world) cut(from, to *machine) bool {
	if w.healed {
		return false
	}
	now := int((w.now - begin) / 1000)
	for i := range w.m.Partitions {
		p := &w.m.Partitions[i]
		if now < p.From || now >= p.Until {
			continue
		}
		if p.separates(from, to) || !p.OneWay && p.separates(to, from) {
			return true
		}
	}
	return false
}

// separates reports whether from is in A and to in B.
func (p *Partition) separates(from, to *machine) bool {
	if !slices.Contains(p.A, from.person) {
		return false
	}
	if len(p.B) == 0 {
		return !slices.Contains(p.A, to.person)
	}
	return slices.Contains(p.B, to.person)
}

// carry takes a message from one machine to another: it may be cut off, lost, late or doubled. The receiver's life is the
// one it has when the message arrives.
func (w *world) carry(from, to *machine, extra time.Duration, deliver func()) {
	if from == to || w.cut(from, to) || w.lost() {
		return
	}
	copies := 1
	if !w.healed && w.m.Network.Duplicate > 0 && w.weather.IntN(100) < w.m.Network.Duplicate {
		copies = 2
	}
	for range copies {
		w.after(w.delay(from)+extra, func() {
			if to.up {
				deliver()
			}
		})
	}
}

// schedule is what an adversary in the network adds to a vertex's way: the first slot's vertex reaches a part of the
// committee late, another part each round.
func (e *era) schedule(v *types.Vertex, to *node) time.Duration {
	w := e.w
	if !w.m.Network.Scheduler || w.healed || e.leader(v.Round()) != v.Author() {
		return 0
	}
	if (uint64(to.member)+uint64(v.Round()))%3 == 0 {
		return 0
	}
	return ms(100)
}
