package rpc

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"github.com/holiman/uint256"
)

// estimateError is how far above the lowest sufficient gas limit an estimate may be, in thousandths. Wallets add more
// than that on top, and each halving costs a run.
const estimateError = 15

// EstimateGas finds a gas limit at most 1.5 % above the lowest with which the transaction succeeds.
//
// It searches with the backend's own Apply instead of go-ethereum's estimator, so that a transaction that the chain's
// meter would stop is not estimated as if there were none.
func (c *Calls) EstimateGas(ctx context.Context, args CallArgs, at *gethrpc.BlockNumberOrHash, accounts *StateOverride, block *BlockOverride) (hexutil.Uint64, error) {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer end()
	if err := args.check(c.r.ChainConfig().ChainID); err != nil {
		return 0, err
	}
	s, err := c.set(at, accounts, block)
	if err != nil {
		return 0, err
	}
	message, err := args.message(s.block.BaseFee, c.gasCap)
	if err != nil {
		return 0, err
	}
	run := func(ctx context.Context, statedb *state.StateDB, m *core.Message) (*core.ExecutionResult, error) {
		return c.run(ctx, s, statedb, m, vm.Config{})
	}
	e := &estimator{run: run, rules: c.r.ChainConfig(), gasCap: c.gasCap, scene: s, message: message}
	high, err := e.ceiling(args.Gas)
	if err != nil {
		return 0, err
	}
	gas, err := e.search(ctx, high)
	return hexutil.Uint64(gas), err
}

type estimator struct {
	run     func(context.Context, *state.StateDB, *core.Message) (*core.ExecutionResult, error)
	rules   *params.ChainConfig
	gasCap  uint64
	scene   *scene
	message *core.Message
}

// ceiling is the most gas the transaction could have: what was asked for or the block's limit, the cap of one
// transaction, what the sender can pay, and the server's cap.
func (e *estimator) ceiling(asked *hexutil.Uint64) (uint64, error) {
	high := e.scene.block.GasLimit
	if asked != nil && uint64(*asked) >= params.TxGas {
		high = uint64(*asked)
	}
	if e.rules.IsOsaka(e.scene.block.BlockNumber, e.scene.block.Time) {
		high = min(high, params.MaxTxGas)
	}
	if m := e.message; !m.GasFeeCap.IsZero() {
		available := e.scene.state.GetBalance(m.From).Clone()
		if m.Value.Gt(available) {
			return 0, core.ErrInsufficientFundsForTransfer
		}
		available.Sub(available, m.Value)
		if blobs := len(m.BlobHashes); blobs > 0 {
			cost := new(uint256.Int).Mul(m.BlobGasFeeCap, uint256.NewInt(params.BlobTxBlobGasPerBlob*uint64(blobs)))
			if cost.Gt(available) {
				return 0, core.ErrInsufficientFunds
			}
			available.Sub(available, cost)
		}
		if afford := available.Div(available, m.GasFeeCap); afford.IsUint64() {
			high = min(high, afford.Uint64())
		}
	}
	return min(high, e.gasCap), nil
}

// search halves between a limit known to fail and one known to succeed.
func (e *estimator) search(ctx context.Context, high uint64) (uint64, error) {
	if m := e.message; len(m.Data) == 0 && m.To != nil && e.scene.state.GetCodeSize(*m.To) == 0 && high >= params.TxGas {
		if result, err := e.try(ctx, params.TxGas); err == nil && result != nil && !result.Failed() {
			return result.UsedGas, nil // a plain transfer: exact
		}
	}
	result, err := e.try(ctx, high)
	if err != nil {
		return 0, err
	}
	if result == nil || errors.Is(result.Err, vm.ErrOutOfGas) {
		return 0, fmt.Errorf("gas required exceeds allowance (%d)", high)
	}
	if errors.Is(result.Err, vm.ErrExecutionReverted) {
		return 0, NewRevertError(result.Revert())
	}
	if result.Err != nil {
		return 0, result.Err
	}
	low := result.UsedGas - 1
	// The first guess is nearly always right: what the run needed at its peak, and the 64th that a caller keeps back.
	next := (result.MaxUsedGas + params.CallStipend) * 64 / 63
	for low+1 < high && (high-low)*1000 >= high*estimateError {
		if next <= low || next >= high {
			next = min(low+(high-low)/2, 2*low)
		}
		result, err := e.try(ctx, next)
		if err != nil {
			return 0, err
		}
		if result == nil || result.Failed() {
			low = next
		} else {
			high = next
		}
		next = 0
	}
	return high, nil
}

// try runs with the given limit on a copy of the state. The result is nil if the limit does not even cover what a
// transaction costs before it runs.
func (e *estimator) try(ctx context.Context, gas uint64) (*core.ExecutionResult, error) {
	message := *e.message
	message.GasLimit = gas
	result, err := e.run(ctx, e.scene.state.Copy(), &message)
	if errors.Is(err, core.ErrIntrinsicGas) || errors.Is(err, core.ErrFloorDataGas) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("failed with %d gas: %w", gas, err)
	}
	return result, nil
}
