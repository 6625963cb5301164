package coding

import (
	"crypto/sha256"
	"hash"
)

// RFC 6962 prefixes: no leaf can be passed off as a node.
const (
	leafPrefix = 0x00
	nodePrefix = 0x01
)

// tree is a complete RFC 6962 tree over a power of two of leaves, as a heap: nodes[1] is the root, the children of i are
// 2i and 2i+1, leaf j is nodes[n+j]. It takes 64 bytes a leaf.
type tree struct {
	nodes [][32]byte
}

// newTree hashes n leaves, a power of two or 0; leaf(j) is read once.
func newTree(n int, leaf func(j int) []byte) tree {
	t := seedTree(n)
	if n > 0 {
		t.grow(0, n, leaf)
	}
	return t
}

// seedTree is a tree of n leaves that is to be grown.
func seedTree(n int) tree {
	if n == 0 {
		return tree{}
	}
	return tree{nodes: make([][32]byte, 2*n)}
}

// grow hashes the leaves from..to-1, which are all those below one node, and the nodes up to that.
func (t tree) grow(from, to int, leaf func(j int) []byte) {
	n := len(t.nodes) / 2
	h := newLeafHasher()
	for j := to - 1; j >= from; j-- { // what was written last is in the cache still
		h.sum(leaf(j), &t.nodes[n+j])
	}
	for first, count := (n+from)/2, (to-from)/2; count > 0; first, count = first/2, count/2 {
		t.join(first, first+count)
	}
}

// top hashes the nodes above as many subtrees of equal size.
func (t tree) top(subtrees int) {
	for count := subtrees / 2; count > 0; count /= 2 {
		t.join(count, 2*count)
	}
}

// join hashes the nodes from..end-1, all of one level, from their children.
func (t tree) join(from, end int) {
	for i := from; i < end; i++ {
		t.nodes[i] = hashNode(&t.nodes[2*i], &t.nodes[2*i+1])
	}
}

// root is the tree's root; zero for the empty tree.
func (t tree) root() [32]byte {
	if len(t.nodes) == 0 {
		return [32]byte{}
	}
	return t.nodes[1]
}

// path lists the siblings of leaf j from the bottom up.
func (t tree) path(j int) [][32]byte {
	var path [][32]byte
	for i := len(t.nodes)/2 + j; i > 1; i /= 2 {
		path = append(path, t.nodes[i^1])
	}
	return path
}

// rootFromPath is the root that a leaf at index j claims with its path. The caller has checked that the path has the
// tree's depth and that j is within the tree: without both, one leaf could be shown at several indices.
func rootFromPath(leaf []byte, j uint32, path [][32]byte) [32]byte {
	var cur [32]byte
	newLeafHasher().sum(leaf, &cur)
	return rootFromLeaf(cur, j, path)
}

// rootFromLeaf is rootFromPath for a leaf of which only the hash is known.
func rootFromLeaf(cur [32]byte, j uint32, path [][32]byte) [32]byte {
	for i := range path {
		if j&1 == 0 {
			cur = hashNode(&cur, &path[i])
		} else {
			cur = hashNode(&path[i], &cur)
		}
		j >>= 1
	}
	return cur
}

// leafHasher hashes leaves without copying them; it is reused from leaf to leaf.
type leafHasher struct {
	h      hash.Hash
	prefix [1]byte
}

func newLeafHasher() *leafHasher {
	return &leafHasher{h: sha256.New(), prefix: [1]byte{leafPrefix}}
}

// sum writes H(0x00 || leaf) to out.
func (l *leafHasher) sum(leaf []byte, out *[32]byte) {
	l.h.Reset()
	l.h.Write(l.prefix[:])
	l.h.Write(leaf)
	l.h.Sum(out[:0])
}

func hashNode(left, right *[32]byte) [32]byte {
	var buf [65]byte
	buf[0] = nodePrefix
	copy(buf[1:], left[:])
	copy(buf[33:], right[:])
	return sha256.Sum256(buf[:])
}

// valueTree is the tree over the combinations of the data rows.
func valueTree(y [][16]byte) tree {
	return newTree(len(y), func(j int) []byte { return y[j][:] })
}
