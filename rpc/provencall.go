package rpc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/vm"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// Call answers eth_call, run here on a state whose every read is proven: the return data, or a RevertError.
func (p *Proven) Call(ctx context.Context, args CallArgs, at *gethrpc.BlockNumberOrHash, accounts *StateOverride, block *BlockOverride) (hexutil.Bytes, error) {
	ctx, end, err := p.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := args.check(p.v.ChainConfig().ChainID); err != nil {
		return nil, err
	}
	header, err := p.v.At(at)
	if err != nil {
		return nil, unavailable(err)
	}
	s, err := p.v.Scene(ctx, header)
	if err != nil {
		return nil, unavailable(err)
	}
	call := Call{State: s.State, Block: s.Block, Config: vm.Config{NoBaseFee: true}}
	if err := block.apply(&call.Block); err != nil {
		return nil, err
	}
	if accounts != nil {
		rules := p.v.ChainConfig().Rules(call.Block.BlockNumber, call.Block.Random != nil, call.Block.Time)
		call.Precompiles = maps.Clone(vm.ActivePrecompiledContracts(rules))
	}
	if err := accounts.apply(s.State, call.Precompiles); err != nil {
		return nil, err
	}
	if call.Message, err = args.message(call.Block.BaseFee, p.gasCap); err != nil {
		return nil, err
	}
	if call.Message.GasPrice.IsZero() {
		call.Block.BaseFee = new(big.Int)
	}
	result, err := p.v.Apply(ctx, call)
	if missing := errors.Join(s.Failure(), s.State.Error()); missing != nil {
		return nil, unavailable(missing) // a read that failed looks like a zero to the EVM: the result means nothing
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("execution aborted (timeout = %v)", p.timeout)
	case err != nil:
		return nil, fmt.Errorf("err: %w (supplied gas %d)", err, call.Message.GasLimit)
	case errors.Is(result.Err, vm.ErrExecutionReverted):
		return nil, NewRevertError(result.Revert())
	}
	return result.Return(), result.Err
}
