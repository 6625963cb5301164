package fraud

import (
	"bytes"
	"math/rand/v2"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/execution"
)

// crafter rewrites a witness from its root down as an accused prover might have crafted its state: it keeps most of what the
// transactions need, so that they run, and puts made-up nodes beside.
type crafter struct {
	random *rand.Rand
	rate   float64 // of places where something is made up
	legal  bool    // only what CheckNodes lets pass
	honest map[common.Hash][]byte
	out    map[common.Hash][]byte
	made   [][]byte // nodes made up so far
	again  map[common.Hash]common.Hash
	code   []byte // of every contract, instead of its own
}

func craft(witness execution.Witness, root common.Hash, random *rand.Rand, rate float64, legal bool) (common.Hash, [][]byte) {
	return newCrafter(witness, random, rate, legal).craft(root)
}

func newCrafter(witness execution.Witness, random *rand.Rand, rate float64, legal bool) *crafter {
	c := &crafter{random: random, rate: rate, legal: legal, honest: map[common.Hash][]byte{}, out: map[common.Hash][]byte{}, again: map[common.Hash]common.Hash{}}
	for _, n := range witness.Nodes {
		c.honest[crypto.Keccak256Hash(n)] = n
	}
	return c
}

func (c *crafter) craft(root common.Hash) (common.Hash, [][]byte) {
	crafted := c.rewrite(root, 0, accountTrie)
	var nodes [][]byte
	for _, n := range c.out {
		nodes = append(nodes, n)
	}
	return crafted, nodes
}

// rewrite returns the hash of a node like the one behind hash.
func (c *crafter) rewrite(hash common.Hash, depth int, kind trieKind) common.Hash {
	node, ok := c.honest[hash]
	if !ok {
		return hash
	}
	if done, ok := c.again[hash]; ok {
		return done
	}
	var items []rlp.RawValue
	if err := rlp.DecodeBytes(node, &items); err != nil {
		panic(err)
	}
	if len(items) == 17 {
		for i, item := range items[:16] {
			items[i] = c.below(item, depth+1, kind)
		}
	} else {
		c.short(items, depth, kind)
	}
	done := c.keep(must(rlp.EncodeToBytes(items)))
	c.again[hash] = done
	return done
}

// short rewrites a leaf or an extension in place.
func (c *crafter) short(items []rlp.RawValue, depth int, kind trieKind) {
	var path []byte
	if err := rlp.DecodeBytes(items[0], &path); err != nil {
		panic(err)
	}
	depth += 2*(len(path)-1) + int(path[0]>>4&1)
	switch leaf := path[0]&0x20 != 0; {
	case !leaf:
		items[1] = c.below(items[1], depth, kind)
	case kind == accountTrie:
		var value []byte
		var account ethtypes.StateAccount
		if rlp.DecodeBytes(items[1], &value) != nil || rlp.DecodeBytes(value, &account) != nil {
			panic("not an account")
		}
		account.Root = c.rewrite(account.Root, 0, storageTrie)
		if c.code != nil && !bytes.Equal(account.CodeHash, ethtypes.EmptyCodeHash[:]) {
			account.CodeHash = crypto.Keccak256(c.code)
		}
		items[1] = must(rlp.EncodeToBytes(must(rlp.EncodeToBytes(&account))))
	}
}

// below rewrites a reference, or makes up what stands there.
func (c *crafter) below(item rlp.RawValue, depth int, kind trieKind) rlp.RawValue {
	empty, hash := len(item) == 1 && item[0] == 0x80, len(item) == 33 && item[0] == 0xa0
	switch {
	case c.random.Float64() < c.rate && (empty || c.random.IntN(20) == 0) && depth > 1:
		return c.invent(depth, kind)
	case hash:
		return must(rlp.EncodeToBytes(c.rewrite(common.Hash(item[1:]), depth, kind)))
	}
	return item
}

func (c *crafter) keep(node []byte) common.Hash {
	hash := crypto.Keccak256Hash(node)
	c.out[hash] = node
	return hash
}

// refer is a reference to a node: embedded if it is short.
func (c *crafter) refer(node []byte) rlp.RawValue {
	if len(node) < 32 {
		return node
	}
	c.made = append(c.made, node)
	return must(rlp.EncodeToBytes(c.keep(node)))
}

// invent makes up a node for a depth: one that hashes correctly and is no part of an honest trie, or, if legal, might be.
func (c *crafter) invent(depth int, kind trieKind) rlp.RawValue {
	right := c.leaf(64-depth, kind)
	missing := must(rlp.EncodeToBytes(crypto.Keccak256(right)))
	if c.legal {
		switch c.random.IntN(3) {
		case 0:
			return missing
		case 1:
			return c.refer(right)
		}
		return c.refer(list(c.children(2+c.random.IntN(15), func() rlp.RawValue { return c.refer(c.leaf(63-depth, kind)) })...))
	}
	hollow := rlp.RawValue(list(extPath(1+c.random.IntN(6)), []byte{}))
	switch c.random.IntN(12) {
	case 0:
		return hollow
	case 1: // sixteen extensions with an empty child
		return c.refer(list(c.children(16, func() rlp.RawValue { return hollow })...))
	case 2:
		return c.refer(list(extPath(1+c.random.IntN(4)), c.refer(list(extPath(2), missing))))
	case 3:
		return c.refer(c.leaf(c.random.IntN(70), kind))
	case 4:
		return c.refer(list(append(c.children(16, func() rlp.RawValue { return missing })[:16], right)...))
	case 5:
		return c.refer(list(c.children(1, func() rlp.RawValue { return missing })...))
	case 6:
		if len(c.made) > 0 { // shared, at any depth
			return c.refer(c.made[c.random.IntN(len(c.made))])
		}
		return missing
	case 7:
		return c.refer(append(bytes.Clone(right), byte(c.random.Uint32())))
	case 8:
		return c.refer(nested(1 + c.random.IntN(2000)))
	case 9:
		wrong := bytes.Clone(right)
		wrong[c.random.IntN(len(wrong))] ^= 1 << c.random.IntN(8)
		return c.refer(wrong)
	case 10:
		return c.refer(list(extPath(c.random.IntN(90)), missing))
	}
	return c.invent(64, kind) // as if the path ended here
}

func (c *crafter) children(n int, child func() rlp.RawValue) []any {
	items := branch(nil)
	for _, i := range c.random.Perm(16)[:n] {
		items[i] = child()
	}
	return items
}

// leaf ends a path of n nibbles.
func (c *crafter) leaf(n int, kind trieKind) []byte {
	if kind == storageTrie {
		return list(leafPath(max(n, 0)), []byte{0x81, byte(0x80 + c.random.IntN(128))})
	}
	balance := new(uint256.Int).Lsh(uint256.NewInt(1), uint(c.random.IntN(maxBalanceBits)))
	a := ethtypes.StateAccount{Nonce: c.random.Uint64(), Balance: balance, Root: ethtypes.EmptyRootHash, CodeHash: ethtypes.EmptyCodeHash[:]}
	if !c.legal && c.random.IntN(2) == 0 {
		a.Balance = new(uint256.Int).SetAllOne()
		a.Nonce = ^uint64(0)
		a.Root = common.Hash{1}
	}
	return list(leafPath(max(n, 0)), must(rlp.EncodeToBytes(&a)))
}

// nested are so many lists in one another.
func nested(n int) []byte {
	b := []byte{0xc0}
	for range n {
		b = must(rlp.EncodeToBytes([]rlp.RawValue{b}))
	}
	return b
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// bomb is a witness of nearly MaxChallengeBytes that passes every check and has as many nodes as such a one can: a full
// trie of four levels, and below it small branches.
func bomb() (common.Hash, [][]byte) {
	var nodes [][]byte
	absent := func(i, j int) []byte { return crypto.Keccak256([]byte{byte(i), byte(i >> 8), byte(i >> 16), byte(j)}) }
	add := func(children map[int][]byte) []byte {
		node := list(branch(children)...)
		nodes = append(nodes, node)
		return hashOf(node)
	}
	var level [][]byte
	for i := range 1 << 16 {
		low := add(map[int][]byte{0: absent(i, 0), 1: absent(i, 1)})
		level = append(level, add(map[int][]byte{0: low, 15: absent(i, 2)}))
	}
	for len(level) > 1 {
		var above [][]byte
		for i := 0; i < len(level); i += 16 {
			children := map[int][]byte{}
			for j, child := range level[i : i+16] {
				children[j] = child
			}
			above = append(above, add(children))
		}
		level = above
	}
	return common.Hash(level[0]), nodes
}
