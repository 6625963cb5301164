package rpc

import (
	"context"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// AccountProof is an account with its path from the state root (EIP-1186).
type AccountProof struct {
	Address      common.Address  `json:"address"`
	AccountProof []hexutil.Bytes `json:"accountProof"`
	Balance      *hexutil.Big    `json:"balance"`
	CodeHash     common.Hash     `json:"codeHash"`
	Nonce        hexutil.Uint64  `json:"nonce"`
	StorageHash  common.Hash     `json:"storageHash"`
	StorageProof []SlotProof     `json:"storageProof"`
}

// SlotProof is a storage slot with its path from the account's storage root.
type SlotProof struct {
	Key   string          `json:"key"`
	Value *hexutil.Big    `json:"value"`
	Proof []hexutil.Bytes `json:"proof"`
}

// nodes collects trie nodes from the root down.
type nodes []hexutil.Bytes

// Put implements ethdb.KeyValueWriter.
func (n *nodes) Put(_, node []byte) error {
	*n = append(*n, common.CopyBytes(node))
	return nil
}

// Delete implements ethdb.KeyValueWriter; proving deletes nothing.
func (n *nodes) Delete([]byte) error { return nil }

// GetProof proves an account and at most 1024 of its slots against the state root of a block.
func (a *Accounts) GetProof(ctx context.Context, account common.Address, keys []string, at *gethrpc.BlockNumberOrHash) (*AccountProof, error) {
	if len(keys) > maxSlots {
		return nil, limitExceeded("too many keys (max %d)", maxSlots)
	}
	slots := make([]SlotProof, len(keys))
	for i, key := range keys {
		slot, length, err := parseSlot(key)
		if err != nil {
			return nil, err
		}
		// A key of 32 bytes is spelled as it came, a shorter one as a quantity.
		if slots[i].Key = hexutil.EncodeBig(slot.Big()); length == common.HashLength {
			slots[i].Key = slot.Hex()
		}
	}
	statedb, header, err := a.r.state(at)
	if err != nil {
		return nil, err
	}
	tree, err := statedb.Database().OpenTrie(header.Root)
	if err != nil {
		return nil, err
	}
	path := nodes{}
	if err := tree.Prove(crypto.Keccak256(account.Bytes()), &path); err != nil {
		return nil, err
	}
	if err := proveSlots(ctx, statedb, header.Root, account, slots); err != nil {
		return nil, err
	}
	return &AccountProof{
		Address: account, AccountProof: path, Balance: (*hexutil.Big)(statedb.GetBalance(account).ToBig()),
		CodeHash: statedb.GetCodeHash(account), Nonce: hexutil.Uint64(statedb.GetNonce(account)),
		StorageHash: statedb.GetStorageRoot(account), StorageProof: slots,
	}, statedb.Error()
}

func proveSlots(ctx context.Context, statedb *state.StateDB, root common.Hash, account common.Address, slots []SlotProof) error {
	storageRoot := statedb.GetStorageRoot(account)
	var tree state.Trie
	if len(slots) > 0 && storageRoot != types.EmptyRootHash && storageRoot != (common.Hash{}) {
		var err error
		if tree, err = statedb.Database().OpenStorageTrie(root, account, storageRoot, nil); err != nil {
			return err
		}
	}
	for i := range slots {
		if err := ctx.Err(); err != nil {
			return err
		}
		slot, _, err := parseSlot(slots[i].Key)
		if err != nil {
			return err
		}
		path := nodes{}
		if tree != nil {
			if err := tree.Prove(crypto.Keccak256(slot.Bytes()), &path); err != nil {
				return err
			}
		}
		slots[i].Value, slots[i].Proof = (*hexutil.Big)(statedb.GetState(account, slot).Big()), path
	}
	return nil
}
