package pool

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/core"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
)

// rules are the conditions of admission that need no state. They follow from genesis alone, so every honest entry peer
// applies them and a batch that breaks one can be blamed on its sender.
type rules struct {
	floor uint64 // wei per gas
	chain params.Rules
}

func newRules(floor uint64) rules {
	return rules{floor: floor, chain: params.Rules{
		IsHomestead: true, IsEIP150: true, IsEIP155: true, IsEIP158: true,
		IsEIP2929: true, IsByzantium: true, IsConstantinople: true, IsPetersburg: true, IsIstanbul: true, IsBerlin: true,
		IsLondon: true, IsMerge: true, IsShanghai: true, IsCancun: true, IsPrague: true, IsOsaka: true,
	}}
}

// check returns why a transaction can never be executed, and its highest cost in wei.
func (r *rules) check(t *transaction) (*uint256.Int, error) {
	tx := t.tx
	if tx.GasFeeCap().BitLen() > 256 {
		return nil, core.ErrFeeCapVeryHigh
	}
	if tx.GasTipCapIntCmp(tx.GasFeeCap()) > 0 {
		return nil, fmt.Errorf("%w: maxPriorityFeePerGas %v, maxFeePerGas %v", core.ErrTipAboveFeeCap, tx.GasTipCap(), tx.GasFeeCap())
	}
	if tx.GasFeeCapIntCmp(new(big.Int).SetUint64(r.floor)) < 0 {
		return nil, fmt.Errorf("%w: max fee per gas %v, minimum needed %d", ErrUnderpriced, tx.GasFeeCap(), r.floor)
	}
	if tx.Nonce()+1 < tx.Nonce() {
		return nil, core.ErrNonceMax
	}
	if tx.Type() == ethtypes.SetCodeTxType && len(tx.SetCodeAuthorizations()) == 0 {
		return nil, ErrEmptyAuthorization
	}
	if tx.To() == nil {
		if err := vm.CheckMaxInitCodeSize(&r.chain, uint64(len(tx.Data()))); err != nil {
			return nil, err
		}
	}
	value, overflow := uint256.FromBig(tx.Value())
	if overflow {
		return nil, core.ErrInsufficientFunds
	}
	if err := r.checkGas(t, value); err != nil {
		return nil, err
	}
	cost, overflow := uint256.FromBig(tx.Cost())
	if overflow {
		return nil, core.ErrInsufficientFunds
	}
	return cost, nil
}

// checkGas demands the intrinsic gas and the floor for data (EIP-7623).
func (r *rules) checkGas(t *transaction, value *uint256.Int) error {
	tx := t.tx
	intrinsic, err := core.IntrinsicGas(tx.Data(), tx.AccessList(), tx.SetCodeAuthorizations(), t.from, tx.To(), value, r.chain)
	if err != nil {
		return err
	}
	if tx.Gas() < intrinsic {
		return fmt.Errorf("%w: gas %d, minimum needed %d", core.ErrIntrinsicGas, tx.Gas(), intrinsic)
	}
	floor, err := core.FloorDataGas(r.chain, t.from, tx.To(), value, tx.Data(), tx.AccessList())
	if err != nil {
		return err
	}
	if tx.Gas() < floor {
		return fmt.Errorf("%w: gas %d, minimum needed %d", core.ErrFloorDataGas, tx.Gas(), floor)
	}
	return nil
}
