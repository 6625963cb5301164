package fraud

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/execution/exectest"
)

func list(items ...any) []byte {
	b, err := rlp.EncodeToBytes(items)
	if err != nil {
		panic(err)
	}
	return b
}

func account(balance *uint256.Int, root common.Hash) []byte {
	b, err := rlp.EncodeToBytes(&ethtypes.StateAccount{Balance: balance, Root: root, CodeHash: ethtypes.EmptyCodeHash[:]})
	if err != nil {
		panic(err)
	}
	return b
}

// leafPath is a compact path of n nibbles that ends a key; extPath one that goes on.
func leafPath(n int) []byte {
	if n%2 == 1 {
		return append([]byte{0x31}, make([]byte, n/2)...)
	}
	return append([]byte{0x20}, make([]byte, n/2)...)
}

func extPath(n int) []byte {
	p := leafPath(n)
	p[0] &^= 0x20
	return p
}

func branch(children map[int][]byte) []any {
	items := make([]any, 17)
	for i := range items {
		items[i] = []byte{}
		if c, ok := children[i]; ok {
			items[i] = c
		}
	}
	return items
}

func hashOf(node []byte) []byte { return crypto.Keccak256(node) }

func repeatHash(hash []byte) map[int][]byte {
	all := map[int][]byte{}
	for i := range 16 {
		all[i] = hash
	}
	return all
}

// I3: shapes that hash correctly but that no honest peer builds.
func TestHostileNodesAreRefused(t *testing.T) {
	one := uint256.NewInt(1)
	huge := new(uint256.Int).SetAllOne()
	good := list(leafPath(63), account(one, ethtypes.EmptyRootHash))
	emptyExt := list(extPath(2), []byte{})
	slot := list(leafPath(64), []byte{5})
	for name, test := range map[string]struct {
		root  []byte
		other [][]byte
		want  string
	}{
		"balance of 256 bits":          {list(leafPath(64), account(huge, ethtypes.EmptyRootHash)), nil, "balance"},
		"leaf too shallow":             {list(leafPath(62), account(one, ethtypes.EmptyRootHash)), nil, "depth"},
		"leaf too deep":                {list(leafPath(66), account(one, ethtypes.EmptyRootHash)), nil, "depth"},
		"leaf with list":               {list(leafPath(64), []any{}), nil, "leaf"},
		"not an account":               {list(leafPath(64), []byte{1, 2}), nil, "account"},
		"empty extension":              {emptyExt, nil, "empty extension"},
		"16 empty extensions":          {list(branch(repeatHash(hashOf(emptyExt)))...), [][]byte{emptyExt}, "short"},
		"extension without nibbles":    {list(extPath(0), make([]byte, 32)), nil, "extension"},
		"extension to a leaf":          {list(extPath(1), hashOf(good)), [][]byte{good}, "items"},
		"branch of one":                {list(branch(map[int][]byte{3: hashOf(good)})...), [][]byte{good}, "children"},
		"branch with value":            {list(append(branch(repeatHash(hashOf(good)))[:16], []byte{1})...), [][]byte{good}, "value"},
		"branch with odd references":   {list(branch(map[int][]byte{1: {1, 2, 3}, 2: {4}})...), nil, "reference"},
		"three items":                  {list([]byte{}, []byte{}, []byte{}), nil, "items"},
		"not a list":                   {[]byte{0x83, 1, 2, 3}, nil, "list"},
		"trailing byte":                {append(list(leafPath(64), account(one, ethtypes.EmptyRootHash)), 0), nil, "list"},
		"path padding":                 {list(append([]byte{0x21}, make([]byte, 32)...), account(one, ethtypes.EmptyRootHash)), nil, "padding"},
		"path flag":                    {list(append([]byte{0x40}, make([]byte, 32)...), account(one, ethtypes.EmptyRootHash)), nil, "path"},
		"node of another state":        {list(leafPath(64), account(one, ethtypes.EmptyRootHash)), [][]byte{good}, "not part"},
		"unparsed slot":                {list(leafPath(64), account(one, common.Hash(hashOf(list(leafPath(64), []byte{}))))), [][]byte{list(leafPath(64), []byte{})}, "storage"},
		"account trie used as storage": {list(leafPath(64), account(one, common.Hash(hashOf(list(leafPath(64), account(one, ethtypes.EmptyRootHash)))))), [][]byte{list(leafPath(64), account(one, ethtypes.EmptyRootHash))}, "storage"},
		"storage used as account trie": {list(branch(repeatHash(hashOf(slot)))...), [][]byte{slot}, ""},
	} {
		err := checkNodes(common.Hash(hashOf(test.root)), append([][]byte{test.root}, test.other...))
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := checkNodes(common.Hash(hashOf(good)), [][]byte{good, good}); !errors.Is(err, ErrInvalid) {
		t.Error("repeated node:", err)
	}
}

// A trie whose every branch names one child 16 times has 16^63 paths; checking it takes 64 steps.
func TestSelfSimilarTrieIsCheckedQuickly(t *testing.T) {
	node := list(leafPath(1), account(uint256.NewInt(1), ethtypes.EmptyRootHash))
	nodes := [][]byte{node}
	for range 63 {
		node = list(branch(repeatHash(hashOf(node)))...)
		nodes = append(nodes, node)
	}
	if err := checkNodes(common.Hash(hashOf(node)), nodes); err != nil {
		t.Fatal(err)
	}
}

// Every witness of real chunks passes.
func TestHonestWitnessesPass(t *testing.T) {
	s := tortured(t, 6, 5, 30)
	signed := honest(t, s, 0, 5)
	for block := range signed.Assertion.Blocks {
		for chunk := range signed.Assertion.Blocks[block].Chunks() {
			c, err := BuildWrongState(s.Chain, s, signed, Place{Block: block, Chunk: chunk}, [20]byte{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = Verify(c, trustOf(s))
			if err == nil || !strings.Contains(err.Error(), "claim is right") {
				t.Fatalf("block %d, chunk %d: %v", block, chunk, err)
			}
		}
	}
}

func FuzzCheckNodes(f *testing.F) {
	f.Add(list(leafPath(64), account(uint256.NewInt(1), ethtypes.EmptyRootHash)), list(extPath(2), []byte{}))
	f.Add(list(branch(repeatHash(make([]byte, 32)))...), []byte{0xc0})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, root := range [...][]byte{a, b} {
			if err := checkNodes(common.Hash(hashOf(root)), [][]byte{a, b}); err != nil && !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
		}
	})
}

func FuzzDecodeChallenge(f *testing.F) {
	s := tortured(f, 8, 2, 6)
	signed := honest(f, s, 0, 2)
	c, err := BuildWrongState(s.Chain, s, signed, Place{Block: 1}, [20]byte{2})
	if err != nil {
		f.Fatal(err)
	}
	trust := trustOf(s)
	f.Add(c.Encode())
	f.Add(newChallenge(s.Network, KindDoubleAssertion, [20]byte{}, &DoubleAssertion{First: signed.Encode(), Second: signed.Encode(), Height: 1}).Encode())
	top, _ := s.Certified(2)
	f.Add(NewWrongPrefix([20]byte{}, s.Network, signed, 1, nil, &top, nil).Encode())
	f.Add([]byte{0xc0})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		c, err := DecodeChallenge(encoded)
		if err != nil {
			return
		}
		if string(c.Encode()) != string(encoded) {
			t.Fatal("not canonical")
		}
		if f, err := Verify(c, trust); err == nil {
			t.Fatalf("convicted %+v", f)
		}
	})
}

func FuzzDecodeAssertion(f *testing.F) {
	s := tortured(f, 8, 2, 6)
	f.Add(honest(f, s, 0, 2).Encode())
	f.Add([]byte{0xc0})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		signed, err := DecodeAssertion(encoded)
		if err != nil {
			return
		}
		again, err := signed.tx.MarshalBinary()
		if err != nil || string(again) != string(encoded) {
			t.Fatal("not canonical")
		}
		a, err := decodeCalldata(signed.Assertion.Calldata())
		if err != nil || !reflect.DeepEqual(*a, signed.Assertion) {
			t.Fatal("does not come back as it went", err)
		}
	})
}

// The accused's own crafted state, reached through a challenge that is well formed otherwise, ends as an invalid proof.
func TestCraftedStateProvesNothing(t *testing.T) {
	s := exectest.New(t, nil)
	var envelopes [][]byte
	for i := range 8 {
		envelopes = append(envelopes, s.Transfer(i, i+1, 1))
	}
	s.Apply(envelopes...)
	for _, crafted := range [][][]byte{
		{list(branch(repeatHash(hashOf(list(extPath(63), []byte{}))))...), list(extPath(63), []byte{})},
		{list(leafPath(64), account(new(uint256.Int).SetAllOne(), ethtypes.EmptyRootHash))},
	} {
		o := outcome(t, s, 0, 1)
		o.Claims[0] = slices.Clone(o.Claims[0])
		o.Claims[0][0].Root = common.Hash(hashOf(crafted[0]))
		signed := sign(t, s, o.Assertion(exectest.PublicKey(4)))
		c, err := BuildWrongState(s.Chain, s, honest(t, s, 0, 1), Place{Chunk: 1}, [20]byte{})
		if err != nil {
			t.Fatal(err)
		}
		var body WrongState
		if err := rlp.DecodeBytes(c.Body, &body); err != nil {
			t.Fatal(err)
		}
		body.Assertion, body.Before, body.Nodes = signed.Encode(), o.Claims[0][0].Encode(), crafted
		c.Body = mustEncode(&body)
		_, err = sandbox(t, "verify", Limits{}).Verify(t.Context(), jobOf(s, c))
		if !errors.Is(err, ErrInvalid) || strings.Contains(err.Error(), "died") {
			t.Fatal(err)
		}
	}
}

func FuzzDecodeJob(f *testing.F) {
	s := exectest.New(f, nil)
	encoded, err := jobOf(s, &Challenge{}).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded)
	f.Add([]byte{0xc4, 0x80, 0xc0, 0xc0, 0x80})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		job, err := DecodeJob(encoded)
		if err != nil {
			return
		}
		if _, err := job.Run(); err == nil {
			t.Fatal("a made-up job convicts")
		}
	})
}
