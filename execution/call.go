package execution

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"

	"github.com/etherscale/bedrock/types"
)

// Call runs a message that is not part of a block, under the meter that transactions run under: one that needs more
// than Rules.ChunkBytes ends out of gas with all its gas used and no effect on the state. The call ends early when ctx
// does; its error is then ctx's. Other errors are go-ethereum's refusals. Precompiles nil means those of the rules.
func (c *Chain) Call(ctx context.Context, msg *core.Message, s *state.StateDB, block vm.BlockContext, config vm.Config,
	precompiles vm.PrecompiledContracts) (*core.ExecutionResult, error) {
	return c.rules.Call(ctx, msg, s, block, config, precompiles)
}

// Call is Chain.Call on a state from elsewhere.
func (r *Rules) Call(ctx context.Context, msg *core.Message, s *state.StateDB, block vm.BlockContext, config vm.Config,
	precompiles vm.PrecompiledContracts) (*core.ExecutionResult, error) {
	evm, meter := r.newEVM(r.ChainConfig(), block, s, config)
	defer evm.Release()
	if precompiles != nil {
		evm.SetPrecompiles(precompiles)
	}
	stop := context.AfterFunc(ctx, evm.Cancel)
	defer stop()
	snapshot := s.Snapshot()
	result, err := core.ApplyMessage(evm, msg, core.NewGasPool(max(msg.GasLimit, block.GasLimit)))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if meter.Exceeded() {
		s.RevertToSnapshot(snapshot)
		return &core.ExecutionResult{UsedGas: msg.GasLimit, MaxUsedGas: msg.GasLimit, Err: vm.ErrOutOfGas}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.Error(); err != nil {
		return nil, fmt.Errorf("state of the call: %w", err)
	}
	return result, nil
}

// Preamble makes the system calls of an executed block on a state, for tracing its transactions.
func (c *Chain) Preamble(h *ethtypes.Header, s *state.StateDB) error {
	header, err := c.Header(types.Height(h.Number.Uint64()))
	if err != nil {
		return err
	}
	env := &Env{Rules: &c.rules, Header: header, BaseFee: h.BaseFee.Uint64(), Hash: c.digest}
	evm := vm.NewEVM(env.context(), s, c.chainConfig, vm.Config{})
	defer evm.Release()
	before, err := c.LastClaim(header.Height - 1)
	if err != nil {
		return err
	}
	_ = env.preamble(evm, before.Root) // what the bonding contract refuses is of no consequence for the block either
	return s.Error()
}

// NextBaseFee is the base fee of the block after h, if it closes one block interval later.
func (c *Chain) NextBaseFee(h *ethtypes.Header) *big.Int {
	interval := types.Time(c.config.Genesis.BlockInterval)
	if h.Number.Sign() == 0 {
		return new(big.Int).SetUint64(c.rules.BaseFee)
	}
	return new(big.Int).SetUint64(c.rules.NextBaseFee(h.BaseFee.Uint64(), h.GasUsed, 0, interval))
}

// SubscribeSignal returns a channel that holds a value whenever the head moved since the last receive; a slow receiver
// misses nothing but repeats. Cancel ends the subscription.
func (c *Chain) SubscribeSignal() (signal <-chan struct{}, cancel func()) {
	ch := make(chan struct{}, 1)
	c.signalsMu.Lock()
	defer c.signalsMu.Unlock()
	if c.signals == nil {
		c.signals = make(map[chan struct{}]struct{})
	}
	c.signals[ch] = struct{}{}
	return ch, func() {
		c.signalsMu.Lock()
		defer c.signalsMu.Unlock()
		delete(c.signals, ch)
	}
}

func (c *Chain) signal() {
	c.signalsMu.Lock()
	defer c.signalsMu.Unlock()
	for ch := range c.signals {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
