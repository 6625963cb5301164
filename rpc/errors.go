package rpc

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/vm"
)

// Codes of JSON-RPC errors. -32000 is what go-ethereum's server gives to an error without a code.
const (
	codeReverted      = 3
	codePruned        = 4444
	codeInvalidParams = -32602
	codeInternal      = -32603
	codeVM            = -32015 // a call ended otherwise than by a revert
	codeTimeout       = -32016
	codeNonceTooLow   = -38010
	codeNonceTooHigh  = -38011
	codeFeeTooLow     = -38012
	codeIntrinsicGas  = -38013
	codeFunds         = -38014
	codeBlockGas      = -38015
	codeBlockNumber   = -38020
	codeBlockTime     = -38021
	codeMovedToItself = -38022
	codeSenderHasCode = -38024
	codeInitCode      = -38025
	codeLimitExceeded = -38026
)

// ErrNoHeader says that no executed block is behind the hash, number or tag that was asked for.
var ErrNoHeader = errors.New("header not found")

// errNoHeaderForHash is the same for a hash.
var errNoHeaderForHash = errors.New("header for hash not found")

// StateGoneError says that the state after a block is not kept any more.
type StateGoneError struct {
	Number *big.Int
	err    error
}

// Error tells what to do.
func (e *StateGoneError) Error() string {
	return fmt.Sprintf("pruned history unavailable: the state of block %v is not kept here, ask for a newer block or another peer: %v", e.Number, e.err)
}

// Unwrap is what the database said.
func (e *StateGoneError) Unwrap() error { return e.err }

// ErrorCode implements go-ethereum's rpc.Error.
func (e *StateGoneError) ErrorCode() int { return codePruned }

// HistoryGoneError says that the transactions and receipts of a block are not kept any more.
type HistoryGoneError struct {
	Number *big.Int
}

// Error tells what to do.
func (e *HistoryGoneError) Error() string {
	return fmt.Sprintf("pruned history unavailable: the transactions of block %v are not kept here, ask another peer or give this one more disk", e.Number)
}

// ErrorCode implements go-ethereum's rpc.Error.
func (e *HistoryGoneError) ErrorCode() int { return codePruned }

// CodedError is an error with the code that a client gets to see.
type CodedError struct {
	Code    int
	Message string
}

// Error is the message.
func (e *CodedError) Error() string { return e.Message }

// ErrorCode implements go-ethereum's rpc.Error.
func (e *CodedError) ErrorCode() int { return e.Code }

func codedError(code int, format string, args ...any) error {
	return &CodedError{code, fmt.Sprintf(format, args...)}
}

func invalidParams(format string, args ...any) error {
	return codedError(codeInvalidParams, format, args...)
}

func limitExceeded(format string, args ...any) error {
	return codedError(codeLimitExceeded, format, args...)
}

// refusals are the codes of eth_simulateV1 for what makes a transaction unfit for any block.
var refusals = []struct {
	err  error
	code int
}{
	{core.ErrNonceTooLow, codeNonceTooLow}, {core.ErrNonceTooHigh, codeNonceTooHigh},
	{core.ErrFeeCapTooLow, codeFeeTooLow}, {core.ErrIntrinsicGas, codeIntrinsicGas}, {core.ErrFloorDataGas, codeIntrinsicGas},
	{core.ErrInsufficientFunds, codeFunds}, {core.ErrInsufficientFundsForTransfer, codeFunds},
	{core.ErrSenderNoEOA, codeSenderHasCode}, {vm.ErrMaxInitCodeSizeExceeded, codeInitCode},
	{core.ErrFeeCapVeryHigh, codeInvalidParams}, {core.ErrTipVeryHigh, codeInvalidParams}, {core.ErrTipAboveFeeCap, codeInvalidParams},
}

// refusal gives a refused transaction its code.
func refusal(err error) error {
	for _, known := range refusals {
		if errors.Is(err, known.err) {
			return &CodedError{known.code, err.Error()}
		}
	}
	return &CodedError{codeInternal, err.Error()}
}

// RevertError carries what a reverted call returned.
type RevertError struct {
	message string
	data    []byte
}

// NewRevertError decodes Error(string) and Panic(uint256); other data is only attached.
func NewRevertError(data []byte) *RevertError {
	message := vm.ErrExecutionReverted.Error()
	if reason, err := abi.UnpackRevert(data); err == nil {
		message += ": " + reason
	}
	return &RevertError{message, data}
}

// Error is "execution reverted", with the reason where the contract gave one.
func (e *RevertError) Error() string { return e.message }

// ErrorCode implements go-ethereum's rpc.Error.
func (e *RevertError) ErrorCode() int { return codeReverted }

// ErrorData implements go-ethereum's rpc.DataError: the return data in hex.
func (e *RevertError) ErrorData() any { return hexutil.Encode(e.data) }
