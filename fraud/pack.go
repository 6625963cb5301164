package fraud

import (
	"bytes"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
)

// Packed nodes are the nodes of a witness without the hashes that follow from the others: trees in pre-order, the state's
// first, in which the reference to a child that is shown is a one-byte string, shown, and the child follows. It saves 32
// bytes a node, a tenth of a challenge. References of honest nodes are empty, of 32 bytes, or lists, so none is taken for
// another.
const shown = 0x01

// packNodes packs the nodes of a witness below a root.
func packNodes(root common.Hash, nodes [][]byte) [][]byte {
	p := packer{left: make(map[common.Hash][]byte, len(nodes)), roots: []common.Hash{root}}
	for _, n := range nodes {
		p.left[crypto.Keccak256Hash(n)] = n
	}
	for len(p.roots) > 0 {
		next := p.roots[0]
		p.roots = p.roots[1:]
		p.tree(next)
	}
	for _, n := range nodes { // what the root does not lead to, which a witness has none of
		if _, ok := p.left[crypto.Keccak256Hash(n)]; ok {
			p.out = append(p.out, n)
		}
	}
	return p.out
}

type packer struct {
	left  map[common.Hash][]byte // not packed yet
	roots []common.Hash          // of trees to come
	out   [][]byte
}

func (p *packer) tree(hash common.Hash) {
	node, ok := p.left[hash]
	if !ok {
		return
	}
	delete(p.left, hash)
	place := len(p.out)
	p.out = append(p.out, node)
	items, children := references(node)
	if root, ok := storageRoot(items, children); ok {
		p.roots = append(p.roots, root)
	}
	changed := false
	for _, i := range children {
		if len(items[i]) != 33 {
			continue
		}
		child := common.Hash(items[i][1:])
		if _, ok := p.left[child]; ok {
			items[i], changed = []byte{shown}, true
			p.tree(child)
		}
	}
	if changed {
		p.out[place] = mustEncode(items)
	}
}

// references splits a node and says which of its items refer to other nodes. It returns no items if the node is none.
func references(node []byte) (items []rlp.RawValue, children []int) {
	if rlp.DecodeBytes(node, &items) != nil {
		return nil, nil
	}
	switch len(items) {
	case 17:
		for i := range 16 {
			children = append(children, i)
		}
	case 2:
		if _, path, _, err := rlp.Split(items[0]); err == nil && len(path) > 0 && path[0]&0x20 == 0 {
			children = []int{1}
		}
	}
	return items, children
}

// storageRoot is the root that a leaf of the state's trie names.
func storageRoot(items []rlp.RawValue, children []int) (common.Hash, bool) {
	if len(items) != 2 || len(children) > 0 {
		return common.Hash{}, false
	}
	_, value, _, err := rlp.Split(items[1])
	var account ethtypes.StateAccount
	if err != nil || rlp.DecodeBytes(value, &account) != nil {
		return common.Hash{}, false
	}
	return account.Root, true
}

// unpackNodes is the inverse of packNodes. It makes at most 32 bytes more of each node, and refuses, wrapping ErrInvalid,
// what omits a node that does not follow. What the nodes are worth is for checkNodes to say.
func unpackNodes(packed [][]byte) ([][]byte, error) {
	u := unpacker{packed: packed, nodes: make([][]byte, 0, len(packed))}
	for len(u.packed) > 0 {
		if _, err := u.tree(0); err != nil {
			return nil, err
		}
	}
	return u.nodes, nil
}

type unpacker struct {
	packed [][]byte // still to come
	nodes  [][]byte
}

func (u *unpacker) tree(depth int) (common.Hash, error) {
	if len(u.packed) == 0 || depth > pathNibbles {
		return common.Hash{}, badNode("a node at depth %d is said to be shown and is not", depth)
	}
	node := u.packed[0]
	u.packed = u.packed[1:]
	if bytes.IndexByte(node, shown) >= 0 {
		items, children := references(node)
		changed := false
		for _, i := range children {
			if len(items[i]) != 1 || items[i][0] != shown {
				continue
			}
			hash, err := u.tree(depth + 1)
			if err != nil {
				return common.Hash{}, err
			}
			items[i], changed = append([]byte{0xa0}, hash[:]...), true
		}
		if changed {
			node = mustEncode(items)
		}
	}
	u.nodes = append(u.nodes, node)
	return crypto.Keccak256Hash(node), nil
}
