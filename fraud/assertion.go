package fraud

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/rlp"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// Bounds of an assertion: it is one transaction.
const (
	MaxAssertionBytes  = types.MaxLoneTransactionBytes
	MaxAssertionBlocks = 512
)

// ErrAssertion says that an assertion is not well formed or not signed for its prover's bond.
var ErrAssertion = errors.New("invalid assertion")

// Assertion is a prover's word on the outcome of every block above a parent value, up to ParentHeight + blocks. It names the
// header of its last block; which headers lie below follows from that.
type Assertion struct {
	Prover       types.PublicKey
	Parent       Value // at ParentHeight
	ParentHeight types.Height
	Digest       types.Hash    // of the last block's header
	Blocks       []BlockClaims // of the heights after the parent's, in order; at least one

	digests []types.Hash // of the blocks' headers, once bound; zero where they are not known
}

// BlockClaims are the claims of one block: the last in clear, those before it masked, so that nobody can say them again who
// did not compute them.
type BlockClaims struct {
	Prefix types.Hash      // PrefixOf the claims
	Last   execution.Claim // the claim after the last chunk
	Masks  []types.Hash    // MaskOf the claims before the last
}

// MaskOf hides a claim: sha256(prover || claim hash).
func MaskOf(prover types.PublicKey, c execution.Claim) types.Hash {
	hash := c.Hash()
	return sha256.Sum256(append(prover[:], hash[:]...))
}

// Chunks is how many claims the block has.
func (b *BlockClaims) Chunks() int { return len(b.Masks) + 1 }

// says reports whether the claim after a chunk is c.
func (b *BlockClaims) says(prover types.PublicKey, chunk int, c execution.Claim) bool {
	if chunk == len(b.Masks) {
		return b.Last == c
	}
	return chunk < len(b.Masks) && b.Masks[chunk] == MaskOf(prover, c)
}

// Parent is a value with what it names.
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

// ParentOf is the parent that names a block's outcome.
func ParentOf(height types.Height, digest types.Hash, claims []execution.Claim) Parent {
	return Parent{Height: height, Digest: digest, Prefix: PrefixOf(claims), Claim: claims[len(claims)-1]}
}

// Last is the highest height the assertion covers.
func (a *Assertion) Last() types.Height { return a.ParentHeight + types.Height(len(a.Blocks)) }

// Height is the height of block i of the assertion.
func (a *Assertion) Height(i int) types.Height { return a.ParentHeight + 1 + types.Height(i) }

// Headers gives the digest of a height's header on a chain; false where it is not known.
type Headers func(types.Height) (types.Hash, bool)

// Bind places the assertion on a chain of headers: Value, Before, Step and Covers may be asked from then on, and of the
// blocks whose headers the chain knows. ErrEarly: it does not know the last yet; ErrForeignHeader: it has another.
func (a *Assertion) Bind(headers Headers) error {
	last, ok := headers(a.Last())
	switch {
	case !ok:
		return fmt.Errorf("up to block %d: %w", a.Last(), ErrEarly)
	case last != a.Digest:
		return fmt.Errorf("block %d: %w", a.Last(), ErrForeignHeader)
	}
	digests := make([]types.Hash, len(a.Blocks))
	for i := range digests {
		digests[i], _ = headers(a.Height(i))
	}
	a.digests = digests
	return nil
}

// Names reports whether the step of block i has a name: the headers of the block and of the one before are known.
func (a *Assertion) Names(i int) bool { return a.Covers(i) && (i == 0 || a.Covers(i-1)) }

// Covers reports whether the header of block i is known: only then its value has a name.
func (a *Assertion) Covers(i int) bool { return i < len(a.digests) && a.digests[i] != types.Hash{} }

// Value is what the bound assertion says of its block i.
func (a *Assertion) Value(i int) Value {
	return valueFrom(a.Height(i), a.digests[i], a.Blocks[i].Prefix, a.Blocks[i].Last)
}

// Before is the value that block i of the bound assertion builds on.
func (a *Assertion) Before(i int) Value {
	if i == 0 {
		return a.Parent
	}
	return a.Value(i - 1)
}

// Step is what the bound assertion says of its block i.
func (a *Assertion) Step(i int) Step { return Step{Before: a.Before(i), Value: a.Value(i)} }

// parent is the outcome of block i of the bound assertion, for what builds on it.
func (a *Assertion) parent(i int) Parent {
	return Parent{Height: a.Height(i), Digest: a.digests[i], Prefix: a.Blocks[i].Prefix, Claim: a.Blocks[i].Last}
}

// index finds the block of a height.
func (a *Assertion) index(height types.Height) (int, bool) {
	if height <= a.ParentHeight || height > a.Last() {
		return 0, false
	}
	return int(height - a.ParentHeight - 1), true
}

func mustEncode(v any) []byte {
	encoded, err := rlp.EncodeToBytes(v)
	if err != nil {
		panic("fraud: a message always encodes: " + err.Error())
	}
	return encoded
}
