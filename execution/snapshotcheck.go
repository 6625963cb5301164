package execution

import (
	"bytes"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/etherscale/bedrock/types"
)

// checkedAccount is an account of a part that was proven.
type checkedAccount struct {
	types.SnapshotAccount
	state *ethtypes.StateAccount
}

// unproven says what is wrong with a part.
func unprovenPart(format string, args ...any) error {
	return fmt.Errorf("part of a snapshot: "+format+": %w", append(args, types.ErrUnproven)...)
}

// checkAccounts holds a part of accounts from start on against the state root. It returns those of start's partition; done
// if the partition ends with them. What is not cut as every peer cuts it is refused.
func checkAccounts(root common.Hash, start types.Hash, p *types.SnapshotPart) (accounts []checkedAccount, done bool, err error) {
	if len(p.Slots) > 0 {
		return nil, false, unprovenPart("slots in place of accounts")
	}
	keys, values, size := make([][]byte, len(p.Accounts)), make([][]byte, len(p.Accounts)), 0
	end, bounded := partitionOf(start)
	for i := range p.Accounts {
		one := &p.Accounts[i]
		if partFull(size, i) || i > 0 && bounded && !before(p.Accounts[i-1].Key, end) {
			return nil, false, unprovenPart("it goes on past its end")
		}
		size += one.Size()
		keys[i], values[i] = one.Key[:], one.Value
	}
	more, err := verifyRange(root, start, keys, values, p.Proof)
	if err != nil {
		return nil, false, err
	}
	beyond := bounded && len(p.Accounts) > 0 && !before(p.Accounts[len(p.Accounts)-1].Key, end)
	if more && !beyond && !partFull(size, len(p.Accounts)) {
		return nil, false, unprovenPart("it ends early")
	}
	for i := range p.Accounts {
		if bounded && !before(p.Accounts[i].Key, end) {
			break
		}
		one, err := checkAccount(&p.Accounts[i])
		if err != nil {
			return nil, false, err
		}
		accounts = append(accounts, one)
	}
	return accounts, beyond || !more, nil
}

// verifyRange proves that the leaves are all of the trie from start to the last of them; more if others follow.
func verifyRange(root common.Hash, start types.Hash, keys, values [][]byte, proof [][]byte) (more bool, err error) {
	for i := range keys {
		if bytes.Compare(keys[i], start[:]) < 0 || len(values[i]) == 0 {
			return false, unprovenPart("a key before its start, or an empty value")
		}
	}
	nodes := rawdb.NewMemoryDatabase()
	defer nodes.Close()
	for _, n := range proof {
		if err := nodes.Put(crypto.Keccak256(n), n); err != nil {
			return false, err
		}
	}
	var reader ethdb.KeyValueReader = nodes
	if more, err = trie.VerifyRangeProof(root, start[:], keys, values, reader); err != nil {
		return false, unprovenPart("%v", err)
	}
	return more, nil
}

// checkAccount holds the code and the storage that travel with an account against it.
func checkAccount(a *types.SnapshotAccount) (checkedAccount, error) {
	state, err := decodeAccount(a.Value)
	if err != nil {
		return checkedAccount{}, unprovenPart("account %s: %v", a.Key, err)
	}
	if len(a.Code) > 0 && crypto.Keccak256Hash(a.Code) != common.BytesToHash(state.CodeHash) {
		return checkedAccount{}, unprovenPart("account %s carries another code", a.Key)
	}
	if len(a.Slots) > 0 {
		keys, values := slotPairs(a.Slots)
		if _, err := trie.VerifyRangeProof(state.Root, nil, keys, values, nil); err != nil {
			return checkedAccount{}, unprovenPart("storage of account %s: %v", a.Key, err)
		}
	}
	return checkedAccount{*a, state}, nil
}

func slotPairs(slots []types.SnapshotSlot) (keys, values [][]byte) {
	for i := range slots {
		keys, values = append(keys, slots[i].Key[:]), append(values, slots[i].Value)
	}
	return keys, values
}

// checkSlots holds a part of a storage from start on against the storage's root; done if it is the last.
func checkSlots(root common.Hash, start types.Hash, p *types.SnapshotPart) (done bool, err error) {
	if len(p.Accounts) > 0 || len(p.Slots) == 0 {
		return false, unprovenPart("no slots")
	}
	size := 0
	for i := range p.Slots {
		if partFull(size, i) {
			return false, unprovenPart("it goes on past its end")
		}
		size += p.Slots[i].Size()
	}
	keys, values := slotPairs(p.Slots)
	more, err := verifyRange(root, start, keys, values, p.Proof)
	if err != nil {
		return false, err
	}
	if more && !partFull(size, len(p.Slots)) {
		return false, unprovenPart("it ends early")
	}
	return !more, nil
}
