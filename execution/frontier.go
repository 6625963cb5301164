package execution

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"

	"github.com/etherscale/bedrock/types"
)

// ErrFrontier says that a list of hashes is no frontier of the size it is said to have.
var ErrFrontier = errors.New("frontier does not fit its size")

// Frontier is the right edge of an RFC 6962 tree over sha2-256: the roots of its perfect subtrees, largest first, one for
// each bit set in the size. The zero value is the empty tree. It is what a verifier needs to go on appending.
type Frontier struct {
	size   uint64
	hashes []types.Hash
}

// NewFrontier checks that hashes can be the frontier of a tree of size leaves; it copies them.
func NewFrontier(size uint64, hashes []types.Hash) (Frontier, error) {
	if bits.OnesCount64(size) != len(hashes) {
		return Frontier{}, fmt.Errorf("%d hashes for %d leaves: %w", len(hashes), size, ErrFrontier)
	}
	return Frontier{size: size, hashes: append([]types.Hash(nil), hashes...)}, nil
}

// Size is the number of leaves.
func (f Frontier) Size() uint64 { return f.size }

// Hashes are the subtree roots, largest subtree first; a copy.
func (f Frontier) Hashes() []types.Hash { return append([]types.Hash(nil), f.hashes...) }

// Append returns the frontier with one more leaf; f is not changed.
func (f Frontier) Append(leaf []byte) Frontier {
	hashes := f.Hashes()
	node := hashLeaf(leaf)
	for size := f.size; size&1 == 1; size >>= 1 {
		last := len(hashes) - 1
		node = hashNode(hashes[last], node)
		hashes = hashes[:last]
	}
	return Frontier{size: f.size + 1, hashes: append(hashes, node)}
}

// Root is the RFC 6962 tree head.
func (f Frontier) Root() types.Hash {
	if f.size == 0 {
		return sha256.Sum256(nil)
	}
	root := f.hashes[len(f.hashes)-1]
	for i := len(f.hashes) - 2; i >= 0; i-- {
		root = hashNode(f.hashes[i], root)
	}
	return root
}

func hashLeaf(leaf []byte) types.Hash {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(leaf)
	return types.Hash(h.Sum(nil))
}

func hashNode(left, right types.Hash) types.Hash {
	var b [65]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[33:], right[:])
	return sha256.Sum256(b[:])
}
