package fraud

import (
	"bytes"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
)

// maxBalanceBits bounds balances in a witness: no honest state has more, and below it no sum overflows.
const maxBalanceBits = 128

// pathNibbles is the depth of every leaf: keys are Keccak hashes.
const pathNibbles = 64

// trieKind says what a trie's leaves hold.
type trieKind uint8

const (
	accountTrie trieKind = iota
	storageTrie
)

// visit is a place at which a node is checked.
type visit struct {
	hash   common.Hash
	depth  int
	kind   trieKind
	branch bool
}

// place is where in its trie a node lies. Leaves hold what is left of their paths, so in honest tries a node that occurs
// twice lies equally deep in both places, in tries of one kind. What differs is refused, so that each node is checked once.
type place struct {
	depth   int
	kind    trieKind
	checked [2]bool // where anything may stand, where a branch must
}

// nodeChecker proves that a set of nodes is a part of a Merkle Patricia state trie as an honest peer builds it. The root
// comes from whoever is accused, so hashes alone prove nothing, and the trie library trusts what it reads.
type nodeChecker struct {
	nodes map[common.Hash][]byte
	seen  map[common.Hash]place
}

// CheckNodes is what every set of trie nodes from a stranger goes through before a trie library reads it, whatever it is
// for; the root may be anybody's.
func CheckNodes(root common.Hash, nodes [][]byte) error { return checkNodes(root, nodes) }

// checkNodes refuses, wrapping ErrInvalid, any set that has a node which is not canonical RLP of a legal shape, lies at an
// impossible depth, is not reached from root, or occurs twice. Nodes may be absent; execution finds out whether they are
// needed.
func checkNodes(root common.Hash, nodes [][]byte) error {
	c := &nodeChecker{nodes: make(map[common.Hash][]byte, len(nodes)), seen: make(map[common.Hash]place, len(nodes))}
	for _, n := range nodes {
		hash := crypto.Keccak256Hash(n)
		if _, twice := c.nodes[hash]; twice {
			return badNode("node %s occurs twice", hash)
		}
		c.nodes[hash] = n
	}
	if root != ethtypes.EmptyRootHash {
		if err := c.follow(visit{hash: root}); err != nil {
			return err
		}
	}
	if len(c.seen) != len(nodes) {
		return badNode("%d of %d nodes are not part of the state", len(nodes)-len(c.seen), len(nodes))
	}
	return nil
}

func badNode(format string, args ...any) error {
	return fmt.Errorf("witness: "+format+": %w", append(args, ErrInvalid)...)
}

// follow checks the node behind a hash, if it is shown.
func (c *nodeChecker) follow(v visit) error {
	node, shown := c.nodes[v.hash]
	if !shown {
		return nil
	}
	at, again := c.seen[v.hash]
	if again && (at.depth != v.depth || at.kind != v.kind) {
		return badNode("node %s lies at depths %d and %d", v.hash, at.depth, v.depth)
	}
	as := 0
	if v.branch {
		as = 1
	}
	if at.checked[as] {
		return nil
	}
	at.depth, at.kind, at.checked[as] = v.depth, v.kind, true
	c.seen[v.hash] = at
	if v.depth > 0 && len(node) < 32 {
		return badNode("node %s is short and should be embedded", v.hash)
	}
	return c.node(node, v)
}

// node checks one encoded node at a place.
func (c *nodeChecker) node(encoded []byte, v visit) error {
	content, rest, err := rlp.SplitList(encoded)
	if err != nil || len(rest) > 0 {
		return badNode("node at depth %d is not one canonical list", v.depth)
	}
	items, err := rlp.CountValues(content)
	if err != nil {
		return badNode("node at depth %d has malformed items", v.depth)
	}
	switch {
	case items == 17:
		return c.branchNode(content, v)
	case items == 2 && !v.branch:
		return c.shortNode(content, v)
	}
	return badNode("node of %d items at depth %d", items, v.depth)
}

func (c *nodeChecker) branchNode(content []byte, v visit) error {
	if v.depth >= pathNibbles {
		return badNode("branch at depth %d", v.depth)
	}
	children := 0
	for range 16 {
		present, rest, err := c.child(content, visit{depth: v.depth + 1, kind: v.kind})
		if err != nil {
			return err
		}
		if present {
			children++
		}
		content = rest
	}
	if children < 2 {
		return badNode("branch with %d children", children)
	}
	if !bytes.Equal(content, []byte{0x80}) {
		return badNode("branch with a value")
	}
	return nil
}

// child checks the reference at the start of content: empty, a hash, or an embedded node.
func (c *nodeChecker) child(content []byte, v visit) (present bool, rest []byte, err error) {
	kind, value, rest, err := rlp.Split(content)
	if err != nil {
		return false, nil, badNode("malformed reference")
	}
	switch {
	case kind == rlp.String && len(value) == 0:
		return false, rest, nil
	case kind == rlp.String && len(value) == 32:
		v.hash = common.Hash(value)
		return true, rest, c.follow(v)
	case kind == rlp.List:
		raw := content[:len(content)-len(rest)]
		if len(raw) >= 32 {
			return false, nil, badNode("embedded node of %d bytes", len(raw))
		}
		return true, rest, c.node(raw, v)
	}
	return false, nil, badNode("reference of %d bytes", len(value))
}

func (c *nodeChecker) shortNode(content []byte, v visit) error {
	kind, key, rest, err := rlp.Split(content)
	if err != nil || kind == rlp.List || len(key) == 0 || key[0] >= 0x40 {
		return badNode("malformed path")
	}
	leaf, odd := key[0]&0x20 != 0, key[0]&0x10 != 0
	if !odd && key[0]&0x0f != 0 {
		return badNode("path padding is not zero")
	}
	nibbles := 2 * (len(key) - 1)
	if odd {
		nibbles++
	}
	v.depth += nibbles
	switch {
	case leaf && v.depth != pathNibbles:
		return badNode("leaf at depth %d", v.depth)
	case leaf:
		return c.leaf(rest, v)
	case nibbles == 0 || v.depth >= pathNibbles:
		return badNode("extension of %d nibbles to depth %d", nibbles, v.depth)
	}
	v.branch = true
	present, _, err := c.child(rest, v)
	if err == nil && !present {
		err = badNode("empty extension")
	}
	return err
}

func (c *nodeChecker) leaf(content []byte, v visit) error {
	kind, value, _, err := rlp.Split(content)
	if err != nil || kind == rlp.List {
		return badNode("malformed leaf")
	}
	if v.kind == storageTrie {
		return checkSlot(value)
	}
	var account ethtypes.StateAccount
	if err := rlp.DecodeBytes(value, &account); err != nil {
		return badNode("account: %v", err)
	}
	if len(account.CodeHash) != 32 || account.Balance.BitLen() > maxBalanceBits {
		return badNode("account with a balance of %d bits and a code hash of %d bytes", account.Balance.BitLen(), len(account.CodeHash))
	}
	if account.Root == ethtypes.EmptyRootHash {
		return nil
	}
	return c.follow(visit{hash: account.Root, kind: storageTrie})
}

// checkSlot wants the RLP of 1..32 bytes without leading zeros.
func checkSlot(value []byte) error {
	kind, word, rest, err := rlp.Split(value)
	if err != nil || kind == rlp.List || len(rest) > 0 || len(word) == 0 || len(word) > 32 || word[0] == 0 {
		return badNode("malformed storage value")
	}
	return nil
}
