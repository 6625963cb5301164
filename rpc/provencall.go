package rpc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/vm"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// provenScene is a scene whose every read is proven.
type provenScene struct {
	scene
	p       *Proven
	failure func() error
}

// set opens the proven state and applies the overrides.
func (p *Proven) set(ctx context.Context, at *gethrpc.BlockNumberOrHash, accounts *StateOverride, block *BlockOverride) (*provenScene, error) {
	header, err := p.v.At(at)
	if err != nil {
		return nil, unavailable(err)
	}
	proven, err := p.v.Scene(ctx, header)
	if err != nil {
		return nil, unavailable(err)
	}
	s := &provenScene{scene{header: header.Header, state: proven.State, block: proven.Block}, p, proven.Failure}
	if err := block.apply(&s.block); err != nil {
		return nil, err
	}
	if accounts != nil {
		rules := p.v.ChainConfig().Rules(s.block.BlockNumber, s.block.Random != nil, s.block.Time)
		s.precompiles = maps.Clone(vm.ActivePrecompiledContracts(rules))
	}
	return s, accounts.apply(s.state, s.precompiles)
}

// run applies a message on a state of the scene. Fees of zero are allowed, as for Calls.run.
func (s *provenScene) run(ctx context.Context, statedb *state.StateDB, m *core.Message) (*core.ExecutionResult, error) {
	call := Call{Message: m, State: statedb, Block: s.block, Config: vm.Config{NoBaseFee: true}, Precompiles: s.precompiles}
	if m.GasPrice.IsZero() {
		call.Block.BaseFee = new(big.Int)
	}
	if m.BlobGasFeeCap != nil && m.BlobGasFeeCap.IsZero() {
		call.Block.BlobBaseFee = new(big.Int)
	}
	result, err := s.p.v.Apply(ctx, call)
	if missing := errors.Join(s.failure(), statedb.Error()); missing != nil {
		return nil, unavailable(missing) // a read that failed looks like a zero to the EVM: the result means nothing
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, fmt.Errorf("execution aborted (timeout = %v)", s.p.timeout)
	}
	return result, err
}

// Call answers eth_call, run here on a state whose every read is proven: the return data, or a RevertError.
func (p *Proven) Call(ctx context.Context, args CallArgs, at *gethrpc.BlockNumberOrHash, accounts *StateOverride, block *BlockOverride) (hexutil.Bytes, error) {
	ctx, end, err := p.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	s, message, err := p.prepare(ctx, args, at, accounts, block)
	if err != nil {
		return nil, err
	}
	result, err := s.run(ctx, s.state, message)
	var coded gethrpc.Error
	switch {
	case errors.As(err, &coded):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("err: %w (supplied gas %d)", err, message.GasLimit)
	case errors.Is(result.Err, vm.ErrExecutionReverted):
		return nil, NewRevertError(result.Revert())
	}
	return result.Return(), result.Err
}

// EstimateGas is Calls.EstimateGas on a proven state.
func (p *Proven) EstimateGas(ctx context.Context, args CallArgs, at *gethrpc.BlockNumberOrHash, accounts *StateOverride, block *BlockOverride) (hexutil.Uint64, error) {
	ctx, end, err := p.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer end()
	s, message, err := p.prepare(ctx, args, at, accounts, block)
	if err != nil {
		return 0, err
	}
	e := &estimator{run: s.run, rules: p.v.ChainConfig(), gasCap: p.gasCap, scene: &s.scene, message: message}
	high, err := e.ceiling(args.Gas)
	if err != nil {
		return 0, err
	}
	gas, err := e.search(ctx, high)
	if missing := s.failure(); missing != nil { // of what the search itself read
		return 0, unavailable(missing)
	}
	return hexutil.Uint64(gas), err
}

func (p *Proven) prepare(ctx context.Context, args CallArgs, at *gethrpc.BlockNumberOrHash, accounts *StateOverride, block *BlockOverride) (*provenScene, *core.Message, error) {
	if err := args.check(p.v.ChainConfig().ChainID); err != nil {
		return nil, nil, err
	}
	s, err := p.set(ctx, at, accounts, block)
	if err != nil {
		return nil, nil, err
	}
	message, err := args.message(s.block.BaseFee, p.gasCap)
	return s, message, err
}

// MaxPriorityFeePerGas is 0: a tip buys no place in the order.
func (p *Proven) MaxPriorityFeePerGas() *hexutil.Big { return suggestedTip() }

// GasPrice is advice: twice the base fee of the newest asserted block, since some blocks may have come on top of it.
func (p *Proven) GasPrice() (*hexutil.Big, error) {
	tag := gethrpc.BlockNumberOrHashWithNumber(gethrpc.SafeBlockNumber)
	header, err := p.v.At(&tag)
	if err != nil {
		return nil, unavailable(err)
	}
	return (*hexutil.Big)(new(big.Int).Lsh(header.Header.BaseFee, 1)), nil
}
