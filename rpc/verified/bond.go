package verified

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/types"
)

// bondGas is far more than the contract needs to look a bond up.
const bondGas = 1_000_000

// Bond is the bond of a key in the state that a value names, read by the contract's own code over proofs.
func (v *View) Bond(ctx context.Context, at fraud.Parent, key types.PublicKey) (execution.Bond, error) {
	header, err := v.known(at)
	if err != nil {
		return execution.Bond{}, err
	}
	s, err := v.Scene(ctx, header)
	if err != nil {
		return execution.Bond{}, err
	}
	zero := new(uint256.Int)
	message := &core.Message{To: &v.Rules.Vault, GasLimit: bondGas, Data: execution.BondOfCall(key), Value: zero, GasPrice: zero, GasFeeCap: zero, GasTipCap: zero}
	message.SkipNonceCheck().SkipEOACheck()
	s.Block.BaseFee = zero.ToBig()
	result, err := v.Rules.Call(ctx, message, s.State, s.Block, vm.Config{NoBaseFee: true}, nil)
	if missing := errors.Join(s.Failure(), s.State.Error()); missing != nil {
		return execution.Bond{}, missing
	}
	if err != nil {
		return execution.Bond{}, fmt.Errorf("bond of %s: %w", key, err)
	}
	if result.Err != nil {
		return execution.Bond{}, fmt.Errorf("bond of %s: %w", key, result.Err)
	}
	return execution.UnpackBond(result.Return())
}
