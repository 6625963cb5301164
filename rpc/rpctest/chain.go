// Package rpctest puts go-ethereum's own chain, core.BlockChain, behind the interfaces of package rpc, so that tests
// can serve a chain of Ethereum blocks with our handlers. It is used by tests only.
package rpctest

import (
	"context"
	"math/big"
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/beacon"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/consensus/misc/eip1559"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/params"

	"github.com/etherscale/bedrock/rpc"
)

// Chain is an archive of Ethereum blocks in memory.
type Chain struct {
	*core.BlockChain
	disk ethdb.Database

	safe, finalized atomic.Pointer[types.Header]

	mu          sync.Mutex
	subscribers map[chan struct{}]struct{}
}

var _ rpc.Backend = (*Chain)(nil)

// Open starts a chain at its genesis block. The caller stops it.
func Open(genesis *core.Genesis) (*Chain, error) {
	disk := rawdb.NewMemoryDatabase()
	config := core.DefaultConfig().WithArchive(true).WithStateScheme(rawdb.HashScheme)
	chain, err := core.NewBlockChain(disk, genesis, beacon.New(ethash.NewFaker()), config)
	if err != nil {
		return nil, err
	}
	return &Chain{BlockChain: chain, disk: disk, subscribers: make(map[chan struct{}]struct{})}, nil
}

// Insert appends blocks and tells the subscribers.
func (c *Chain) Insert(blocks ...*types.Block) error {
	if _, err := c.InsertChain(blocks); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for signal := range c.subscribers {
		select {
		case signal <- struct{}{}:
		default:
		}
	}
	return nil
}

// SetTags chooses what safe and finalized mean.
func (c *Chain) SetTags(safe, finalized *types.Header) {
	c.safe.Store(safe)
	c.finalized.Store(finalized)
}

// ChainConfig implements rpc.Backend.
func (c *Chain) ChainConfig() *params.ChainConfig { return c.Config() }

// Disk implements rpc.Backend.
func (c *Chain) Disk() ethdb.Database { return c.disk }

// Head implements rpc.Backend.
func (c *Chain) Head() *types.Header { return c.CurrentBlock() }

// Safe implements rpc.Backend.
func (c *Chain) Safe() *types.Header { return c.safe.Load() }

// Finalized implements rpc.Backend.
func (c *Chain) Finalized() *types.Header { return c.finalized.Load() }

// StateAt implements rpc.Backend.
func (c *Chain) StateAt(header *types.Header) (*state.StateDB, error) {
	return c.BlockChain.StateAt(header.Root, header.Number, header.Time)
}

// BlockContext implements rpc.Backend.
func (c *Chain) BlockContext(header *types.Header) vm.BlockContext {
	return core.NewEVMBlockContext(header, c.BlockChain, nil)
}

// Preamble implements rpc.Backend.
func (c *Chain) Preamble(header *types.Header, parent *state.StateDB) error {
	evm := vm.NewEVM(c.BlockContext(header), parent, c.Config(), vm.Config{})
	defer evm.Release()
	before := c.GetHeader(header.ParentHash, header.Number.Uint64()-1)
	core.PreExecution(context.Background(), header.ParentBeaconRoot, before, c.Config(), evm, header.Number, header.Time)
	return parent.Error()
}

// BeginSimulated implements rpc.Backend.
func (c *Chain) BeginSimulated(header *types.Header, parent *state.StateDB) error {
	evm := vm.NewEVM(c.BlockContext(header), parent, c.Config(), vm.Config{})
	defer evm.Release()
	if header.ParentBeaconRoot != nil {
		core.ProcessBeaconBlockRoot(*header.ParentBeaconRoot, evm, nil)
	}
	if c.Config().IsPrague(header.Number, header.Time) {
		core.ProcessParentBlockHash(header.ParentHash, evm, nil)
	}
	return parent.Error()
}

// EndSimulated implements rpc.Backend.
func (c *Chain) EndSimulated(header *types.Header, after *state.StateDB, logs []*types.Log, withdrawals types.Withdrawals) ([][]byte, error) {
	evm := vm.NewEVM(c.BlockContext(header), after, c.Config(), vm.Config{})
	defer evm.Release()
	requests, _, err := core.PostExecution(context.Background(), c.Config(), header.Number, header.Time, logs, withdrawals, evm, 0)
	if err != nil {
		return nil, err
	}
	c.Engine().Finalize(c, header, after, &types.Body{Withdrawals: withdrawals})
	return requests, after.Error()
}

// SystemContracts implements rpc.Backend.
func (c *Chain) SystemContracts(at uint64) map[string]common.Address {
	return c.Config().ActiveSystemContracts(at)
}

// BlobSchedule implements rpc.Backend.
func (c *Chain) BlobSchedule(at uint64) *params.BlobConfig {
	return c.Config().BlobConfig(c.Config().LatestFork(at))
}

// BlockSeconds implements rpc.Backend.
func (c *Chain) BlockSeconds() uint64 { return 12 }

// StateWindow implements rpc.Backend.
func (c *Chain) Pruned() uint64 { return 0 }

func (c *Chain) StateWindow() uint64 { return 0 }

// Apply implements rpc.Backend.
func (c *Chain) Apply(ctx context.Context, call rpc.Call) (*core.ExecutionResult, error) {
	var statedb vm.StateDB = call.State
	if call.Config.Tracer != nil {
		statedb = state.NewHookedState(call.State, call.Config.Tracer)
	}
	evm := vm.NewEVM(call.Block, statedb, c.Config(), call.Config)
	defer evm.Release()
	if call.Precompiles != nil {
		evm.SetPrecompiles(call.Precompiles)
	}
	defer context.AfterFunc(ctx, evm.Cancel)()
	return core.ApplyMessage(evm, call.Message, nil)
}

// NextBaseFee implements rpc.Backend.
func (c *Chain) NextBaseFee(header *types.Header) *big.Int {
	if !c.Config().IsLondon(new(big.Int).Add(header.Number, common.Big1)) {
		return nil
	}
	return eip1559.CalcBaseFee(c.Config(), header)
}

// NewHeads implements rpc.Backend.
func (c *Chain) NewHeads() (<-chan struct{}, func()) {
	signal := make(chan struct{}, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subscribers[signal] = struct{}{}
	return signal, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.subscribers, signal)
	}
}
