package fraud

import (
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// ErrNothing says that there is nothing to assert.
var ErrNothing = errors.New("nothing to assert")

// Outcome is what an executor computed for a run of blocks, in full.
type Outcome struct {
	Parent Parent
	Digest types.Hash          // of the last block's header
	Claims [][]execution.Claim // of each block after the parent
}

// OutcomeOf is the own outcome of blocks parent+1 to last. Fewer blocks are covered if an assertion of all would be too
// long; at least one always is.
func OutcomeOf(exec Executor, parent, last types.Height) (*Outcome, error) {
	if last <= parent {
		return nil, fmt.Errorf("blocks %d to %d: %w", parent+1, last, ErrNothing)
	}
	base, err := OwnParent(exec, parent)
	if err != nil {
		return nil, fmt.Errorf("assert on block %d: %w", parent, err)
	}
	o := &Outcome{Parent: base}
	for height, chunks := parent+1, 0; height <= last && len(o.Claims) < MaxAssertionBlocks; height++ {
		claims, err := exec.Claims(height)
		if err != nil {
			return nil, fmt.Errorf("assert block %d: %w", height, err)
		}
		chunks += len(claims)
		if calldataBytes(len(o.Claims)+1, chunks) > maxCalldata && len(o.Claims) > 0 {
			break
		}
		o.Claims = append(o.Claims, claims)
	}
	header, err := exec.Header(o.last())
	if err != nil {
		return nil, fmt.Errorf("assert block %d: %w", o.last(), err)
	}
	o.Digest = header.Digest()
	return o, nil
}

// maxCalldata leaves room for a transaction's other fields.
const maxCalldata = MaxAssertionBytes - 512

func (o *Outcome) last() types.Height { return o.Parent.Height + types.Height(len(o.Claims)) }

// Assertion is what a prover says of the outcome.
func (o *Outcome) Assertion(prover types.PublicKey) *Assertion {
	a := &Assertion{Prover: prover, Parent: o.Parent.Value(), ParentHeight: o.Parent.Height, Digest: o.Digest}
	for _, claims := range o.Claims {
		b := BlockClaims{Prefix: PrefixOf(claims), Last: claims[len(claims)-1]}
		for _, c := range claims[:len(claims)-1] {
			b.Masks = append(b.Masks, MaskOf(prover, c))
		}
		a.Blocks = append(a.Blocks, b)
	}
	return a
}

// Prover makes assertions of what its executor computed.
type Prover struct {
	key  types.PublicKey
	exec Executor
}

// NewProver makes the prover of a key.
func NewProver(key types.PublicKey, exec Executor) *Prover { return &Prover{key: key, exec: exec} }

// Assert asserts blocks parent+1 to last, or as many of them as an assertion holds, on the own value of parent.
func (p *Prover) Assert(parent, last types.Height) (*Assertion, error) {
	o, err := OutcomeOf(p.exec, parent, last)
	if err != nil {
		return nil, err
	}
	return o.Assertion(p.key), nil
}

// Next covers what lies between the last asserted height and the head, if it holds any transaction of users: other blocks
// are no reason for an assertion and are covered with the next block that is. ErrNothing if there is none.
func (p *Prover) Next(asserted types.Height) (*Assertion, error) {
	last, err := reason(p.exec, asserted)
	if err != nil {
		return nil, err
	}
	return p.Assert(asserted, last)
}

// reason is the newest executed block above a height that is a reason for an assertion.
func reason(exec Executor, asserted types.Height) (types.Height, error) {
	head := exec.Height()
	for height := head; height > asserted; height-- {
		idle, err := exec.Routine(height)
		if err != nil {
			return 0, err
		}
		if !idle {
			return height, nil
		}
	}
	return 0, fmt.Errorf("blocks %d to %d: %w", asserted+1, head, ErrNothing)
}
