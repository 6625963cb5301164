package verified

import (
	"context"
	"fmt"
	"maps"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/types"
)

// mostSlots bounds the slots of one account that are kept together.
const mostSlots = 1024

type accountKey struct {
	root    common.Hash
	address common.Address
}

// account is what is proven of an account under one root; immutable.
type account struct {
	state *ethtypes.StateAccount // nil: it does not exist
	path  [][]byte               // from the root down
	slots map[common.Hash]slot
}

type slot struct {
	value common.Hash
	path  [][]byte // from the account's storage root down
}

// nodeSet are a peer's trie nodes by their hashes; it notes which were read, in order.
type nodeSet struct {
	nodes map[string][]byte
	read  [][]byte
}

func newNodeSet(nodes [][]byte) *nodeSet {
	s := &nodeSet{nodes: make(map[string][]byte, len(nodes))}
	for _, n := range nodes {
		s.nodes[string(crypto.Keccak256(n))] = n
	}
	return s
}

// Has implements ethdb.KeyValueReader.
func (s *nodeSet) Has(hash []byte) (bool, error) { return s.nodes[string(hash)] != nil, nil }

// Get implements ethdb.KeyValueReader.
func (s *nodeSet) Get(hash []byte) ([]byte, error) {
	n := s.nodes[string(hash)]
	if n == nil {
		return nil, fmt.Errorf("trie node %x is missing: %w", hash, types.ErrUnproven)
	}
	s.read = append(s.read, n)
	return n, nil
}

// path follows a key from a root to its value, or to where its absence shows (nil).
func (s *nodeSet) path(root common.Hash, key []byte) (value []byte, path [][]byte, err error) {
	s.read = nil
	if value, err = trie.VerifyProof(root, crypto.Keccak256(key), s); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", types.ErrUnproven, err)
	}
	return value, s.read, nil
}

// check reads an account and slots of it out of a peer's answer.
func check(root common.Hash, address common.Address, slots []common.Hash, answer []byte) (*account, error) {
	nodes, err := types.DecodeProofNodes(answer)
	if err != nil {
		return nil, err
	}
	if err := fraud.CheckNodes(root, nodes); err != nil {
		return nil, fmt.Errorf("%w: %w", types.ErrUnproven, err)
	}
	set, a := newNodeSet(nodes), &account{slots: make(map[common.Hash]slot, len(slots))}
	value, path, err := set.path(root, address[:])
	if err != nil {
		return nil, err
	}
	a.path = path
	if value != nil {
		a.state = new(ethtypes.StateAccount)
		if err := rlp.DecodeBytes(value, a.state); err != nil {
			return nil, fmt.Errorf("account: %w: %w", types.ErrUnproven, err)
		}
	}
	for _, key := range slots {
		if a.slots[key], err = a.slot(set, key); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *account) slot(set *nodeSet, key common.Hash) (slot, error) {
	if a.state == nil || a.state.Root == ethtypes.EmptyRootHash {
		return slot{}, nil
	}
	value, path, err := set.path(a.state.Root, key[:])
	if err != nil || value == nil {
		return slot{path: path}, err
	}
	word, rest, err := rlp.SplitString(value)
	if err != nil || len(rest) > 0 || len(word) > common.HashLength {
		return slot{}, fmt.Errorf("slot %s: %w", key, types.ErrUnproven)
	}
	return slot{value: common.BytesToHash(word), path: path}, nil
}

// account proves an account and slots of it, at most types.MaxProofSlots.
func (v *View) account(ctx context.Context, height types.Height, root common.Hash, address common.Address, slots ...common.Hash) (*account, error) {
	key := accountKey{root, address}
	known, _ := v.accounts.Get(key)
	missing := make([]types.Hash, 0, len(slots))
	for _, s := range slots {
		if known != nil {
			if _, have := known.slots[s]; have {
				continue
			}
		}
		missing = append(missing, types.Hash(s))
	}
	if known != nil && len(missing) == 0 {
		return known, nil
	}
	request := &types.StateRequest{Kind: types.ProofState, Height: height, Want: types.Hash(root), Account: address, Slots: missing}
	fresh, err := consult(ctx, v.Peers, func(_ context.Context, ask Ask) (*account, error) {
		answer, err := ask(request)
		if err != nil {
			return nil, err
		}
		wanted := make([]common.Hash, len(missing))
		for i, s := range missing {
			wanted[i] = common.Hash(s)
		}
		return check(root, address, wanted, answer)
	})
	if err != nil {
		return nil, unproven(fmt.Sprintf("account %s in the state of block %d", address, height), err)
	}
	if known != nil && len(known.slots) < mostSlots {
		maps.Copy(fresh.slots, known.slots)
	}
	v.accounts.Add(key, fresh)
	return fresh, nil
}

// code proves the code behind a hash.
func (v *View) code(ctx context.Context, hash common.Hash) ([]byte, error) {
	if hash == ethtypes.EmptyCodeHash || hash == (common.Hash{}) {
		return nil, nil
	}
	if code, ok := v.codes.Get(hash); ok {
		return code, nil
	}
	code, err := consult(ctx, v.Peers, func(_ context.Context, ask Ask) ([]byte, error) {
		code, err := ask(&types.StateRequest{Kind: types.ProofCode, Want: types.Hash(hash)})
		if err == nil && crypto.Keccak256Hash(code) != hash {
			return nil, fmt.Errorf("code of another hash: %w", types.ErrUnproven)
		}
		return code, err
	})
	if err != nil {
		return nil, unproven(fmt.Sprintf("code %s", hash), err)
	}
	v.codes.Add(hash, code)
	return code, nil
}

// copyOf is an account that the caller may change.
func (a *account) copyOf() *ethtypes.StateAccount {
	if a.state == nil {
		return nil
	}
	s := *a.state
	s.Balance = new(uint256.Int).Set(a.state.Balance)
	s.CodeHash = common.CopyBytes(a.state.CodeHash)
	return &s
}

func consult[T any](ctx context.Context, p Peers, visit func(context.Context, Ask) (T, error)) (T, error) {
	var none T
	value, err := p.Consult(ctx, func(ctx context.Context, ask Ask) (any, error) { return visit(ctx, ask) })
	if err != nil {
		return none, err
	}
	return value.(T), nil
}
