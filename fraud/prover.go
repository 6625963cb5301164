package fraud

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// ErrNothing says that there is nothing to assert.
var ErrNothing = errors.New("nothing to assert")

// Prover signs assertions of what its executor computed.
type Prover struct {
	key  ed25519.PrivateKey
	exec Executor
}

// NewProver makes a prover with the peer's key.
func NewProver(key ed25519.PrivateKey, exec Executor) *Prover { return &Prover{key: key, exec: exec} }

// Key is the prover's public key.
func (p *Prover) Key() types.PublicKey { return types.PublicKey(p.key.Public().(ed25519.PublicKey)) }

// Assert signs the claims of blocks parent+1 to last on the own value of parent. Fewer blocks are covered if they would
// make the assertion too long; at least one always fits.
func (p *Prover) Assert(parent, last types.Height) (*SignedAssertion, error) {
	a, err := p.claims(parent, last)
	if err != nil {
		return nil, err
	}
	signed := a.Sign(p.key)
	if size := len(signed.Encode()); size > MaxAssertionBytes {
		return nil, fmt.Errorf("claims of block %d take %d bytes, an assertion has at most %d", parent+1, size, MaxAssertionBytes)
	}
	return signed, nil
}

// Next covers what lies between the last asserted height and the head, if it holds any transaction: blocks that hold
// nothing are no reason for an assertion and are covered with the next block that does. ErrNothing if there is none.
func (p *Prover) Next(asserted types.Height) (*SignedAssertion, error) {
	head := p.exec.Height()
	for height := head; height > asserted; height-- {
		claims, err := p.exec.Claims(height)
		if err != nil {
			return nil, err
		}
		if claims[len(claims)-1].Place > 0 {
			return p.Assert(asserted, height)
		}
	}
	return nil, fmt.Errorf("blocks %d to %d: %w", asserted+1, head, ErrNothing)
}

// claims gathers the unsigned assertion.
func (p *Prover) claims(parent, last types.Height) (*Assertion, error) {
	if last <= parent {
		return nil, fmt.Errorf("blocks %d to %d: %w", parent+1, last, ErrNothing)
	}
	rules := p.exec.Rules()
	base, err := OwnParent(p.exec, parent)
	if err != nil {
		return nil, fmt.Errorf("assert on block %d: %w", parent, err)
	}
	a := &Assertion{Version: types.Version, Network: rules.Network, Prover: p.Key(), Parent: base}
	size := 1 << 10
	for height := parent + 1; height <= last && len(a.Blocks) < MaxAssertionBlocks; height++ {
		header, err := p.exec.Header(height)
		if err != nil {
			return nil, fmt.Errorf("assert block %d: %w", height, err)
		}
		claims, err := p.exec.Claims(height)
		if err != nil {
			return nil, fmt.Errorf("assert block %d: %w", height, err)
		}
		if size += 64 + 128*len(claims); size > MaxAssertionBytes && len(a.Blocks) > 0 {
			break
		}
		a.Blocks = append(a.Blocks, BlockClaims{Digest: header.Digest(), Claims: claims})
	}
	return a, nil
}
