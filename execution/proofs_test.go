package execution_test

import (
	"context"
	"errors"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethdb/memorydb"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"

	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// provenAccount verifies a proof with go-ethereum's own verifier.
func provenAccount(t *testing.T, root types.Hash, account common.Address, nodes [][]byte) *ethtypes.StateAccount {
	t.Helper()
	db := memorydb.New()
	for _, n := range nodes {
		_ = db.Put(crypto.Keccak256(n), n)
	}
	value, err := trie.VerifyProof(common.Hash(root), crypto.Keccak256(account[:]), db)
	if err != nil {
		t.Fatal(err)
	}
	if value == nil {
		return nil
	}
	found := new(ethtypes.StateAccount)
	if err := rlp.DecodeBytes(value, found); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestOldStatesAreProvable: also of states that were flushed away, as far as witnesses are kept.
func TestOldStatesAreProvable(t *testing.T) {
	s := exectest.New(t, func(g *types.Genesis) { g.ChallengeWindow = 3_600_000_000 }) // an hour, for which witnesses are kept
	const blocks = 300                                                                 // the state database keeps 128 at most
	balances := []*big.Int{s.Chain.Balance(exectest.Address(5)).ToBig()}
	for range blocks {
		s.Apply(s.Transfer(0, 5, 7))
		balances = append(balances, s.Chain.Balance(exectest.Address(5)).ToBig())
	}
	if _, err := s.Chain.StateAt(rootAt(t, s, 1)); err == nil {
		t.Fatal("the state database still has the state of block 1: this tests nothing")
	}
	for _, h := range []types.Height{0, 1, 2, 100, 171, 172, 173, 299, 300} {
		root := types.Hash(rootAt(t, s, h))
		nodes, err := s.Chain.ProveState(t.Context(), h, root, exectest.Address(5), nil)
		if err != nil {
			t.Fatalf("block %d: %v", h, err)
		}
		if got := provenAccount(t, root, exectest.Address(5), nodes); got == nil || got.Balance.ToBig().Cmp(balances[h]) != 0 {
			t.Errorf("block %d: %+v, want balance %d", h, got, balances[h])
		}
		stranger := common.Address{0xee}
		if nodes, err = s.Chain.ProveState(t.Context(), h, root, stranger, nil); err != nil {
			t.Fatalf("block %d: %v", h, err)
		}
		if got := provenAccount(t, root, stranger, nodes); got != nil {
			t.Errorf("block %d: an account that does not exist is %+v", h, got)
		}
	}
	if _, err := s.Chain.ProveState(t.Context(), 1, types.Hash{1}, exectest.Address(5), nil); !errors.Is(err, execution.ErrUnknown) {
		t.Errorf("another root: %v", err)
	}
}

func rootAt(t *testing.T, s *exectest.Swarm, h types.Height) common.Hash {
	t.Helper()
	claim, err := s.Chain.LastClaim(h)
	if err != nil {
		t.Fatal(err)
	}
	return claim.Root
}

// TestReceiptLeavesAreTheClaims: what is served hashes to what is claimed, of every kind of transaction, skips among them.
func TestReceiptLeavesAreTheClaims(t *testing.T) {
	s := exectest.New(t, nil)
	random := rand.New(rand.NewPCG(5, 5))
	for range 6 {
		var envelopes [][]byte
		for range 40 {
			envelopes = append(envelopes, s.Torture(random))
		}
		result := s.Apply(envelopes...)
		claim := result.Claims[len(result.Claims)-1]
		leaves, err := s.Chain.ReceiptLeaves(result.Height, claim.Receipts, 0)
		if err != nil {
			t.Fatal(err)
		}
		f := execution.Frontier{}
		for _, leaf := range leaves {
			f = f.Append(leaf)
		}
		if f.Root() != claim.Receipts || f.Size() != claim.Transactions {
			t.Errorf("block %d: %d leaves with root %s, claimed are %d with %s", result.Height, f.Size(), f.Root(), claim.Transactions, claim.Receipts)
		}
		if rest, err := s.Chain.ReceiptLeaves(result.Height, claim.Receipts, 3); err != nil || len(rest) != len(leaves)-3 || string(rest[0]) != string(leaves[3]) {
			t.Errorf("from receipt 3: %d leaves, %v", len(rest), err)
		}
		if _, err := s.Chain.ReceiptLeaves(result.Height, types.Hash{1}, 0); !errors.Is(err, execution.ErrUnknown) {
			t.Errorf("another digest: %v", err)
		}
		for i, envelope := range envelopes {
			if h, err := s.Chain.PlaceOf(types.Hash(crypto.Keccak256Hash(envelope))); err != nil || h != result.Height {
				t.Errorf("transaction %d is found in block %d, %v", i, h, err)
			}
		}
	}
	if _, err := s.Chain.PlaceOf(types.Hash{1}); !errors.Is(err, execution.ErrUnknown) {
		t.Error(err)
	}
}

// TestOldSlotsAreProvable: storage of contracts too, also right after everything recent was flushed, where the state database
// has nothing but the newest state.
func TestOldSlotsAreProvable(t *testing.T) {
	s := exectest.Unopened(t, t.TempDir(), func(g *types.Genesis) { g.ChallengeWindow = 3_600_000_000 })
	chain, err := execution.Open(execution.Config{Genesis: s.Genesis, Dir: t.TempDir(), DurableEvery: 16})
	if err != nil {
		t.Fatal(err)
	}
	s.Chain = chain // which s closes
	random := rand.New(rand.NewPCG(9, 9))
	slot, want := types.Hash(common.HexToHash("0x3")), []common.Hash{}
	for i := range 48 {
		s.Apply(s.Call(0, &exectest.StoreAddress, 0, 200_000, exectest.Words(3, uint64(i%5))), s.Torture(random), s.Torture(random))
		want = append(want, common.BigToHash(big.NewInt(int64(i%5))))
	}
	if chain.Durable() != 48 {
		t.Fatalf("durable is %d: this tests nothing", chain.Durable())
	}
	for h := types.Height(1); h < 48; h += 5 {
		root := types.Hash(rootAt(t, s, h))
		nodes, err := chain.ProveState(t.Context(), h, root, exectest.StoreAddress, []types.Hash{slot, {0xee}})
		if err != nil {
			t.Fatalf("block %d: %v", h, err)
		}
		account := provenAccount(t, root, exectest.StoreAddress, nodes)
		if got := provenSlot(t, account.Root, slot, nodes); got != want[h-1] {
			t.Errorf("block %d: %s, want %s", h, got, want[h-1])
		}
		if got := provenSlot(t, account.Root, types.Hash{0xee}, nodes); got != (common.Hash{}) {
			t.Errorf("block %d: a slot that was never written is %s", h, got)
		}
	}
	if _, err := chain.ProveState(t.Context(), 7, types.Hash(rootAt(t, s, 8)), exectest.StoreAddress, nil); !errors.Is(err, execution.ErrUnknown) {
		t.Errorf("the root of another block: %v", err)
	}
	if marked := chain.Marked(0, 0); len(marked) < 10 || marked[0] != 0 {
		t.Errorf("marks of blocks %v", marked)
	}
	if marked := chain.Marked(0, 64); len(marked) < 10 || marked[0] == 0 {
		t.Errorf("marks of a witness that is gone are kept: blocks %v", marked)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := chain.ProveState(stopped, 7, types.Hash(rootAt(t, s, 7)), exectest.StoreAddress, nil); err == nil {
		t.Error("a search goes on after its time")
	}
}

func provenSlot(t *testing.T, root common.Hash, slot types.Hash, nodes [][]byte) common.Hash {
	t.Helper()
	if root == ethtypes.EmptyRootHash {
		return common.Hash{}
	}
	db := memorydb.New()
	for _, n := range nodes {
		_ = db.Put(crypto.Keccak256(n), n)
	}
	value, err := trie.VerifyProof(root, crypto.Keccak256(slot[:]), db)
	if err != nil {
		t.Fatal(err)
	}
	if value == nil {
		return common.Hash{}
	}
	word, _, err := rlp.SplitString(value)
	if err != nil {
		t.Fatal(err)
	}
	return common.BytesToHash(word)
}
