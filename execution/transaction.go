package execution

import (
	"errors"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/tracing"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/holiman/uint256"
)

// Reason says in a few words why an ordered transaction was skipped.
type Reason string

// The reasons that do not come from go-ethereum's own checks.
const (
	ReasonMalformed   Reason = "malformed transaction"
	ReasonBlob        Reason = "blob transactions are not supported"
	ReasonUnprotected Reason = "transaction is not replay-protected"
	ReasonSignature   Reason = "invalid signature or wrong chain id"
	ReasonInvalid     Reason = "invalid transaction"
)

// reasons are go-ethereum's refusals in the words wallets know.
var reasons = []error{
	core.ErrNonceTooLow, core.ErrNonceTooHigh, core.ErrNonceMax, core.ErrGasLimitReached, core.ErrGasLimitTooHigh,
	core.ErrInsufficientFundsForTransfer, core.ErrInsufficientFunds, core.ErrGasUintOverflow, core.ErrIntrinsicGas,
	core.ErrFloorDataGas, core.ErrTipAboveFeeCap, core.ErrTipVeryHigh, core.ErrFeeCapVeryHigh, core.ErrFeeCapTooLow,
	core.ErrSenderNoEOA, core.ErrEmptyAuthList, core.ErrSetCodeTxCreate, vm.ErrMaxInitCodeSizeExceeded,
}

func reasonOf(err error) Reason {
	for _, known := range reasons {
		if errors.Is(err, known) {
			return Reason(known.Error())
		}
	}
	return ReasonInvalid
}

// DecodeTransaction reads an envelope; nil if it is malformed.
func DecodeTransaction(envelope []byte) *ethtypes.Transaction {
	tx := new(ethtypes.Transaction)
	if tx.UnmarshalBinary(envelope) != nil {
		return nil
	}
	return tx
}

// message checks what needs no state.
func (r *runner) message(tx *ethtypes.Transaction) (*core.Message, Reason) {
	switch {
	case tx == nil:
		return nil, ReasonMalformed
	case tx.Type() == ethtypes.BlobTxType:
		return nil, ReasonBlob
	case !tx.Protected():
		return nil, ReasonUnprotected
	}
	if _, err := ethtypes.Sender(r.signer, tx); err != nil {
		return nil, ReasonSignature
	}
	msg, err := core.TransactionToMessage(tx, r.signer, r.evm.Context.BaseFee)
	if err != nil {
		return nil, reasonOf(err)
	}
	return msg, ""
}

// outcome is what became of one ordered transaction.
type outcome struct {
	receipt *ethtypes.Receipt // nil if skipped
	reason  Reason            // of the skip
	bytes   uint64            // metered
}

// apply runs one transaction with limit metered bytes left. It reports false, leaving the state as it was, if the
// transaction needs more.
func (r *runner) apply(tx *ethtypes.Transaction, limit uint64) (outcome, bool) {
	msg, reason := r.message(tx)
	if reason != "" {
		return outcome{reason: reason}, true
	}
	r.state.SetTxContext(tx.Hash(), int(r.claim.Transactions), 0)
	snapshot := r.state.Snapshot()
	evm := r.evm
	r.meter.Begin(limit, evm.Cancel)
	result, err := core.ApplyMessage(evm, msg, core.NewGasPool(r.env.Rules.BlockGas-min(r.claim.Gas, r.env.Rules.BlockGas)))
	out := outcome{bytes: r.meter.Used()}
	exceeded := r.meter.Exceeded()
	r.meter.End()
	switch {
	case exceeded:
		r.state.RevertToSnapshot(snapshot)
		r.renew() // a cancelled EVM stays cancelled
		return outcome{}, false
	case err != nil:
		r.state.RevertToSnapshot(snapshot)
		r.state.Finalise(r.rules)
		out.reason = reasonOf(err)
		return out, true
	}
	r.pay(result.UsedGas, evm.Context.BaseFee.Uint64())
	r.state.Finalise(r.rules)
	out.receipt = r.receipt(tx, result)
	return out, true
}

// exhaust ends a transaction that needs more metered bytes than a whole chunk may have: status 0, all its gas charged,
// nonce used, no other effect. It is valid otherwise: the checks that skip a transaction need a fraction of the bytes.
func (r *runner) exhaust(tx *ethtypes.Transaction) outcome {
	msg, reason := r.message(tx)
	if reason != "" {
		return outcome{reason: reason}
	}
	r.state.SetTxContext(tx.Hash(), int(r.claim.Transactions), 0)
	cost := new(uint256.Int).SetUint64(msg.GasLimit)
	cost.Mul(cost, msg.GasPrice)
	r.state.SubBalance(msg.From, cost, tracing.BalanceDecreaseGasBuy)
	r.state.SetNonce(msg.From, msg.Nonce+1, tracing.NonceChangeEoACall)
	r.state.AddBalance(r.env.Rules.Vault, cost, tracing.BalanceIncreaseRewardTransactionFee)
	r.state.Finalise(r.rules)
	r.evm.SetTxContext(core.NewEVMTxContext(msg))
	result := &core.ExecutionResult{UsedGas: msg.GasLimit, MaxUsedGas: msg.GasLimit, Err: vm.ErrOutOfGas}
	return outcome{receipt: r.receipt(tx, result), bytes: r.env.Rules.ChunkBytes}
}

// pay gives the vault the base fee, which Ethereum would burn; the tip it has already.
func (r *runner) pay(gas, baseFee uint64) {
	fee := new(uint256.Int).Mul(uint256.NewInt(gas), uint256.NewInt(baseFee))
	r.state.AddBalance(r.env.Rules.Vault, fee, tracing.BalanceIncreaseRewardTransactionFee)
}

func (r *runner) receipt(tx *ethtypes.Transaction, result *core.ExecutionResult) *ethtypes.Receipt {
	number, seconds := r.evm.Context.BlockNumber, r.evm.Context.Time
	return core.MakeReceipt(r.evm, result, r.state, number, r.noHash, seconds, tx, r.claim.Gas+result.UsedGas, nil)
}
