package execution

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/etherscale/bedrock/types"
)

// What follows answers who does not execute. Errors wrap ErrUnknown where this chain has nothing that proves the answer.

// pathSet collects the distinct trie nodes of several paths.
type pathSet struct {
	nodes [][]byte
	seen  map[string]bool
}

// Put implements ethdb.KeyValueWriter.
func (p *pathSet) Put(hash, node []byte) error {
	if !p.seen[string(hash)] {
		p.seen[string(hash)] = true
		p.nodes = append(p.nodes, common.CopyBytes(node))
	}
	return nil
}

// Delete implements ethdb.KeyValueWriter; proving deletes nothing.
func (p *pathSet) Delete([]byte) error { return nil }

// ProveState collects the trie nodes that lead from the state root after a block to an account and to slots of it, or show
// that they do not exist. The root is what the asker believes the block to have led to.
func (c *Chain) ProveState(ctx context.Context, height types.Height, root types.Hash, account [20]byte, slots []types.Hash) ([][]byte, error) {
	claim, err := c.LastClaim(height)
	if err != nil {
		return nil, err
	}
	if types.Hash(claim.Root) != root {
		return nil, fmt.Errorf("state %s of block %d: %w", root, height, ErrUnknown)
	}
	nodes := pastNodes{chain: c, height: height, over: ctx.Err}
	accounts, err := trie.NewStateTrie(trie.StateTrieID(claim.Root), nodes)
	if err != nil {
		return nil, fmt.Errorf("state of block %d: %w", height, err)
	}
	paths, key := &pathSet{seen: make(map[string]bool)}, crypto.Keccak256Hash(account[:])
	if err := accounts.Prove(key[:], paths); err != nil {
		return nil, fmt.Errorf("state of block %d: %w", height, err)
	}
	found, err := accounts.GetAccount(account)
	if err != nil || found == nil || found.Root == ethtypes.EmptyRootHash || len(slots) == 0 {
		return paths.nodes, err
	}
	storage, err := trie.NewStateTrie(trie.StorageTrieID(claim.Root, key, found.Root), nodes)
	if err != nil {
		return nil, fmt.Errorf("state of block %d: %w", height, err)
	}
	for _, slot := range slots {
		if err := storage.Prove(crypto.Keccak256(slot[:]), paths); err != nil {
			return nil, fmt.Errorf("state of block %d: %w", height, err)
		}
	}
	return paths.nodes, nil
}

// Code is a contract's code by its hash.
func (c *Chain) Code(hash types.Hash) ([]byte, error) {
	code := rawdb.ReadCode(c.disk, common.Hash(hash))
	if len(code) == 0 {
		return nil, fmt.Errorf("code %s: %w", hash, ErrUnknown)
	}
	return code, nil
}

// ReceiptLeaves lists the leaves of a block's receipts from an index on, at most types.MaxReceiptsPage. The digest is what
// the asker believes the block's claim to say.
func (c *Chain) ReceiptLeaves(height types.Height, digest types.Hash, from uint64) ([][]byte, error) {
	claim, err := c.LastClaim(height)
	if err != nil {
		return nil, err
	}
	if claim.Receipts != digest || from >= claim.Transactions {
		return nil, fmt.Errorf("receipts %s of block %d from %d: %w", digest, height, from, ErrUnknown)
	}
	skips, err := c.Skipped(height)
	if err != nil {
		return nil, err
	}
	receipts := rawdb.ReadRawReceipts(c.disk, rawdb.ReadCanonicalHash(c.disk, uint64(height)), uint64(height))
	txs := rawdb.ReadBody(c.disk, rawdb.ReadCanonicalHash(c.disk, uint64(height)), uint64(height))
	if txs == nil || uint64(len(receipts)) != claim.Transactions || len(txs.Transactions) != len(receipts) {
		return nil, fmt.Errorf("receipts of block %d are not whole: %w", height, ErrUnknown)
	}
	var leaves [][]byte
	place, skipped := uint64(0), 0
	for i, r := range receipts {
		for skipped < len(skips) && skips[skipped].Place == place {
			skipped++
			place++
		}
		if uint64(i) >= from && len(leaves) < types.MaxReceiptsPage {
			r.Type, r.Bloom = txs.Transactions[i].Type(), ethtypes.CreateBloom(r) // neither is stored
			leaf, err := ReceiptLeaf(place, r)
			if err != nil {
				return nil, err
			}
			leaves = append(leaves, leaf)
		}
		place++
	}
	return leaves, nil
}

// PlaceOf is the height of the block that holds a transaction, executed or skipped, by the keccak-256 of its envelope.
func (c *Chain) PlaceOf(tx types.Hash) (types.Height, error) {
	if height := rawdb.ReadTxLookupEntry(c.disk, common.Hash(tx)); height != nil && *height <= uint64(c.Height()) {
		return types.Height(*height), nil
	}
	height, _, err := c.SkippedByHash(common.Hash(tx))
	return height, err
}
