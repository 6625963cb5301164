package rpc

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/misc/eip4844"
	"github.com/ethereum/go-ethereum/core/types"
)

// plannedBlock is a block to simulate with the part of its header that no execution decides.
type plannedBlock struct {
	*SimulatedBlock
	header *types.Header
}

// plan puts numbers and times to the blocks, each above those of the block before, and fills gaps between numbers with
// empty blocks.
func (s *simulation) plan() ([]plannedBlock, error) {
	var out []plannedBlock
	number, time, step := s.base.Number.Uint64(), s.base.Time, s.calls.r.BlockSeconds()
	last := number + maxSimulatedBlocks
	for i := range s.args.BlockStateCalls {
		block := &s.args.BlockStateCalls[i]
		if block.Block == nil {
			block.Block = new(BlockOverride)
		}
		next := new(big.Int).SetUint64(number + 1)
		if block.Block.Number != nil {
			next = block.Block.Number.ToInt()
		}
		if next.Cmp(new(big.Int).SetUint64(number)) <= 0 {
			return nil, codedError(codeBlockNumber, "block numbers must be in order: %d <= %d", next, number)
		}
		if next.Cmp(new(big.Int).SetUint64(last)) > 0 {
			return nil, limitExceeded("too many blocks")
		}
		for number++; number < next.Uint64(); number++ {
			time += step
			out = append(out, plannedBlock{&SimulatedBlock{Block: new(BlockOverride)}, s.header(number, time)})
		}
		at := time + step
		if block.Block.Time != nil {
			at = uint64(*block.Block.Time)
		}
		if at <= time { // of a time near the largest, the next overflows
			return nil, codedError(codeBlockTime, "block timestamps must be in order: %d <= %d", at, time)
		}
		time = at
		out = append(out, plannedBlock{block, s.header(number, time)})
	}
	return out, nil
}

// header is what all simulated blocks begin with.
func (s *simulation) header(number, time uint64) *types.Header {
	h := &types.Header{
		Number: new(big.Int).SetUint64(number), Time: time, UncleHash: types.EmptyUncleHash,
		TxHash: types.EmptyTxsHash, ReceiptHash: types.EmptyReceiptsHash, Difficulty: new(big.Int).Set(s.base.Difficulty),
	}
	if s.calls.r.ChainConfig().IsPostMerge(number, time) {
		h.Difficulty = new(big.Int)
	}
	return h
}

// complete sets the fields of a header that depend on the block before: defaults first, then what was overridden.
func (s *simulation) complete(h, parent *types.Header, o *BlockOverride) {
	config := s.calls.r.ChainConfig()
	h.ParentHash, h.Coinbase, h.GasLimit = parent.Hash(), parent.Coinbase, parent.GasLimit
	if o.GasLimit != nil {
		h.GasLimit = uint64(*o.GasLimit)
	}
	if o.FeeRecipient != nil {
		h.Coinbase = *o.FeeRecipient
	}
	if o.PrevRandao != nil {
		h.MixDigest = common.Hash(*o.PrevRandao)
	}
	if config.IsLondon(h.Number) {
		h.BaseFee = s.baseFee(parent, o)
	}
	if !config.IsCancun(h.Number, h.Time) {
		return
	}
	h.ExcessBlobGas, h.ParentBeaconRoot = new(uint64), new(common.Hash)
	if config.IsCancun(parent.Number, parent.Time) {
		*h.ExcessBlobGas = eip4844.CalcExcessBlobGas(config, parent, h.Time)
	}
	if o.BeaconRoot != nil {
		*h.ParentBeaconRoot = *o.BeaconRoot
	}
}

// baseFee is 0 without validation, so that calls without fees need no balance.
func (s *simulation) baseFee(parent *types.Header, o *BlockOverride) *big.Int {
	switch {
	case o.BaseFeePerGas != nil:
		return o.BaseFeePerGas.ToInt()
	case s.args.Validation:
		if fee := s.calls.r.NextBaseFee(parent); fee != nil {
			return fee
		}
	}
	return new(big.Int)
}

// blockHash is BLOCKHASH in the simulated block of the given height: the chain's own up to the base, then the simulated
// blocks before.
func (s *simulation) blockHash(own func(uint64) common.Hash) func(uint64) common.Hash {
	return func(number uint64) common.Hash {
		base := s.base.Number.Uint64()
		if number <= base {
			return own(number)
		}
		if at := number - base - 1; at < uint64(len(s.headers)) {
			return s.headers[at].Hash()
		}
		return common.Hash{}
	}
}
