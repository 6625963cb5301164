package verified

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// receiptBytes bounds all receipts of a block: gas buys less than half a byte of receipt (a log 8 a byte and 375 besides, a
// transaction's 300 bytes 21,000), and any block may have a little.
func receiptBytes(blockGas uint64) int { return int(blockGas/2) + 64<<10 }

// Block implements rpc.Verified.
func (v *View) Block(ctx context.Context, at *rpc.ProvenHeader) (*rpc.ProvenBlock, error) {
	if b, ok := v.blocks.Get(at.Value); ok {
		return b, nil
	}
	envelopes, err := v.body(ctx, at.Certified)
	if err != nil {
		return nil, err
	}
	b, err := consult(ctx, v.Peers, func(_ context.Context, ask Ask) (*rpc.ProvenBlock, error) {
		leaves, err := v.leaves(at, ask)
		if err != nil {
			return nil, err
		}
		return v.assemble(at, envelopes, leaves)
	})
	if err != nil {
		return nil, unproven(fmt.Sprintf("receipts of block %d", at.Certified.Height), err)
	}
	v.blocks.Add(at.Value, b)
	return b, nil
}

// body is a block's transactions in order, malformed ones included.
func (v *View) body(ctx context.Context, header types.Header) ([][]byte, error) {
	digest := header.Digest()
	if envelopes, ok := v.bodies.Get(digest); ok {
		return envelopes, nil
	}
	var data []byte
	if header.DataLength > 0 {
		var err error
		if data, err = v.Chain.Body(ctx, header); err != nil {
			return nil, unproven(fmt.Sprintf("data of block %d", header.Height), err)
		}
	}
	envelopes := types.DecodeBlockData(data)
	v.bodies.Add(digest, envelopes)
	return envelopes, nil
}

// leaves fetches all receipts of a block from one peer and holds them against the claim.
func (v *View) leaves(at *rpc.ProvenHeader, ask Ask) ([][]byte, error) {
	var leaves [][]byte
	frontier, size := execution.Frontier{}, 0
	for frontier.Size() < at.Executed {
		answer, err := ask(&types.StateRequest{Kind: types.ProofReceipts, Height: at.Certified.Height, Want: at.Receipts, From: frontier.Size()})
		if err != nil {
			return nil, err
		}
		page, err := types.DecodeReceiptLeaves(answer)
		if err != nil {
			return nil, err
		}
		size += len(answer)
		if len(page) == 0 || frontier.Size()+uint64(len(page)) > at.Executed || size > receiptBytes(v.Rules.BlockGas) {
			return nil, fmt.Errorf("%d of %d receipts in %d bytes: %w", frontier.Size()+uint64(len(page)), at.Executed, size, types.ErrUnproven)
		}
		for _, leaf := range page {
			frontier = frontier.Append(leaf)
		}
		leaves = append(leaves, page...)
	}
	if frontier.Root() != at.Receipts {
		return nil, fmt.Errorf("receipts with digest %s, claimed is %s: %w", frontier.Root(), at.Receipts, types.ErrUnproven)
	}
	return leaves, nil
}

// assemble puts transactions and receipts together. The leaves are what the claim commits to: if they make no sense it is the
// claim that is wrong, which is no fault of who gave them.
func (v *View) assemble(at *rpc.ProvenHeader, envelopes [][]byte, leaves [][]byte) (*rpc.ProvenBlock, error) {
	b := &rpc.ProvenBlock{At: at, Places: make(map[common.Hash]int, len(envelopes))}
	for _, envelope := range envelopes {
		b.Places[crypto.Keccak256Hash(envelope)] = -1
	}
	txs := make(ethtypes.Transactions, len(leaves))
	receipts := make(ethtypes.Receipts, len(leaves))
	next := uint64(0)
	for i, leaf := range leaves {
		place, receipt, err := execution.DecodeReceiptLeaf(leaf)
		if err != nil || place < next || place >= uint64(len(envelopes)) {
			return nil, fmt.Errorf("block %d: the claim's receipt %d is of place %d, of %d: %v", at.Certified.Height, i, place, len(envelopes), err)
		}
		if txs[i] = execution.DecodeTransaction(envelopes[place]); txs[i] == nil || txs[i].Type() != receipt.Type {
			return nil, fmt.Errorf("block %d: the claim's receipt %d does not fit the transaction at place %d", at.Certified.Height, i, place)
		}
		receipts[i], next = receipt, place+1
		b.Places[txs[i].Hash()] = i
	}
	b.Block = ethtypes.NewBlock(at.Header, &ethtypes.Body{Transactions: txs, Withdrawals: []*ethtypes.Withdrawal{}}, receipts, trie.NewStackTrie(nil))
	if err := receipts.DeriveFields(v.rules, at.Digest, at.Header.Number.Uint64(), at.Header.Time, at.Header.BaseFee, common.Big1, txs); err != nil {
		return nil, fmt.Errorf("block %d: %w", at.Certified.Height, err)
	}
	b.Receipts = receipts
	return b, nil
}

// Find implements rpc.Verified.
func (v *View) Find(ctx context.Context, tx common.Hash) (*rpc.ProvenHeader, error) {
	at, err := consult(ctx, v.Peers, func(ctx context.Context, ask Ask) (*rpc.ProvenHeader, error) {
		answer, err := ask(&types.StateRequest{Kind: types.ProofPlace, Want: types.Hash(tx)})
		if err != nil {
			return nil, err
		}
		height, err := types.DecodePlace(answer)
		if err != nil {
			return nil, err
		}
		at, err := v.atHeight(height)
		if err != nil {
			return nil, err
		}
		envelopes, err := v.body(ctx, at.Certified)
		if err != nil {
			return nil, err
		}
		for _, envelope := range envelopes {
			if crypto.Keccak256Hash(envelope) == tx {
				return at, nil
			}
		}
		return nil, fmt.Errorf("block %d does not hold it: %w", height, types.ErrUnproven)
	})
	if err != nil {
		return nil, unproven(fmt.Sprintf("transaction %s: where it is, or that there is none, cannot be shown", tx), err)
	}
	return at, nil
}
