package rpc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// Calls serves the eth_ methods that run the EVM without changing anything.
type Calls struct {
	r       *reader
	gasCap  uint64
	timeout time.Duration
	slots   chan struct{} // as many requests run the EVM at once as fit; the others wait within their time
}

// begin bounds the time of a request and waits for its turn; the caller calls end.
func (c *Calls) begin(ctx context.Context) (within context.Context, end func(), err error) {
	within, cancel := context.WithTimeout(ctx, c.timeout)
	select {
	case c.slots <- struct{}{}:
		return within, func() { <-c.slots; cancel() }, nil
	case <-within.Done():
		cancel()
		return nil, nil, limitExceeded("too many calls are running (waited %v): try again", c.timeout)
	}
}

// scene is where a call runs: a state of its own, the block around it and the precompiles.
type scene struct {
	header      *types.Header
	state       *state.StateDB
	block       vm.BlockContext
	precompiles vm.PrecompiledContracts // nil: those of the rules
}

// set opens the state and applies the overrides.
func (c *Calls) set(at *gethrpc.BlockNumberOrHash, accounts *StateOverride, block *BlockOverride) (*scene, error) {
	statedb, header, err := c.r.state(at)
	if err != nil {
		return nil, err
	}
	return c.dress(&scene{header: header, state: statedb, block: c.r.BlockContext(header)}, accounts, block)
}

// dress applies overrides to a scene.
func (c *Calls) dress(s *scene, accounts *StateOverride, block *BlockOverride) (*scene, error) {
	if err := block.apply(&s.block); err != nil {
		return nil, err
	}
	if accounts != nil {
		rules := c.r.ChainConfig().Rules(s.block.BlockNumber, s.block.Random != nil, s.block.Time)
		s.precompiles = maps.Clone(vm.ActivePrecompiledContracts(rules))
	}
	return s, accounts.apply(s.state, s.precompiles)
}

// run applies a message on the given state. Fees of zero are allowed: the base fee is then zero too, because the EVM
// holds a price at or above it.
func (c *Calls) run(ctx context.Context, s *scene, statedb *state.StateDB, m *core.Message, config vm.Config) (*core.ExecutionResult, error) {
	block := s.block
	if m.GasPrice.IsZero() {
		block.BaseFee = new(big.Int)
	}
	if m.BlobGasFeeCap != nil && m.BlobGasFeeCap.IsZero() {
		block.BlobBaseFee = new(big.Int)
	}
	config.NoBaseFee = true
	result, err := c.r.Apply(ctx, Call{Message: m, State: statedb, Block: block, Config: config, Precompiles: s.precompiles})
	if missing := statedb.Error(); missing != nil {
		return nil, missing // a read that failed looks like a zero to the EVM: the result means nothing
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, fmt.Errorf("execution aborted (timeout = %v)", c.timeout)
	}
	return result, err
}

// Call answers eth_call: the return data, or a RevertError.
func (c *Calls) Call(ctx context.Context, args CallArgs, at *gethrpc.BlockNumberOrHash, accounts *StateOverride, block *BlockOverride) (hexutil.Bytes, error) {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := args.check(c.r.ChainConfig().ChainID); err != nil {
		return nil, err
	}
	s, err := c.set(at, accounts, block)
	if err != nil {
		return nil, err
	}
	message, err := args.message(s.block.BaseFee, c.gasCap)
	if err != nil {
		return nil, err
	}
	result, err := c.run(ctx, s, s.state, message, vm.Config{})
	if err != nil {
		return nil, fmt.Errorf("err: %w (supplied gas %d)", err, message.GasLimit)
	}
	if errors.Is(result.Err, vm.ErrExecutionReverted) {
		return nil, NewRevertError(result.Revert())
	}
	return result.Return(), result.Err
}
