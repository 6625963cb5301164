package execution

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/execution/contracts"
	"github.com/etherscale/bedrock/types"
)

// systemGas limits one system call, as Ethereum limits its own. The dearest one, the change of a committee of
// types.MaxBondedCommittee members, takes a third of it.
const systemGas = 30_000_000

// maxAdmissions is how many requests the contract decides in a block.
const maxAdmissions = 16

// bondsABI packs and unpacks calls of the bonding contract. It is a constant that takes a while to parse.
var bondsABI = sync.OnceValue(contracts.NewBonds)

// bondCalls makes the bonding contract's system calls: it lets it know the header's time and verdicts and which of the
// requests for bonds that wait carry their key's signature, which the EVM cannot check; and, at an epoch's end, the rewards
// and the next committee. before is the state's root before the block. An error means that the contract refused, which it
// never does; the block then goes on without what the call would have done, at every peer alike.
func (e *Env) bondCalls(evm *vm.EVM, before common.Hash) error {
	abi, h := bondsABI(), &e.Header
	if h.Height == 1 {
		claim := e.Rules.GenesisClaim(before)
		value := ValueHash(0, h.Parent, sha256.Sum256(nil), claim)
		if _, err := e.systemCall(evm, abi.PackFound(value, claim.Hash())); err != nil {
			return fmt.Errorf("found: %w", err)
		}
	}
	decided, proven, err := e.judgeRequests(evm)
	if err != nil {
		return fmt.Errorf("waiting: %w", err)
	}
	verdicts := make([]contracts.BondsVerdict, len(h.Verdicts))
	for i, v := range h.Verdicts {
		verdicts[i] = contracts.BondsVerdict{Challenge: [32]byte(v.Challenge[4:]), Accused: v.Accused, Payee: v.Payee}
	}
	if _, err := e.systemCall(evm, abi.PackBegin(uint64(h.Time), big.NewInt(int64(decided)), big.NewInt(int64(proven)), verdicts)); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if h.Next == nil {
		return nil
	}
	next := make([][32]byte, len(h.Next.Committee))
	for i, m := range h.Next.Committee {
		next[i] = m.Key
	}
	if _, err := e.systemCall(evm, abi.PackTurn(next, h.Next.Rewards)); err != nil {
		return fmt.Errorf("turn: %w", err)
	}
	return nil
}

// judgeRequests checks the proofs of the requests that are next in line: bit i of proven says that of request i.
func (e *Env) judgeRequests(evm *vm.EVM) (decided int, proven uint64, err error) {
	answer, err := e.systemCall(evm, bondsABI().PackWaiting())
	if err != nil {
		return 0, 0, err
	}
	requests, err := bondsABI().UnpackWaiting(answer)
	if err != nil || len(requests) > maxAdmissions { // only a made-up state holds other code at this address
		return 0, 0, fmt.Errorf("%d requests: %w", len(requests), errors.Join(types.ErrMalformed, err))
	}
	for i, r := range requests {
		statement := types.BondStatement{Contract: e.Rules.Vault, Owner: r.Owner, Operator: r.Operator, Role: types.BondRole(r.Role)}
		if statement.Verify(e.Rules.Network, r.Key, types.Signature(append(r.ProofR[:], r.ProofS[:]...))) == nil {
			proven |= 1 << i
		}
	}
	return len(requests), proven, nil
}

// systemCall calls the bonding contract as go-ethereum makes its own system calls, but reports how it ended.
func (e *Env) systemCall(evm *vm.EVM, data []byte) ([]byte, error) {
	msg := &core.Message{
		From: params.SystemAddress, To: &e.Rules.Vault, GasLimit: systemGas, Data: data,
		GasPrice: new(uint256.Int), GasFeeCap: new(uint256.Int), GasTipCap: new(uint256.Int),
	}
	evm.SetTxContext(core.NewEVMTxContext(msg))
	evm.StateDB.Prepare(evm.GetRules(), common.Address{}, common.Address{}, nil, nil, nil)
	evm.StateDB.SetTxContext(common.Hash{}, 0, 0)
	evm.StateDB.AddAddressToAccessList(e.Rules.Vault)
	answer, _, err := evm.Call(msg.From, *msg.To, msg.Data, vm.NewGasBudget(systemGas, 0), common.U2560)
	evm.StateDB.Finalise(evm.GetRules())
	return answer, err
}

// ValueHash names the outcome of a block, as provers assert it:
//
//	sha256("bedrock/value" || BE64 height || header digest || prefix || last claim)
//
// prefix is sha256 over the encodings of all claims of the block but the last.
func ValueHash(height types.Height, digest, prefix types.Hash, last Claim) types.Hash {
	b := binary.BigEndian.AppendUint64([]byte("bedrock/value"), uint64(height))
	b = append(b, digest[:]...)
	b = append(b, prefix[:]...)
	return sha256.Sum256(append(b, last.Encode()...))
}
