// Package backend puts our execution and our transaction pool behind the interfaces of package rpc. It is the only
// place that knows both sides; whoever assembles a node needs no go-ethereum type to use it.
package backend

import (
	"context"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// Tags says how far what the block tags stand for has come. Methods are called concurrently; what they return never
// falls. The genesis block, height 0, is safe and settled from the start.
type Tags interface {
	Safe() types.Height      // newest height up to which every block is certified and available to this peer
	Finalized() types.Height // newest settled height
}

// Chain serves an executed chain.
type Chain struct {
	chain *execution.Chain
	vault common.Address
	tags  Tags
}

var _ rpc.Backend = (*Chain)(nil)

// New wraps an open chain.
func New(chain *execution.Chain, tags Tags) *Chain { return &Chain{chain, chain.Rules().Vault, tags} }

// ChainConfig is the rules.
func (c *Chain) ChainConfig() *params.ChainConfig { return c.chain.ChainConfig() }

// Disk is execution's database.
func (c *Chain) Disk() ethdb.Database { return c.chain.Disk() }

// Head is the newest executed block.
func (c *Chain) Head() *ethtypes.Header { return c.chain.Head() }

// Safe is the newest executed block that is certified and sampled.
func (c *Chain) Safe() *ethtypes.Header { return c.upTo(c.tags.Safe()) }

// Finalized is the newest executed block that is settled.
func (c *Chain) Finalized() *ethtypes.Header { return c.upTo(c.tags.Finalized()) }

func (c *Chain) upTo(height types.Height) *ethtypes.Header {
	number := min(uint64(height), uint64(c.chain.Height()))
	return rawdb.ReadHeader(c.Disk(), rawdb.ReadCanonicalHash(c.Disk(), number), number)
}

// StateAt opens a recent state.
func (c *Chain) StateAt(header *ethtypes.Header) (*state.StateDB, error) {
	return c.chain.StateAt(header.Root)
}

// BlockContext is the environment of the block. A call may pretend to be in a later block; the digests of headers that
// are not there yet are then zero.
func (c *Chain) BlockContext(header *ethtypes.Header) vm.BlockContext {
	block, _ := c.chain.BlockContext(header) // its error is always nil
	digest := block.GetHash
	block.GetHash = func(height uint64) common.Hash {
		if height > uint64(c.chain.Height()) {
			return common.Hash{}
		}
		return digest(height)
	}
	return block
}

// Preamble makes the block's system calls, as execution makes them.
func (c *Chain) Preamble(header *ethtypes.Header, parent *state.StateDB) error {
	return c.chain.Preamble(header, parent)
}

// BeginSimulated makes the system calls that need nothing but the block's header: EIP-4788 and EIP-2935. Those of the
// bonding contract follow from votes, and a simulated block has none.
func (c *Chain) BeginSimulated(header *ethtypes.Header, parent *state.StateDB) error {
	evm := vm.NewEVM(c.BlockContext(header), parent, c.ChainConfig(), vm.Config{})
	defer evm.Release()
	core.ProcessBeaconBlockRoot(*header.ParentBeaconRoot, evm, nil)
	core.ProcessParentBlockHash(header.ParentHash, evm, nil)
	return parent.Error()
}

// EndSimulated pays withdrawals, which only a simulated block can have; requests there are none.
func (c *Chain) EndSimulated(_ *ethtypes.Header, after *state.StateDB, _ []*ethtypes.Log, withdrawals ethtypes.Withdrawals) ([][]byte, error) {
	for _, w := range withdrawals {
		amount := new(uint256.Int).SetUint64(w.Amount)
		after.AddBalance(w.Address, amount.Mul(amount, uint256.NewInt(params.GWei)), tracing.BalanceIncreaseWithdrawal)
	}
	return [][]byte{}, after.Error()
}

// SystemContracts are those of EIP-4788 and EIP-2935 and, where there is one, the bonding contract. Deposits, withdrawals
// and consolidations belong to a beacon chain.
func (c *Chain) SystemContracts(uint64) map[string]common.Address {
	out := map[string]common.Address{"BEACON_ROOTS_ADDRESS": params.BeaconRootsAddress, "HISTORY_STORAGE_ADDRESS": params.HistoryStorageAddress}
	if c.chain.Rules().Bonded {
		out["BONDS_ADDRESS"] = c.vault
	}
	return out
}

// BlobSchedule is nil: blob transactions are refused.
func (c *Chain) BlobSchedule(uint64) *params.BlobConfig { return nil }

// BlockSeconds is 1: blocks are closer together than the EVM's clock can tell.
func (c *Chain) BlockSeconds() uint64 { return 1 }

// Pruned implements rpc.Backend.
func (c *Chain) Pruned() uint64 { return uint64(c.chain.Pruned()) }

// StateWindow is the head and the 128 blocks below it.
func (c *Chain) StateWindow() uint64 { return 129 }

// Apply runs a message under the meter. If it has a price, the vault gets the base fee, as in a block.
func (c *Chain) Apply(ctx context.Context, call rpc.Call) (*core.ExecutionResult, error) {
	var view vm.StateDB = call.State
	if call.Config.Tracer != nil {
		view = state.NewHookedState(call.State, call.Config.Tracer)
	}
	var (
		evm   *vm.EVM
		meter *execution.Meter
	)
	call.Config.Tracer = metered(call.Config.Tracer, func() bool { return meter.Exceeded() })
	evm, meter = c.chain.NewEVM(call.Block, view, call.Config)
	defer evm.Release()
	if call.Precompiles != nil {
		evm.SetPrecompiles(call.Precompiles)
	}
	defer context.AfterFunc(ctx, evm.Cancel)()
	snapshot := call.State.Snapshot()
	result, err := core.ApplyMessage(evm, call.Message, core.NewGasPool(call.Message.GasLimit))
	switch {
	case meter.Exceeded():
		call.State.RevertToSnapshot(snapshot)
		c.exhaust(call)
		gas := call.Message.GasLimit
		return &core.ExecutionResult{UsedGas: gas, MaxUsedGas: gas, Err: vm.ErrOutOfGas}, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	}
	if !call.Message.GasPrice.IsZero() {
		base, _ := uint256.FromBig(call.Block.BaseFee)
		c.pay(call.State, base.Mul(base, uint256.NewInt(result.UsedGas)))
	}
	return result, nil
}

// metered lets a tracer see that the meter ended the frames it ended: the EVM, which was only told to stop, takes that
// for a success.
func metered(hooks *tracing.Hooks, exceeded func() bool) *tracing.Hooks {
	if hooks == nil || hooks.OnExit == nil {
		return hooks
	}
	out := *hooks
	out.OnExit = func(depth int, output []byte, gas uint64, err error, reverted bool) {
		if err == nil && exceeded() {
			output, err, reverted = nil, vm.ErrOutOfGas, true
		}
		hooks.OnExit(depth, output, gas, err, reverted)
	}
	return &out
}

// exhaust has the effects of a transaction that the meter stopped: all gas charged, nonce used.
func (c *Chain) exhaust(call rpc.Call) {
	m := call.Message
	cost := new(uint256.Int).Mul(uint256.NewInt(m.GasLimit), m.GasPrice)
	call.State.SubBalance(m.From, cost, tracing.BalanceDecreaseGasBuy)
	call.State.SetNonce(m.From, m.Nonce+1, tracing.NonceChangeEoACall)
	c.pay(call.State, cost)
}

func (c *Chain) pay(statedb *state.StateDB, amount *uint256.Int) {
	statedb.AddBalance(c.vault, amount, tracing.BalanceIncreaseRewardTransactionFee)
}

// NextBaseFee foretells the base fee of the block after the given one: that of a block one interval later. Blocks are
// at least that far apart, and a later one costs no more.
func (c *Chain) NextBaseFee(header *ethtypes.Header) *big.Int { return c.chain.NextBaseFee(header) }

// NewHeads signals that the head has moved.
func (c *Chain) NewHeads() (<-chan struct{}, func()) { return c.chain.SubscribeSignal() }
