package coding

import (
	"crypto/sha256"
	"testing"
)

// mth is the recursive definition of RFC 6962, the slow twin of tree.
func mth(leaves [][]byte) [32]byte {
	if len(leaves) == 1 {
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	}
	left, right := mth(leaves[:len(leaves)/2]), mth(leaves[len(leaves)/2:])
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

func TestTreeIsRFC6962(t *testing.T) {
	for n := 1; n <= 64; n *= 2 {
		leaves := make([][]byte, n)
		for i := range leaves {
			leaves[i] = testData(uint64(i), 3*i)
		}
		tr := newTree(n, func(j int) []byte { return leaves[j] })
		if tr.root() != mth(leaves) {
			t.Fatalf("%d leaves: root differs from the definition", n)
		}
		for i := range leaves {
			path := tr.path(i)
			if len(path) != log2(n) {
				t.Fatalf("%d leaves: path of %d hashes", n, len(path))
			}
			for j := range uint32(n) { // a path is good for its own index only
				if got := rootFromPath(leaves[i], j, path) == tr.root(); got != (int(j) == i) {
					t.Fatalf("%d leaves: leaf %d verifies at %d: %v", n, i, j, got)
				}
			}
		}
	}
}

func TestEmptyTree(t *testing.T) {
	if newTree(0, nil).root() != [32]byte{} {
		t.Fatal("root of the empty tree is not zero")
	}
}
