package fraud

import (
	"errors"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	ethtypes "github.com/ethereum/go-ethereum/core/types"
)

func sizeOf(nodes [][]byte) (n int) {
	for _, node := range nodes {
		n += len(node)
	}
	return n
}

// Packing leaves out all hashes but those of what is not shown, and unpacking puts them back.
func TestPackedNodesComeBack(t *testing.T) {
	s := newStage(t, 100)
	packed := packNodes(s.before.Root, s.witness.Nodes)
	nodes, err := unpackNodes(packed)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(nodes, slices.Compare[[]byte])
	if !slices.EqualFunc(nodes, s.witness.Nodes, slices.Equal[[]byte]) {
		t.Fatal("other nodes come back")
	}
	saved := sizeOf(nodes) - sizeOf(packed)
	if roots := 8; saved < 32*(len(nodes)-roots) {
		t.Fatalf("%d bytes saved of %d nodes", saved, len(nodes))
	}
	if again, err := unpackNodes(s.witness.Nodes); err != nil || len(again) != len(nodes) {
		t.Fatal("nodes with all their hashes are packed, too", err)
	}
}

// A leaf that holds the number one is no reference, and what is left out must follow.
func TestPackedNodesAreStrict(t *testing.T) {
	one := list(leafPath(63), []byte{1})
	top := list(branch(map[int][]byte{0: hashOf(one), 1: make([]byte, 32)})...)
	storage := [][]byte{top, one}
	packed := packNodes(common.Hash(hashOf(top)), storage)
	if nodes, err := unpackNodes(packed); err != nil || len(nodes) != 2 || sizeOf(nodes) != sizeOf(storage) || sizeOf(packed) != sizeOf(storage)-32-1 {
		t.Fatal(nodes, err)
	}
	for name, bad := range map[string][][]byte{
		"nothing follows": {list(extPath(1), []byte{1})},
		"endless":         slices.Repeat([][]byte{list(extPath(1), []byte{1})}, 100),
		"one of two":      {list(branch(map[int][]byte{0: {1}, 9: {1}})...), one},
	} {
		if _, err := unpackNodes(bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzUnpackNodes(f *testing.F) {
	f.Add(list(branch(map[int][]byte{0: {1}, 9: {1}})...), list(leafPath(64), account(uint256.NewInt(1), ethtypes.EmptyRootHash)), list(extPath(3), []byte{1}))
	f.Add([]byte{0xc0}, []byte{1}, []byte{})
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		packed := [][]byte{a, b, c}
		nodes, err := unpackNodes(packed)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if len(nodes) != len(packed) || sizeOf(nodes) > sizeOf(packed)+40*len(packed) {
			t.Fatalf("%d nodes of %d bytes unpack to %d of %d", len(packed), sizeOf(packed), len(nodes), sizeOf(nodes))
		}
	})
}
