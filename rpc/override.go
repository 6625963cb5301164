package rpc

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
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
	PrevRandao    *randao         `json:"prevRandao"`
	BaseFeePerGas *hexutil.Big    `json:"baseFeePerGas"`
	BlobBaseFee   *hexutil.Big    `json:"blobBaseFee"`

	BeaconRoot  *common.Hash      `json:"beaconRoot"`  // eth_simulateV1 only
	Withdrawals types.Withdrawals `json:"withdrawals"` // eth_simulateV1 only
}

// randao is 32 bytes or, as the specification has it, a number of at most 256 bits.
type randao common.Hash

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *randao) UnmarshalText(text []byte) error {
	value, _, err := parseSlot(string(text))
	if err != nil {
		return fmt.Errorf("prevRandao %.70q is no number of at most 256 bits", text)
	}
	*r = randao(value)
	return nil
}

// apply changes the state, account by account in the order of addresses. Precompiles at overridden accounts are switched
// off in the given set; one that is moved first keeps working at its new address.
func (o *StateOverride) apply(statedb *state.StateDB, precompiles vm.PrecompiledContracts) error {
	if o == nil {
		return nil
	}
	moved := make(map[common.Address]bool)
	for _, address := range slices.SortedFunc(maps.Keys(*o), common.Address.Cmp) {
		account := (*o)[address]
		if account.State != nil && account.StateDiff != nil {
			return fmt.Errorf("account %s has both 'state' and 'stateDiff'", address)
		}
		if moved[address] {
			return fmt.Errorf("account %s has already been overridden by a precompile", address)
		}
		contract, known := precompiles[address]
		delete(precompiles, address)
		if to := account.MovePrecompileTo; to != nil {
			if err := o.movable(address, *to, known); err != nil {
				return err
			}
			precompiles[*to], moved[*to] = contract, true
		}
		if err := account.apply(statedb, address); err != nil {
			return err
		}
	}
	statedb.Finalise(params.Rules{}) // the call sees the overrides as committed values
	return nil
}

// movable refuses to move what is no precompile, and to a place that is overridden itself.
func (o *StateOverride) movable(from, to common.Address, precompile bool) error {
	if !precompile {
		return fmt.Errorf("account %s is not a precompile", from)
	}
	if from == to {
		return codedError(codeMovedToItself, "precompile %s is moved to itself", from)
	}
	if _, overridden := (*o)[to]; overridden {
		return fmt.Errorf("account %s is already overridden", to)
	}
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

// apply changes the environment of a call. What only a block of its own can have is refused.
func (o *BlockOverride) apply(block *vm.BlockContext) error {
	if o == nil {
		return nil
	}
	if o.BeaconRoot != nil {
		return errors.New(`block override "beaconRoot" is not supported for this RPC method`)
	}
	if o.Withdrawals != nil {
		return errors.New(`block override "withdrawals" is not supported for this RPC method`)
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
		block.Random = (*common.Hash)(o.PrevRandao)
	}
	if o.BaseFeePerGas != nil {
		block.BaseFee = o.BaseFeePerGas.ToInt()
	}
	if o.BlobBaseFee != nil {
		block.BlobBaseFee = o.BlobBaseFee.ToInt()
	}
	return nil
}
