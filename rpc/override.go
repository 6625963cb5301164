package rpc

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
)

// StateOverride replaces parts of accounts for one call.
type StateOverride map[common.Address]AccountOverride

// AccountOverride is what to replace of an account: the whole storage (state) or single slots (stateDiff), not both.
type AccountOverride struct {
	Nonce            *hexutil.Uint64             `json:"nonce"`
	Code             *hexutil.Bytes              `json:"code"`
	Balance          *hexutil.Big                `json:"balance"`
	State            map[common.Hash]common.Hash `json:"state"`
	StateDiff        map[common.Hash]common.Hash `json:"stateDiff"`
	MovePrecompileTo *common.Address             `json:"movePrecompileToAddress"`
}

// BlockOverride replaces fields of the block a call runs in.
type BlockOverride struct {
	Number        *hexutil.Big    `json:"number"`
	Time          *hexutil.Uint64 `json:"time"`
	GasLimit      *hexutil.Uint64 `json:"gasLimit"`
	FeeRecipient  *common.Address `json:"feeRecipient"`
	PrevRandao    *common.Hash    `json:"prevRandao"`
	BaseFeePerGas *hexutil.Big    `json:"baseFeePerGas"`
	BlobBaseFee   *hexutil.Big    `json:"blobBaseFee"`
}

// apply changes the state. Precompiles at overridden accounts are switched off in the given set.
func (o *StateOverride) apply(statedb *state.StateDB, precompiles vm.PrecompiledContracts) error {
	if o == nil {
		return nil
	}
	for address, account := range *o {
		if account.State != nil && account.StateDiff != nil {
			return fmt.Errorf("account %s has both 'state' and 'stateDiff'", address)
		}
		if account.MovePrecompileTo != nil {
			return errors.New("movePrecompileToAddress is not supported")
		}
		delete(precompiles, address)
		if err := account.apply(statedb, address); err != nil {
			return err
		}
	}
	statedb.Finalise(params.Rules{}) // the call sees the overrides as committed values
	return nil
}

func (a *AccountOverride) apply(statedb *state.StateDB, address common.Address) error {
	if a.Nonce != nil {
		statedb.SetNonce(address, uint64(*a.Nonce), tracing.NonceChangeUnspecified)
	}
	if a.Code != nil {
		statedb.SetCode(address, *a.Code, tracing.CodeChangeUnspecified)
	}
	if a.Balance != nil {
		balance, overflow := uint256.FromBig(a.Balance.ToInt())
		if overflow {
			return invalidParams("balance of %s does not fit 256 bits", address)
		}
		statedb.SetBalance(address, balance, tracing.BalanceChangeUnspecified)
	}
	if a.State != nil {
		statedb.SetStorage(address, a.State)
	}
	for slot, value := range a.StateDiff {
		statedb.SetState(address, slot, value)
	}
	return nil
}

func (o *BlockOverride) apply(block *vm.BlockContext) {
	if o == nil {
		return
	}
	if o.Number != nil {
		block.BlockNumber = o.Number.ToInt()
	}
	if o.Time != nil {
		block.Time = uint64(*o.Time)
	}
	if o.GasLimit != nil {
		block.GasLimit = uint64(*o.GasLimit)
	}
	if o.FeeRecipient != nil {
		block.Coinbase = *o.FeeRecipient
	}
	if o.PrevRandao != nil {
		block.Random = o.PrevRandao
	}
	if o.BaseFeePerGas != nil {
		block.BaseFee = o.BaseFeePerGas.ToInt()
	}
	if o.BlobBaseFee != nil {
		block.BlobBaseFee = o.BlobBaseFee.ToInt()
	}
}
