package fraud

import (
	"fmt"
	"slices"
	"sort"

	"github.com/etherscale/bedrock/types"
)

// settle moves the settled value on as far as it goes.
func (t *Tracker) settle() {
	for {
		next := t.only(t.settled.Height+1, t.settled.Value())
		if next == nil || !t.closed(next) {
			return
		}
		t.settled = next.parent
		t.remember()
		t.forget()
	}
}

// only is the one unrefuted step of a height on the value before; nil if there is none or more than one.
func (t *Tracker) only(height types.Height, before Value) *step {
	var found *step
	for _, id := range t.heights[height] {
		v := t.steps[id]
		if !v.asserted || v.refuted || id.Before != before {
			continue
		}
		if found != nil {
			return nil
		}
		found = v
	}
	return found
}

// closed reports whether a value's window is over, every block up to its end is available, and nobody knows of a challenge.
func (t *Tracker) closed(v *step) bool {
	if !v.open {
		return false
	}
	end := v.start + t.config.Window
	blocks := sort.Search(int(t.head-v.height)+1, func(i int) bool { return t.clocks[v.height+types.Height(i)].clock >= end })
	last := v.height + types.Height(blocks)
	for t.sampled < min(last, t.head) && t.config.Available(t.sampled+1) {
		t.sampled++
	}
	return last <= t.sampled && (t.config.Unchallenged == nil || t.config.Unchallenged(v.height))
}

// Due lists, ascending, the heights above the settled one whose window is over: at most so many, for which Unchallenged
// decides next.
func (t *Tracker) Due(most int) []types.Height {
	t.mu.Lock()
	defer t.mu.Unlock()
	var due []types.Height
	for before := t.settled; len(due) < most; {
		next := t.only(before.Height+1, before.Value())
		if next == nil || !next.open || next.start+t.config.Window > t.clocks[t.head].clock {
			break
		}
		due, before = append(due, next.height), next.parent
	}
	return due
}

// Settle looks again at what Available and Unchallenged decide.
func (t *Tracker) Settle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
}

// Refute marks a step as refuted that was found so before a restart.
func (t *Tracker) Refute(id Step, height types.Height) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if height <= t.settled.Height {
		return
	}
	t.step(id, height).refuted = true
	t.settle()
}

// forget drops what lies below the settled height.
func (t *Tracker) forget() {
	height := t.settled.Height
	t.sampled = max(t.sampled, height)
	delete(t.clocks, height-1)
	for key := range t.said {
		if key.height <= height {
			delete(t.said, key)
		}
	}
	for _, id := range t.heights[height] {
		delete(t.steps, id)
	}
	delete(t.heights, height)
	for _, p := range t.provers {
		kept := p.assertions[:0]
		for _, h := range p.assertions {
			if h.last > height {
				kept = append(kept, h)
				continue
			}
			p.blocks -= h.blocks
			p.bytes -= h.size
			delete(t.known, h.id)
		}
		p.assertions = kept
	}
}

// Settled is the newest settled value.
func (t *Tracker) Settled() Parent {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.settled
}

// Asserted is the newest value that is asserted: reached from the settled one by heights with exactly one unrefuted step.
func (t *Tracker) Asserted() Parent {
	t.mu.Lock()
	defer t.mu.Unlock()
	tip := t.settled
	for {
		next := t.only(tip.Height+1, tip.Value())
		if next == nil {
			return tip
		}
		tip = next.parent
	}
}

// At is the value of a height that is settled and still remembered, or asserted: exactly one unrefuted step, on settled or
// asserted ones.
func (t *Tracker) At(height types.Height) (Parent, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if height <= t.settled.Height {
		p, known := t.past[height]
		return p, known
	}
	for tip := t.settled; ; {
		next := t.only(tip.Height+1, tip.Value())
		if next == nil {
			return Parent{}, false
		}
		if tip = next.parent; tip.Height == height {
			return tip, true
		}
	}
}

// remember keeps the settled value for At; the oldest gives way.
func (t *Tracker) remember() {
	t.past[t.settled.Height] = t.settled
	if t.settled.Height >= maxPast {
		delete(t.past, t.settled.Height-maxPast)
	}
}

// Disputed reports whether a height has more than one unrefuted step on the value that is asserted before it.
func (t *Tracker) Disputed(height types.Height) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	count := map[Value]int{}
	for _, id := range t.heights[height] {
		if v := t.steps[id]; v.asserted && !v.refuted {
			if count[id.Before]++; count[id.Before] > 1 {
				return true
			}
		}
	}
	return false
}

// Standing is where a height stands.
func (t *Tracker) Standing(height types.Height) Standing {
	switch {
	case height <= t.Settled().Height:
		return StandingSettled
	case height <= t.Asserted().Height:
		return StandingAsserted
	}
	return StandingNone
}

// Values lists what is asserted of a height that is not settled yet, refuted steps included.
func (t *Tracker) Values(height types.Height) []AssertedValue {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []AssertedValue
	for _, id := range t.heights[height] {
		v := t.steps[id]
		if !v.asserted {
			continue
		}
		out = append(out, AssertedValue{Height: height, Step: id, Claim: v.parent.Claim, Provers: slices.Clone(v.provers), Refuted: v.refuted})
	}
	return out
}

// Refuted reports whether a step was refuted here.
func (t *Tracker) Refuted(s Step) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.steps[s]
	return known != nil && known.refuted
}

// Convicted reports whether a prover was convicted here.
func (t *Tracker) Convicted(prover types.PublicKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.provers[prover]
	return p != nil && p.convicted
}

// Records are the challenges verified here, oldest first.
func (t *Tracker) Records() []Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.records)
}

// Rebase trusts a newer value, for a peer that was away longer than assertions are kept and learnt it elsewhere: from the
// own execution, or from the last header of an epoch. Older values are ignored.
func (t *Tracker) Rebase(p Parent) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.clocks[p.Height]
	if p.Height <= t.settled.Height || !ok || known.digest != p.Digest {
		return fmt.Errorf("rebase to block %d, settled is %d: %w", p.Height, t.settled.Height, ErrForeignHeader)
	}
	for height := t.settled.Height + 1; height <= p.Height; height++ {
		t.settled.Height = height
		t.forget()
	}
	clear(t.past) // so that no gap leaves values behind
	t.settled = p
	t.remember()
	t.settle()
	return nil
}
