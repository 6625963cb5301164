package pool

import "errors"

// Errors of admission. The texts are go-ethereum's where it has one, because wallets match them; nonce, funds, gas and
// fee errors wrap the sentinels of go-ethereum's package core.
var (
	ErrAlreadyKnown       = errors.New("already known")
	ErrReplaceUnderpriced = errors.New("replacement transaction underpriced")
	ErrUnderpriced        = errors.New("transaction underpriced")
	ErrInvalidSender      = errors.New("invalid sender")
	ErrOversized          = errors.New("oversized data")
	ErrUnprotected        = errors.New("only replay-protected (EIP-155) transactions allowed over RPC")
	ErrAccountLimit       = errors.New("account limit exceeded")
	ErrPoolFull           = errors.New("txpool is full, try again later")
	ErrEmptyAuthorization = errors.New("set code tx must have at least one authorization tuple")
)

// Errors about batches of other peers.
var (
	// ErrInvalid says that no honest peer sends such a batch: reject it.
	ErrInvalid = errors.New("batch no honest peer sends")
	// ErrRateLimited says that the peer sent more than its share: ignore the batch.
	ErrRateLimited = errors.New("peer sends too much")
)
