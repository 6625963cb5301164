package fraud

import (
	"errors"
	"fmt"
)

// maxPending bounds the assertions that wait for execution; the oldest give way.
const maxPending = 256

// Challenger compares assertions with the own execution and makes challenges of wrong ones. One goroutine owns it.
type Challenger struct {
	exec    Executor
	blocks  Blocks
	trust   *Trust
	payee   [20]byte
	pending []*SignedAssertion // beyond the executed head
}

// NewChallenger makes a challenger; payee gets the reward.
func NewChallenger(exec Executor, blocks Blocks, trust *Trust, payee [20]byte) *Challenger {
	return &Challenger{exec: exec, blocks: blocks, trust: trust, payee: payee}
}

// Inspect compares one assertion. It returns a challenge if the assertion is wrong, nil if it is right or has to wait for
// execution (Advance looks again). Errors: ErrForeignParent, or why a wrong assertion could not be challenged.
func (c *Challenger) Inspect(signed *SignedAssertion) (*Challenge, error) {
	at, wrong, err := Compare(c.exec, &signed.Assertion)
	if errors.Is(err, ErrNotExecuted) {
		c.pending = append(c.pending, signed)
		if len(c.pending) > maxPending {
			c.pending = c.pending[1:]
		}
		return nil, nil
	}
	if err != nil || !wrong {
		return nil, err
	}
	challenge, err := BuildWrongState(c.exec, c.blocks, signed, at, c.payee)
	if err != nil {
		return nil, err
	}
	// A challenge that this peer itself does not believe would cost its score, and hints at a fault of its own.
	if _, err := Verify(challenge, c.trust); err != nil {
		return nil, fmt.Errorf("own challenge of block %d, chunk %d does not verify: %w", signed.Assertion.Height(at.Block), at.Chunk, err)
	}
	return challenge, nil
}

// Advance inspects the waiting assertions that execution has caught up with.
func (c *Challenger) Advance() ([]*Challenge, error) {
	waiting := c.pending
	c.pending = nil
	var challenges []*Challenge
	var problems []error
	for _, signed := range waiting {
		challenge, err := c.Inspect(signed)
		if err != nil {
			problems = append(problems, err)
		}
		if challenge != nil {
			challenges = append(challenges, challenge)
		}
	}
	return challenges, errors.Join(problems...)
}
