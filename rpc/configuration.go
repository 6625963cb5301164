package rpc

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/forkid"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
)

// ForkConfig is the rules in force from a time on (EIP-7910).
type ForkConfig struct {
	ActivationTime  uint64                    `json:"activationTime"`
	BlobSchedule    *params.BlobConfig        `json:"blobSchedule"` // null: there are no blobs
	ChainID         *hexutil.Big              `json:"chainId"`
	ForkID          hexutil.Bytes             `json:"forkId"`
	Precompiles     map[string]common.Address `json:"precompiles"`
	SystemContracts map[string]common.Address `json:"systemContracts"`
}

// Configuration is the answer of eth_config; next and last are null while no further fork is planned.
type Configuration struct {
	Current *ForkConfig `json:"current"`
	Next    *ForkConfig `json:"next"`
	Last    *ForkConfig `json:"last"`
}

// Config answers eth_config.
func (b *Blocks) Config() *Configuration {
	config := b.r.ChainConfig()
	current, last := config.LatestFork(b.r.Head().Time), config.LatestFork(^uint64(0))
	out := &Configuration{Current: b.forkConfig(config.Timestamp(current))}
	for fork := current + 1; fork <= last && out.Next == nil; fork++ {
		out.Next = b.forkConfig(config.Timestamp(fork))
	}
	if out.Next != nil {
		out.Last = b.forkConfig(config.Timestamp(last))
	}
	return out
}

func (b *Blocks) forkConfig(activation *uint64) *ForkConfig {
	if activation == nil {
		return nil
	}
	config, genesis, at := b.r.ChainConfig(), b.r.headerAt(0), *activation
	precompiles := make(map[string]common.Address)
	for address, contract := range vm.ActivePrecompiledContracts(config.Rules(config.LondonBlock, true, at)) {
		precompiles[contract.Name()] = address
	}
	id := forkid.NewID(config, types.NewBlockWithHeader(genesis), ^uint64(0), at).Hash
	out := &ForkConfig{
		ActivationTime: at, BlobSchedule: b.r.BlobSchedule(at), ChainID: (*hexutil.Big)(config.ChainID),
		ForkID: id[:], Precompiles: precompiles, SystemContracts: b.r.SystemContracts(at),
	}
	if genesis.Time >= at {
		out.ActivationTime = 0
	}
	return out
}
