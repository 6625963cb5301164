package fraud

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/rlp"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// Bounds of an assertion.
const (
	MaxAssertionBytes  = 512 << 10
	MaxAssertionBlocks = 512
)

// ErrAssertion says that an assertion is not well formed or not signed by its prover.
var ErrAssertion = errors.New("invalid assertion")

// Assertion is a prover's signed word on the outcome of every block above a parent value, up to Parent.Height + blocks.
type Assertion struct {
	Version uint64
	Network types.NetworkID
	Prover  types.PublicKey
	Parent  Parent
	Blocks  []BlockClaims // of the heights after the parent's, in order; at least one
}

// Parent is the value an assertion builds on.
type Parent struct {
	Height types.Height
	Digest types.Hash      // of the header at that height
	Prefix types.Hash      // PrefixOf the claims at that height
	Claim  execution.Claim // the last claim at that height
}

// Value names the parent.
func (p *Parent) Value() Value { return valueFrom(p.Height, p.Digest, p.Prefix, p.Claim) }

// Encode is the canonical encoding, for keeping a settled value over a restart.
func (p *Parent) Encode() []byte { return mustEncode(p) }

// DecodeParent is the strict inverse of Parent.Encode.
func DecodeParent(encoded []byte) (Parent, error) {
	var p Parent
	if err := rlp.DecodeBytes(encoded, &p); err != nil {
		return Parent{}, fmt.Errorf("parent value: %w: %w", types.ErrMalformed, err)
	}
	return p, nil
}

// BlockClaims are the claims of one block.
type BlockClaims struct {
	Digest types.Hash        // of the block's header
	Claims []execution.Claim // one for each chunk; at least one
}

// SignedAssertion is an assertion as it travels.
type SignedAssertion struct {
	Assertion Assertion
	Signature types.Signature
}

// ParentOf is the parent that names a block's outcome.
func ParentOf(height types.Height, digest types.Hash, claims []execution.Claim) Parent {
	return Parent{Height: height, Digest: digest, Prefix: PrefixOf(claims), Claim: claims[len(claims)-1]}
}

// Digest is what the prover signs.
func (a *Assertion) Digest() types.Hash {
	return types.DigestOf(a.Network, types.KindAssertion, mustEncode(a))
}

// Sign signs the assertion; key is the prover's.
func (a *Assertion) Sign(key ed25519.PrivateKey) *SignedAssertion {
	return &SignedAssertion{Assertion: *a, Signature: types.SignDigest(key, a.Digest())}
}

// Last is the highest height the assertion covers.
func (a *Assertion) Last() types.Height { return a.Parent.Height + types.Height(len(a.Blocks)) }

// Height is the height of block i of the assertion.
func (a *Assertion) Height(i int) types.Height { return a.Parent.Height + 1 + types.Height(i) }

// Value is what the assertion says of its block i.
func (a *Assertion) Value(i int) Value {
	return ValueOf(a.Height(i), a.Blocks[i].Digest, a.Blocks[i].Claims)
}

// Before is the value that block i of the assertion builds on, and its last claim.
func (a *Assertion) Before(i int) (Value, execution.Claim) {
	if i == 0 {
		return a.Parent.Value(), a.Parent.Claim
	}
	claims := a.Blocks[i-1].Claims
	return a.Value(i - 1), claims[len(claims)-1]
}

// Step is what the assertion says of its block i.
func (a *Assertion) Step(i int) Step {
	before, _ := a.Before(i)
	return Step{Before: before, Value: a.Value(i)}
}

// Encode is the canonical encoding.
func (s *SignedAssertion) Encode() []byte { return mustEncode(s) }

// ID names the signed assertion as gossip does.
func (s *SignedAssertion) ID() types.BatchID { return types.BatchIDOf(s.Encode()) }

// DecodeAssertion is the strict inverse of Encode; it checks bounds, not the signature.
func DecodeAssertion(encoded []byte) (*SignedAssertion, error) {
	if len(encoded) > MaxAssertionBytes {
		return nil, fmt.Errorf("assertion of %d bytes, at most %d: %w", len(encoded), MaxAssertionBytes, ErrAssertion)
	}
	s := new(SignedAssertion)
	if err := rlp.DecodeBytes(encoded, s); err != nil {
		return nil, fmt.Errorf("assertion: %w: %w", ErrAssertion, err)
	}
	a := &s.Assertion
	if a.Version != types.Version {
		return nil, fmt.Errorf("assertion of version %d, this peer knows %d: %w", a.Version, types.Version, ErrAssertion)
	}
	if len(a.Blocks) == 0 || len(a.Blocks) > MaxAssertionBlocks {
		return nil, fmt.Errorf("assertion of %d blocks, want 1..%d: %w", len(a.Blocks), MaxAssertionBlocks, ErrAssertion)
	}
	if a.Last() < a.Parent.Height {
		return nil, fmt.Errorf("assertion beyond the last height: %w", ErrAssertion)
	}
	for i := range a.Blocks {
		if len(a.Blocks[i].Claims) == 0 {
			return nil, fmt.Errorf("assertion has no claim for block %d: %w", a.Height(i), ErrAssertion)
		}
	}
	return s, nil
}

// Verify checks network and signature.
func (s *SignedAssertion) Verify(network types.NetworkID) error {
	a := &s.Assertion
	if a.Network != network {
		return fmt.Errorf("assertion of network %s: %w", a.Network, ErrAssertion)
	}
	if err := types.CheckKey(a.Prover); err != nil {
		return fmt.Errorf("%w: %w", ErrAssertion, err)
	}
	if err := types.VerifyDigest(a.Prover, a.Digest(), s.Signature); err != nil {
		return fmt.Errorf("%w: %w", ErrAssertion, err)
	}
	return nil
}

func mustEncode(v any) []byte {
	encoded, err := rlp.EncodeToBytes(v)
	if err != nil {
		panic("fraud: a message always encodes: " + err.Error())
	}
	return encoded
}
