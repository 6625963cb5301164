package rpc

import (
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	bedrock "github.com/etherscale/bedrock/types"
)

// Verified is the chain as a node knows it that executes nothing: every answer is proven, or an error. All methods are called
// concurrently; what they return is not changed by anybody, states apart.
type Verified interface {
	// ChainConfig is the rules of the chain.
	ChainConfig() *params.ChainConfig

	// At resolves a block parameter to a block whose claim is known; nil stands for the tag latest.
	At(at *gethrpc.BlockNumberOrHash) (*ProvenHeader, error)

	// State opens the state after a block, for one request within ctx. After reading, failure says whether a read could not be
	// proven: then what was read means nothing.
	State(ctx context.Context, at *ProvenHeader) (s *state.StateDB, failure func() error, err error)

	// Prove is an account and slots of it with their paths.
	Prove(ctx context.Context, at *ProvenHeader, account common.Address, slots []common.Hash) (*ProvenAccount, error)

	// Block is a block with the receipts of its transactions.
	Block(ctx context.Context, at *ProvenHeader) (*ProvenBlock, error)

	// Find is the block whose data hold a transaction.
	Find(ctx context.Context, tx common.Hash) (*ProvenHeader, error)

	// Scene is State with the environment of the block around it.
	Scene(ctx context.Context, at *ProvenHeader) (*ProvenScene, error)

	// Apply runs one message as the chain would, its meter included.
	Apply(ctx context.Context, call Call) (*core.ExecutionResult, error)

	// Send gives a signed transaction to peers, for ordering.
	Send(ctx context.Context, envelope []byte) error
}

// ProvenHeader is a certified block together with what its claim says.
type ProvenHeader struct {
	// Header is Ethereum's, in which the roots of transactions and receipts and the bloom are missing, and the parent's hash is
	// the digest of its certified header.
	Header    *types.Header
	Value     bedrock.Hash // the claim with all that it rests on
	Digest    common.Hash  // of the certified header: what a node that executes nothing knows a block by
	Certified bedrock.Header
	Receipts  bedrock.Hash // digest of the receipts
	Executed  uint64       // transactions that have receipts
	Places    uint64       // ordered transactions
	Settled   bool         // else it is asserted only
}

// ProvenBlock is a block with its receipts, all derived fields set; block hashes are digests.
type ProvenBlock struct {
	At       *ProvenHeader
	Block    *types.Block // of the executed transactions
	Receipts types.Receipts
	Places   map[common.Hash]int // of every ordered transaction: the index of its receipt, or -1 where it was skipped
}

// ProvenAccount is an account (nil: it does not exist) with the paths that show it.
type ProvenAccount struct {
	Account *types.StateAccount
	Path    [][]byte
	Slots   []ProvenSlot
}

// ProvenSlot is a storage slot with the path that shows it.
type ProvenSlot struct {
	Value common.Hash
	Path  [][]byte
}

// ProvenScene is where a call runs. Failure is that of Verified.State, and of what the environment was asked.
type ProvenScene struct {
	State   *state.StateDB
	Block   vm.BlockContext
	Failure func() error
}

// codeUnproven is EIP-1474's "resource unavailable".
const codeUnproven = -32002

// unavailable gives an error without a code the one of what cannot be proven.
func unavailable(err error) error {
	var coded gethrpc.Error
	if err == nil || errors.As(err, &coded) {
		return err
	}
	return &CodedError{codeUnproven, err.Error()}
}
