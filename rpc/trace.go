package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/eth/tracers"
	"github.com/ethereum/go-ethereum/eth/tracers/logger"
	_ "github.com/ethereum/go-ethereum/eth/tracers/native" // callTracer, prestateTracer and the other built-in tracers
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// maxTraceBytes bounds the answer to one request, and the step log of one transaction.
const maxTraceBytes = 64 << 20

// Why there is nothing to trace; a state that is not kept any more is a StateGoneError.
var (
	ErrNotFound = errors.New("not found")
	ErrGenesis  = errors.New("genesis is not traceable")
)

// Tracing serves debug_trace*: it runs a block again with the backend's own Preamble and Apply, so that what is traced
// is what was executed. go-ethereum's tracers are used, not its tracing API, which knows neither our meter nor limits.
type Tracing struct {
	r     *reader
	calls *Calls
}

// TraceConfig chooses a built-in tracer by name ("callTracer", "prestateTracer", ...); without one, every step is
// logged as the embedded options say.
type TraceConfig struct {
	*logger.Config
	Tracer       *string
	TracerConfig json.RawMessage
	Timeout      *string // Go's notation ("2s"); only what is shorter than the server's own limit counts
}

func (c *TraceConfig) named() bool { return c != nil && c.Tracer != nil && *c.Tracer != "" }

// TraceResult is the trace of one transaction of a block.
type TraceResult struct {
	TxHash common.Hash     `json:"txHash"`
	Result json.RawMessage `json:"result"`
}

// TraceTransaction answers debug_traceTransaction.
func (t *Tracing) TraceTransaction(ctx context.Context, hash common.Hash, config *TraceConfig) (json.RawMessage, error) {
	block, index := t.r.place(hash)
	if block == nil {
		return nil, fmt.Errorf("transaction %w", ErrNotFound)
	}
	results, err := t.trace(ctx, block, int(index), config)
	if err != nil {
		return nil, err
	}
	return results[0].Result, nil
}

// TraceBlockByNumber answers debug_traceBlockByNumber.
func (t *Tracing) TraceBlockByNumber(ctx context.Context, number gethrpc.BlockNumber, config *TraceConfig) ([]TraceResult, error) {
	block := t.r.byNumber(ctx, number)
	if block == nil {
		return nil, fmt.Errorf("block #%d %w", number, ErrNotFound)
	}
	return t.trace(ctx, block, -1, config)
}

// TraceBlockByHash answers debug_traceBlockByHash.
func (t *Tracing) TraceBlockByHash(ctx context.Context, hash common.Hash, config *TraceConfig) ([]TraceResult, error) {
	block := t.r.block(t.r.headerOf(hash))
	if block == nil {
		return nil, fmt.Errorf("block %s %w", hash, ErrNotFound)
	}
	return t.trace(ctx, block, -1, config)
}

// begin checks the configuration, waits for the request's turn and bounds its time.
func (t *Tracing) begin(ctx context.Context, config *TraceConfig) (within context.Context, end func(), err error) {
	limit := t.calls.timeout
	if config.named() {
		if err := builtIn(*config.Tracer, config.TracerConfig); err != nil {
			return nil, nil, err
		}
	}
	if config != nil && config.Timeout != nil {
		asked, err := time.ParseDuration(*config.Timeout)
		if err != nil || asked <= 0 {
			return nil, nil, invalidParams("timeout %.40q is no duration like \"2s\"", *config.Timeout)
		}
		limit = min(limit, asked)
	}
	ctx, free, err := t.calls.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	within, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("tracing aborted (timeout = %v)", limit))
	return within, func() { cancel(); free() }, nil
}

// builtIn refuses scripts, also where they stand among the tracers that muxTracer runs: without a JavaScript engine
// go-ethereum panics at them.
func builtIn(name string, config json.RawMessage) error {
	if tracers.DefaultDirectory.IsJS(name) {
		return invalidParams("tracer %.40q is not built in", name)
	}
	if name != "muxTracer" {
		return nil
	}
	var inner map[string]json.RawMessage
	if config != nil && json.Unmarshal(config, &inner) != nil {
		return invalidParams("the tracerConfig of muxTracer has the configurations of tracers by their names")
	}
	for _, name := range slices.Sorted(maps.Keys(inner)) {
		if name == "muxTracer" || tracers.DefaultDirectory.IsJS(name) {
			return invalidParams("tracer %.40q is not built in, or not to be run by another", name)
		}
	}
	return nil
}

// trace runs the block from its parent's state. It traces the transaction with the given index, or all if negative.
func (t *Tracing) trace(ctx context.Context, block *types.Block, only int, config *TraceConfig) ([]TraceResult, error) {
	ctx, end, err := t.begin(ctx, config)
	if err != nil {
		return nil, err
	}
	defer end()
	statedb, err := t.before(ctx, block, max(only, 0))
	if err != nil {
		return nil, err
	}
	results, size := []TraceResult{}, 0
	for i, tx := range block.Transactions() {
		if only >= 0 && i != only {
			continue
		}
		place := &tracers.Context{BlockHash: block.Hash(), BlockNumber: block.Number(), TxIndex: i, TxHash: tx.Hash()}
		result, err := t.one(ctx, block.Header(), statedb, tx, place, config)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("tracing transaction %s: %w", tx.Hash(), err)
		}
		if size += len(result.Result); size > maxTraceBytes {
			return nil, limitExceeded("the traces are larger than %d bytes: trace single transactions", maxTraceBytes)
		}
		results = append(results, result)
	}
	return results, nil
}

// before is the state before the transaction of a block with the given index, with the block's system calls made.
func (t *Tracing) before(ctx context.Context, block *types.Block, index int) (*state.StateDB, error) {
	header := block.Header()
	if header.Number.Sign() == 0 {
		return nil, ErrGenesis
	}
	parent := gethrpc.BlockNumberOrHashWithHash(header.ParentHash, false)
	statedb, _, err := t.r.state(&parent)
	if err != nil {
		return nil, err
	}
	if err := t.r.Preamble(header, statedb); err != nil {
		return nil, err
	}
	for i, tx := range block.Transactions()[:min(index, len(block.Transactions()))] {
		statedb.SetTxContext(tx.Hash(), i, uint32(i+1))
		_, err := t.apply(ctx, header, statedb, tx, nil)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("transaction %s: %w", tx.Hash(), err)
		}
	}
	return statedb, nil
}

// one applies a transaction with a tracer and returns what the tracer says.
func (t *Tracing) one(ctx context.Context, header *types.Header, statedb *state.StateDB, tx *types.Transaction, place *tracers.Context, config *TraceConfig) (TraceResult, error) {
	from, _ := types.Sender(t.r.signer(header), tx)
	statedb.SetTxContext(tx.Hash(), place.TxIndex, uint32(place.TxIndex+1))
	out, err := t.traced(ctx, t.r.BlockContext(header), statedb, tx, from, place, config, func(hooks *tracing.Hooks) (*core.ExecutionResult, error) {
		return t.apply(ctx, header, statedb, tx, hooks)
	})
	return TraceResult{TxHash: tx.Hash(), Result: out}, err
}

// traced runs a transaction under a new tracer and returns what the tracer says.
func (t *Tracing) traced(ctx context.Context, block vm.BlockContext, statedb *state.StateDB, tx *types.Transaction, from common.Address, place *tracers.Context,
	config *TraceConfig, run func(*tracing.Hooks) (*core.ExecutionResult, error)) (json.RawMessage, error) {
	tracer, err := t.tracer(place, config)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { tracer.Stop(context.Cause(ctx)) })()
	if tracer.OnTxStart != nil {
		tracer.OnTxStart(vmContext(block, statedb), tx, from)
	}
	result, err := run(tracer.Hooks)
	if err != nil {
		return nil, err
	}
	if tracer.OnTxEnd != nil {
		tracer.OnTxEnd(&types.Receipt{GasUsed: result.UsedGas, TxHash: tx.Hash()}, nil)
	}
	return tracer.GetResult()
}

func (t *Tracing) tracer(place *tracers.Context, config *TraceConfig) (*tracers.Tracer, error) {
	if config == nil {
		config = &TraceConfig{}
	}
	if config.named() {
		return tracers.DefaultDirectory.New(*config.Tracer, place, config.TracerConfig, t.r.ChainConfig())
	}
	return stepLog(config.Config), nil
}

func (t *Tracing) apply(ctx context.Context, header *types.Header, statedb *state.StateDB, tx *types.Transaction, hooks *tracing.Hooks) (*core.ExecutionResult, error) {
	message, err := core.TransactionToMessage(tx, t.r.signer(header), header.BaseFee)
	if err != nil {
		return nil, err
	}
	block := t.r.BlockContext(header)
	result, err := t.r.Apply(ctx, Call{Message: message, State: statedb, Block: block, Config: vm.Config{Tracer: hooks}})
	if err == nil {
		err = statedb.Error()
	}
	if err != nil {
		return nil, err
	}
	statedb.Finalise(t.r.ChainConfig().Rules(header.Number, block.Random != nil, header.Time))
	return result, nil
}

func vmContext(block vm.BlockContext, statedb *state.StateDB) *tracing.VMContext {
	return &tracing.VMContext{
		Coinbase: block.Coinbase, BlockNumber: new(big.Int).Set(block.BlockNumber), Time: block.Time,
		Random: block.Random, BaseFee: block.BaseFee, StateDB: statedb,
	}
}
