package verified

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/vm"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// Scene implements rpc.Verified.
func (v *View) Scene(ctx context.Context, at *rpc.ProvenHeader) (*rpc.ProvenScene, error) {
	state, failure, err := v.State(ctx, at)
	if err != nil {
		return nil, err
	}
	var unknown error
	env := &execution.Env{Rules: &v.Rules, Header: at.Certified, BaseFee: at.Header.BaseFee.Uint64(), Hash: func(height uint64) types.Hash {
		header, ok := v.Chain.Header(types.Height(height))
		if !ok {
			unknown = fmt.Errorf("the call asks for the hash of block %d, whose header is not here: %w", height, ErrUnproven)
			return types.Hash{}
		}
		return header.Digest()
	}}
	block := env.BlockContext()
	block.Random = &at.Header.MixDigest
	return &rpc.ProvenScene{State: state, Block: block, Failure: func() error { return errors.Join(failure(), unknown) }}, nil
}

// Apply implements rpc.Verified.
func (v *View) Apply(ctx context.Context, c rpc.Call) (*core.ExecutionResult, error) {
	return v.Rules.Call(ctx, c.Message, c.State, c.Block, vm.Config{NoBaseFee: c.Config.NoBaseFee}, c.Precompiles)
}
