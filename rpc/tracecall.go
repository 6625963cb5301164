package rpc

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/eth/tracers"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// TraceCallConfig is a TraceConfig with overrides, and with the place in the block at which the call is made: before
// the transaction with that index; without one, after the block.
type TraceCallConfig struct {
	TraceConfig
	StateOverrides *StateOverride
	BlockOverrides *BlockOverride
	TxIndex        *hexutil.Uint
}

// TraceCall answers debug_traceCall: the trace of a call that is not part of the chain.
func (t *Tracing) TraceCall(ctx context.Context, args CallArgs, at *gethrpc.BlockNumberOrHash, config *TraceCallConfig) (json.RawMessage, error) {
	if config == nil {
		config = new(TraceCallConfig)
	}
	ctx, end, err := t.begin(ctx, &config.TraceConfig)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := args.consistent(t.r.ChainConfig().ChainID); err != nil {
		return nil, err
	}
	s, err := t.scene(ctx, at, config)
	if err != nil {
		return nil, err
	}
	message, err := args.message(s.block.BaseFee, t.calls.gasCap)
	if err != nil {
		return nil, err
	}
	tx := args.transaction(message, t.r.ChainConfig().ChainID, s.block.BaseFee == nil)
	out, err := t.traced(ctx, s.block, s.state, tx, message.From, new(tracers.Context), &config.TraceConfig, func(hooks *tracing.Hooks) (*core.ExecutionResult, error) {
		return t.calls.run(ctx, s, s.state, message, vm.Config{Tracer: hooks})
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("tracing failed: %w", err)
	}
	return out, nil
}

// scene is where the call runs.
func (t *Tracing) scene(ctx context.Context, at *gethrpc.BlockNumberOrHash, config *TraceCallConfig) (*scene, error) {
	if config.TxIndex == nil {
		return t.calls.set(at, config.StateOverrides, config.BlockOverrides)
	}
	header, err := t.r.header(at)
	if err != nil {
		return nil, err
	}
	block := t.r.block(header)
	if block == nil {
		return nil, ErrNoHeader
	}
	statedb, err := t.before(ctx, block, int(*config.TxIndex))
	if err != nil {
		return nil, err
	}
	return t.calls.dress(&scene{header: header, state: statedb, block: t.r.BlockContext(header)}, config.StateOverrides, config.BlockOverrides)
}
