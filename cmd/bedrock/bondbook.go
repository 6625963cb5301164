package main

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/contracts"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// bondPage is how many keys one view lists.
const bondPage = 500

// bondBook reads the bonding contract through a node, all of it in the state after one block.
type bondBook struct {
	client   *client
	genesis  *types.Genesis
	network  types.NetworkID
	contract common.Address
	abi      *contracts.Bonds
	block    rpc.Height
}

// openBonds finds the bonding contract of the network that the node at --rpc is in.
func openBonds(ctx context.Context, f *queryFlags) (*bondBook, error) {
	c, err := f.dial(ctx)
	if err != nil {
		return nil, err
	}
	var file rawJSON
	if err := c.ask(ctx, &file, "bedrock_getGenesis"); err != nil {
		return nil, err
	}
	b := &bondBook{client: c}
	if b.genesis, err = types.DecodeGenesis(file); err != nil {
		return nil, err
	}
	if b.network, err = b.genesis.NetworkID(); err != nil {
		return nil, err
	}
	if b.genesis.Bonding == nil {
		return nil, fmt.Errorf("the network of %s has no bonds: its genesis file names who orders and who proves", c.url)
	}
	b.contract, b.abi = common.HexToAddress(b.genesis.FeeVault), contracts.NewBonds()
	return b, b.renew(ctx)
}

// renew turns to the state after the newest block that the node has executed.
func (b *bondBook) renew(ctx context.Context) error {
	return b.client.ask(ctx, &b.block, "eth_blockNumber")
}

// view asks the contract. pack and unpack belong to one method.
func view[T any](ctx context.Context, b *bondBook, packed []byte, unpack func([]byte) (T, error)) (T, error) {
	var answer hexutil.Bytes
	call := map[string]any{"to": b.contract, "input": hexutil.Bytes(packed)}
	if err := b.client.ask(ctx, &answer, "eth_call", call, b.block); err != nil {
		return *new(T), err
	}
	value, err := unpack(answer)
	if err != nil {
		return value, fmt.Errorf("answer of the bonding contract: %w", err)
	}
	return value, nil
}

// known lists every key that was ever bonded.
func (b *bondBook) known(ctx context.Context) (keys []types.PublicKey, err error) {
	for from := new(big.Int); ; {
		page, err := view(ctx, b, b.abi.PackBonded(from, big.NewInt(bondPage)), b.abi.UnpackBonded)
		if err != nil {
			return nil, err
		}
		for _, key := range page.Keys {
			keys = append(keys, key)
		}
		if from = page.More; from.Sign() == 0 {
			return keys, nil
		}
	}
}

func (b *bondBook) bond(ctx context.Context, key types.PublicKey) (execution.Bond, error) {
	return view(ctx, b, b.abi.PackBondOf(key), execution.UnpackBond)
}

// committee is who serves in the epoch.
func (b *bondBook) committee(ctx context.Context) (map[types.PublicKey]bool, error) {
	keys, err := view(ctx, b, b.abi.PackCommittee(), b.abi.UnpackCommittee)
	serving := make(map[types.PublicKey]bool, len(keys))
	for _, key := range keys {
		serving[key] = true
	}
	return serving, err
}

// next is who would be chosen for the next epoch as the bonds stand.
func (b *bondBook) next(ctx context.Context) (map[types.PublicKey]bool, error) {
	var members []types.CommitteeMember
	for from := new(big.Int); ; {
		page, err := view(ctx, b, b.abi.PackCandidates(from, big.NewInt(bondPage)), b.abi.UnpackCandidates)
		if err != nil {
			return nil, err
		}
		for i, key := range page.Keys {
			members = append(members, types.CommitteeMember{Key: key, Stake: types.Stake(page.Stakes[i])})
		}
		if from = page.More; from.Sign() == 0 {
			break
		}
	}
	chosen := map[types.PublicKey]bool{}
	for _, m := range execution.Choose(members, b.genesis.Bonding.MaxCommittee) {
		chosen[m.Key] = true
	}
	return chosen, nil
}

// resolve reads a key in hex, or the peer ID of one that was bonded.
func (b *bondBook) resolve(ctx context.Context, text string) (key types.PublicKey, err error) {
	if key.UnmarshalText([]byte(text)) == nil {
		return key, nil
	}
	keys, err := b.known(ctx)
	if err != nil {
		return key, err
	}
	for _, key := range keys {
		if key.PeerID() == text {
			return key, nil
		}
	}
	return key, unknown("no key with peer ID %s was ever bonded: see `bedrock bonds`, or give the key in hex", text)
}

// decided is the last block whose state decides about the epoch after that of block h: what comes later counts for no
// committee before the one after next.
func (b *bondBook) decided(h rpc.Height) rpc.Height {
	length := b.genesis.EpochLength
	return rpc.Height((uint64(max(h, 1)-1)/length+1)*length - execution.CommitteeLookback)
}
