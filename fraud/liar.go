package fraud

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// Lie is a way in which a dishonest prover's claim is wrong.
type Lie int

// The lies, one for each field of a claim, then the wrong numbers of claims and the wrong prefix.
const (
	LieRoot Lie = iota
	LieBaseFee
	LieGas
	LiePlace
	LieTransactions
	LieLogs
	LieReceipts
	LieMissingClaim // only where a block has more than one claim; else LieRoot
	LieExtraClaim
	LiePrefix // all claims right, and a prefix that is not their hash
	lies
)

// Liar is a prover that executes honestly and then claims something else: an adversary for drills, never part of an
// honest peer.
type Liar struct {
	prover *Prover
	random *rand.Rand
}

// NewLiar makes a liar that draws its lies from random.
func NewLiar(key types.PublicKey, exec Executor, random *rand.Rand) *Liar {
	return &Liar{prover: NewProver(key, exec), random: random}
}

// Key is the liar's public key.
func (l *Liar) Key() types.PublicKey { return l.prover.key }

// Next is Prover.Next with a random lie in a random chunk, on the honest parent.
func (l *Liar) Next(asserted types.Height) (*Assertion, error) {
	last, err := reason(l.prover.exec, asserted)
	if err != nil {
		return nil, err
	}
	return l.Assert(asserted, last)
}

// Assert is Prover.Assert with a random lie in a random chunk.
func (l *Liar) Assert(parent, last types.Height) (*Assertion, error) {
	o, err := OutcomeOf(l.prover.exec, parent, last)
	if err != nil {
		return nil, err
	}
	block := l.random.IntN(len(o.Claims))
	chunk := l.random.IntN(len(o.Claims[block]))
	return l.Tell(o, block, chunk, Lie(l.random.IntN(int(lies))))
}

// Tell asserts an outcome with a lie in the claim of one chunk.
func (l *Liar) Tell(o *Outcome, block, chunk int, lie Lie) (*Assertion, error) {
	if block >= len(o.Claims) || chunk >= len(o.Claims[block]) {
		return nil, fmt.Errorf("lie about block %d, chunk %d: %w", block, chunk, ErrNothing)
	}
	told := *o
	told.Claims = slices.Clone(o.Claims)
	claims := slices.Clone(o.Claims[block])
	last := len(claims) - 1
	switch {
	case lie == LiePrefix:
	case lie == LieMissingClaim && last > 0:
		claims = claims[:last]
	case lie == LieExtraClaim:
		claims = append(claims, claims[last])
	default:
		l.corrupt(&claims[chunk], lie)
	}
	told.Claims[block] = claims
	a := told.Assertion(l.Key())
	if lie == LiePrefix {
		a.Blocks[block].Prefix[l.random.IntN(32)] ^= 1
	}
	return a, nil
}

func (l *Liar) corrupt(c *execution.Claim, lie Lie) {
	switch lie {
	case LieBaseFee:
		c.BaseFee++
	case LieGas:
		c.Gas++
	case LiePlace:
		c.Place++
	case LieTransactions:
		c.Transactions++
	case LieLogs:
		c.Logs++
	case LieReceipts:
		c.Receipts[l.random.IntN(32)] ^= 1
	default:
		c.Root[l.random.IntN(32)] ^= 1
	}
}
