package execution

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"

	"github.com/etherscale/bedrock/types"
)

// Env is the surrounding of one block's execution.
type Env struct {
	Rules   *Rules
	Header  types.Header
	BaseFee uint64 // wei
	// Hash returns the digest of the header at a height below the block's, at most 256 below; it is asked for nothing
	// else. One that does not know must make the whole execution fail by its own means.
	Hash func(height uint64) types.Hash
}

// NewEnv prepares a block for execution after a parent whose header and last claim are given.
func NewEnv(rules *Rules, header, parent types.Header, parentClaim Claim, hash func(uint64) types.Hash) *Env {
	fee := rules.BaseFee
	if header.Height > 1 {
		fee = rules.NextBaseFee(parentClaim.BaseFee, parentClaim.Gas, parent.Time, header.Time)
	}
	return &Env{Rules: rules, Header: header, BaseFee: fee, Hash: hash}
}

// Start is the point from which the block's first chunk runs: the parent's state, nothing consumed.
func (e *Env) Start(parentClaim Claim) Claim {
	return Claim{Root: parentClaim.Root, BaseFee: e.BaseFee, Receipts: Frontier{}.Root()}
}

// Random is the block's prevrandao: sha256("bedrock/rand" || digest of the vertex after which it closed || BE64 height).
func Random(h *types.Header) common.Hash {
	b := append([]byte("bedrock/rand"), h.VertexDigest[:]...)
	return sha256.Sum256(binary.BigEndian.AppendUint64(b, uint64(h.Height)))
}

// Seconds is the EVM's time of a header.
func Seconds(h *types.Header) uint64 { return uint64(h.Time) / second }

// BlockContext is the EVM's view of the block.
func (e *Env) BlockContext() vm.BlockContext { return e.context() }

func (e *Env) context() vm.BlockContext {
	random := Random(&e.Header)
	return vm.BlockContext{
		CanTransfer: core.CanTransfer,
		Transfer:    core.Transfer,
		GetHash:     func(n uint64) common.Hash { return common.Hash(e.Hash(n)) },
		Coinbase:    e.Rules.Vault,
		GasLimit:    e.Rules.BlockGas,
		BlockNumber: new(big.Int).SetUint64(uint64(e.Header.Height)),
		Time:        Seconds(&e.Header),
		Difficulty:  new(big.Int),
		BaseFee:     new(big.Int).SetUint64(e.BaseFee),
		BlobBaseFee: big.NewInt(1),
		Random:      &random,

		CostPerStateByte: params.CostPerStateByte,
	}
}

// preamble makes the block's system calls: EIP-4788 with the block's own header digest, EIP-2935 with its parent's, then
// those of the bonding contract, whose error is of no consequence for the block. before is the state's root.
func (e *Env) preamble(evm *vm.EVM, before common.Hash) error {
	core.ProcessBeaconBlockRoot(common.Hash(e.Header.Digest()), evm, nil)
	core.ProcessParentBlockHash(common.Hash(e.Header.Parent), evm, nil)
	if !e.Rules.Bonded {
		return nil
	}
	return e.bondCalls(evm, before)
}

// rules are go-ethereum's switches for the block.
func (e *Env) rules() params.Rules {
	return e.Rules.ChainConfig().Rules(new(big.Int).SetUint64(uint64(e.Header.Height)), true, Seconds(&e.Header))
}
