package fraud

import (
	"fmt"
	"slices"

	"github.com/etherscale/bedrock/types"
)

// AddAssertion takes an assertion after checking its signature. If the prover contradicts what it said before, the
// earlier assertion and the height of the contradiction are returned: enough for a challenge. An assertion that was not bound
// yet is bound to this tracker's headers.
func (t *Tracker) AddAssertion(s *SignedAssertion) (earlier *SignedAssertion, at types.Height, err error) {
	bond, known := t.config.Bond(s.Assertion.Prover) // before the dearer signature
	if !known || !bond.Stands {
		return nil, 0, fmt.Errorf("%s: %w", s.Assertion.Prover, ErrNotProver)
	}
	if err := s.Verify(&t.config.Rules, bond); err != nil {
		return nil, 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if earlier, at, err = t.add(s); err != nil {
		return nil, 0, err
	}
	t.settle()
	return earlier, at, nil
}

// Order notes that the block of a height ordered an assertion and executed it with success: the windows of its steps begin
// there, unless they began before. Errors are those of AddAssertion; the bond stood then, whether it does still or not.
func (t *Tracker) Order(s *SignedAssertion, height types.Height) (earlier *SignedAssertion, at types.Height, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	begin, known := t.clocks[height]
	if !known {
		return nil, 0, fmt.Errorf("ordered in block %d, certified are %d: %w", height, t.head, ErrEarly)
	}
	if earlier, at, err = t.add(s); err != nil {
		return nil, 0, err
	}
	a := &s.Assertion
	for i := range a.Blocks {
		if a.Height(i) > t.settled.Height && a.Names(i) {
			t.step(a.Step(i), a.Height(i)).begin(begin.clock)
		}
	}
	t.settle()
	return earlier, at, nil
}

// begin starts a step's window at a clock, or where it began already.
func (v *step) begin(clock uint64) {
	if !v.open || clock < v.start {
		v.open, v.start = true, clock
	}
}

// add notes an assertion, unless it did so before.
func (t *Tracker) add(s *SignedAssertion) (earlier *SignedAssertion, at types.Height, err error) {
	id, size := s.ID(), len(s.Encode())
	if t.known[id] {
		return nil, 0, nil
	}
	if err := t.admit(&s.Assertion, size); err != nil {
		return nil, 0, err
	}
	t.known[id] = true
	p := t.provers[s.Assertion.Prover]
	p.assertions = append(p.assertions, held{id: id, last: s.Assertion.Last(), blocks: len(s.Assertion.Blocks), size: size})
	p.blocks += len(s.Assertion.Blocks)
	p.bytes += size
	for i := range s.Assertion.Blocks {
		if other := t.claim(s, i); other != nil && earlier == nil {
			earlier, at = other, s.Assertion.Height(i)
		}
	}
	return earlier, at, nil
}

func (t *Tracker) admit(a *Assertion, size int) error {
	p := t.provers[a.Prover]
	if p == nil {
		p = new(standing)
	}
	switch {
	case a.Last() <= t.settled.Height:
		return fmt.Errorf("up to block %d, settled are %d: %w", a.Last(), t.settled.Height, ErrOld)
	case p.blocks+len(a.Blocks) > maxUnsettledBlocks || p.bytes+size > maxUnsettledBytes:
		return fmt.Errorf("%s: %w", a.Prover, ErrTooMany)
	}
	if known, err := t.digest(a.Last()); err != nil {
		return err
	} else if known != a.Digest {
		return fmt.Errorf("block %d: %w", a.Last(), ErrForeignHeader)
	}
	if a.digests == nil {
		headers := func(h types.Height) (types.Hash, bool) { digest, err := t.digest(h); return digest, err == nil }
		if err := a.Bind(headers); err != nil {
			return err
		}
	}
	t.provers[a.Prover] = p
	return nil
}

// digest is the header's of a height that is not below the settled one.
func (t *Tracker) digest(h types.Height) (types.Hash, error) {
	known, ok := t.clocks[h]
	if !ok {
		return types.Hash{}, fmt.Errorf("block %d, certified are %d: %w", h, t.head, ErrEarly)
	}
	return known.digest, nil
}

// claim notes what an assertion says of its block i; it returns an earlier assertion that says otherwise.
func (t *Tracker) claim(s *SignedAssertion, i int) *SignedAssertion {
	a := &s.Assertion
	height := a.Height(i)
	if height <= t.settled.Height || !a.Names(i) {
		return nil
	}
	id := a.Step(i)
	v := t.step(id, height)
	if !v.asserted {
		v.asserted, v.parent = true, a.parent(i)
		if !t.config.Ordered {
			v.begin(t.clocks[t.head].clock)
		}
	}
	if !slices.Contains(v.provers, a.Prover) {
		v.provers = append(v.provers, a.Prover)
	}
	key := saying{a.Prover, height, id.Before}
	if other := t.said[key]; other != nil {
		if contradict(&other.Assertion, a, height) {
			return other
		}
		return nil
	}
	t.said[key] = s
	return nil
}
