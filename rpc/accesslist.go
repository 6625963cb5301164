package rpc

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/tracers/logger"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// AccessListResult is what a transaction touches; Error is set if it fails after that.
type AccessListResult struct {
	AccessList types.AccessList `json:"accessList"`
	Error      string           `json:"error,omitempty"`
	GasUsed    hexutil.Uint64   `json:"gasUsed"`
}

// CreateAccessList runs the transaction until the list of what it touches no longer changes. A list changes gas, and
// gas may change what is touched, so it takes at least two runs; the request's time limit ends a transaction that
// never settles.
func (c *Calls) CreateAccessList(ctx context.Context, args CallArgs, at *gethrpc.BlockNumberOrHash, accounts *StateOverride) (*AccessListResult, error) {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := args.check(c.r.ChainConfig().ChainID); err != nil {
		return nil, err
	}
	s, err := c.set(at, accounts, nil)
	if err != nil {
		return nil, err
	}
	if args.Nonce == nil {
		nonce := hexutil.Uint64(s.state.GetNonce(args.from()))
		args.Nonce = &nonce
	}
	exclude := c.warm(s, &args)
	var asked types.AccessList
	if args.AccessList != nil {
		asked = *args.AccessList
	}
	before := logger.NewAccessListTracer(asked, exclude)
	for {
		list := before.AccessList()
		args.AccessList = &list
		message, err := args.message(s.block.BaseFee, c.gasCap)
		if err != nil {
			return nil, err
		}
		tracer := logger.NewAccessListTracer(list, exclude)
		result, err := c.run(ctx, s, s.state.Copy(), message, vm.Config{Tracer: tracer.Hooks()})
		if err != nil {
			return nil, fmt.Errorf("failed to apply transaction: %w", err)
		}
		if tracer.Equal(before) {
			out := &AccessListResult{AccessList: list, GasUsed: hexutil.Uint64(result.UsedGas)}
			if result.Err != nil {
				out.Error = result.Err.Error()
			}
			return out, nil
		}
		before = tracer
	}
}

// warm is what is warm without being listed: sender, recipient, precompiles and authorities.
func (c *Calls) warm(s *scene, args *CallArgs) map[common.Address]struct{} {
	to := crypto.CreateAddress(args.from(), uint64(*args.Nonce))
	if args.To != nil {
		to = *args.To
	}
	out := map[common.Address]struct{}{args.from(): {}, to: {}}
	config := c.r.ChainConfig()
	for _, address := range vm.ActivePrecompiles(config.Rules(s.block.BlockNumber, s.block.Random != nil, s.block.Time)) {
		out[address] = struct{}{}
	}
	for _, authorization := range args.AuthorizationList {
		if !authorization.ChainID.IsZero() && authorization.ChainID.CmpBig(config.ChainID) != 0 {
			continue
		}
		if authority, err := authorization.Authority(); err == nil {
			out[authority] = struct{}{}
		}
	}
	return out
}
