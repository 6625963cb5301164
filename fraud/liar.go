package fraud

import (
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// Lie is a way in which a dishonest prover's claim is wrong.
type Lie int

// The lies, one for each field of a claim, then the wrong numbers of claims.
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
	lies
)

// Liar is a prover that executes honestly and then claims something else: an adversary for drills, never part of an
// honest peer.
type Liar struct {
	prover *Prover
	random *rand.Rand
}

// NewLiar makes a liar that draws its lies from random.
func NewLiar(key ed25519.PrivateKey, exec Executor, random *rand.Rand) *Liar {
	return &Liar{prover: NewProver(key, exec), random: random}
}

// Key is the liar's public key.
func (l *Liar) Key() types.PublicKey { return l.prover.Key() }

// Next is Prover.Next with a random lie in a random chunk, on the honest parent.
func (l *Liar) Next(asserted types.Height) (*SignedAssertion, error) {
	honest, err := l.prover.Next(asserted)
	if err != nil {
		return nil, err
	}
	a := honest.Assertion
	block := l.random.IntN(len(a.Blocks))
	chunk := l.random.IntN(len(a.Blocks[block].Claims))
	return l.Tell(a, block, chunk, Lie(l.random.IntN(int(lies))))
}

// Tell signs a copy of an assertion with a lie in the claim of one chunk.
func (l *Liar) Tell(a Assertion, block, chunk int, lie Lie) (*SignedAssertion, error) {
	if block >= len(a.Blocks) || chunk >= len(a.Blocks[block].Claims) {
		return nil, fmt.Errorf("lie about block %d, chunk %d: %w", block, chunk, ErrNothing)
	}
	a.Prover = l.Key()
	a.Blocks = append([]BlockClaims(nil), a.Blocks...)
	claims := append([]execution.Claim(nil), a.Blocks[block].Claims...)
	last := len(claims) - 1
	switch {
	case lie == LieMissingClaim && last > 0:
		claims = claims[:last]
	case lie == LieExtraClaim:
		claims = append(claims, claims[last])
	default:
		l.corrupt(&claims[chunk], lie)
	}
	a.Blocks[block].Claims = claims
	return a.Sign(l.prover.key), nil
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
