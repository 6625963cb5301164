package rpc

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/vm"
)

// Codes of JSON-RPC errors. -32000 is what go-ethereum's server gives to an error without a code.
const (
	codeReverted      = 3
	codeInvalidParams = -32602
	codeLimitExceeded = -38026
)

// ErrNoHeader says that no executed block is behind the hash, number or tag that was asked for.
var ErrNoHeader = errors.New("header not found")

// CodedError is an error with the code that a client gets to see.
type CodedError struct {
	Code    int
	Message string
}

// Error is the message.
func (e *CodedError) Error() string { return e.Message }

// ErrorCode implements go-ethereum's rpc.Error.
func (e *CodedError) ErrorCode() int { return e.Code }

func invalidParams(format string, args ...any) error {
	return &CodedError{codeInvalidParams, fmt.Sprintf(format, args...)}
}

func limitExceeded(format string, args ...any) error {
	return &CodedError{codeLimitExceeded, fmt.Sprintf(format, args...)}
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
