package rpc

import (
	"context"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/params"
)

// Backend is an executed chain in go-ethereum's terms. All methods are called concurrently, also while a block is being
// applied; headers and blocks that were handed out are never changed.
type Backend interface {
	// ChainConfig is the rules of the chain; it never changes while the server runs.
	ChainConfig() *params.ChainConfig

	// Disk holds canonical hashes, headers, bodies, receipts and the transaction index of every executed block, in
	// the layout of core/rawdb. A block that Head has returned is readable here.
	Disk() ethdb.Database

	// Head is the newest executed block's header (the genesis header before the first); never nil.
	Head() *types.Header

	// Safe is the header behind the tag safe (certified and sampled), nil while there is none.
	Safe() *types.Header

	// Finalized is the header behind the tag finalized (settled), nil while there is none.
	Finalized() *types.Header

	// StateAt opens the state after the block of the header, for one request. An error says that the state is not
	// kept any more.
	StateAt(header *types.Header) (*state.StateDB, error)

	// BlockContext is the environment the block of the header executes in, with BLOCKHASH as the chain defines it.
	// The caller may change the returned value.
	BlockContext(header *types.Header) vm.BlockContext

	// Preamble applies to the state of the parent what the block does before its first transaction.
	Preamble(header *types.Header, parent *state.StateDB) error

	// BeginSimulated applies to a state what a block that is not part of the chain does before its first transaction.
	BeginSimulated(header *types.Header, parent *state.StateDB) error

	// EndSimulated applies what such a block does after its last transaction, and returns its EIP-7685 requests; nil if
	// blocks have none. logs are all logs of the block.
	EndSimulated(header *types.Header, after *state.StateDB, logs []*types.Log, withdrawals types.Withdrawals) (requests [][]byte, err error)

	// SystemContracts names the contracts that blocks call, at an EVM time (EIP-7910).
	SystemContracts(at uint64) map[string]common.Address

	// BlobSchedule is how many blobs a block may have at an EVM time; nil: there are no blobs.
	BlobSchedule(at uint64) *params.BlobConfig

	// BlockSeconds is the usual time between blocks, in whole seconds, at least 1.
	BlockSeconds() uint64

	// Pruned is the height up to which transactions and receipts are not kept any more; 0: all are.
	Pruned() uint64

	// StateWindow is for how many of the newest blocks StateAt works; 0: for all.
	StateWindow() uint64

	// Apply runs one message as the chain would, its meter included.
	Apply(ctx context.Context, call Call) (*core.ExecutionResult, error)

	// NextBaseFee is the base fee that the block after the given one is expected to have, in wei.
	NextBaseFee(header *types.Header) *big.Int

	// NewHeads returns a channel of capacity 1 that gets a value, without blocking, whenever Head has moved, and a
	// function that ends the subscription. Signals may merge.
	NewHeads() (signal <-chan struct{}, cancel func())
}

// Call is one message to apply.
type Call struct {
	Message *core.Message
	State   *state.StateDB // changed by the call, not finalised
	Block   vm.BlockContext
	Config  vm.Config // when it has a tracer, the EVM runs on state.NewHookedState(State, Config.Tracer)

	Precompiles vm.PrecompiledContracts // nil: those of the chain's rules
}

// Pool is where transactions enter. All methods are called concurrently.
type Pool interface {
	// Add admits a transaction for ordering. Its errors are shown to the user, worded as go-ethereum words them
	// ("nonce too low", "already known", ...), because wallets match these texts.
	Add(ctx context.Context, tx *types.Transaction) error

	// PendingNonce is the next nonce of the account, counting its transactions in the pool.
	PendingNonce(account common.Address) uint64

	// Get returns a transaction that was admitted and is not executed yet, else nil.
	Get(hash common.Hash) *types.Transaction

	// Content returns all waiting transactions by sender: those whose nonces follow the state's without a gap, and
	// the rest.
	Content() (pending, queued map[common.Address][]*types.Transaction)

	// NewTransactions returns a channel of newly admitted transactions and a function that ends the subscription.
	// The pool drops values that the channel has no room for.
	NewTransactions() (added <-chan []*types.Transaction, cancel func())
}
