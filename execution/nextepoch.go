package execution

import (
	"bytes"
	"fmt"
	"math/big"
	"sort"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/etherscale/bedrock/types"
)

// CommitteeLookback is how many blocks before an epoch's last one the state lies that decides the next committee; the
// ordering has the same constant.
const CommitteeLookback = 8

// NextEpoch is what the state says about an epoch to come.
type NextEpoch struct {
	Committee     []types.CommitteeMember // ascending by key; those who may order, before the ordering leaves out who did nothing
	SettledHeight types.Height
	SettledClaim  types.Hash
}

// NextEpochAt is what the state of a height said about the next epoch. It is kept for the heights CommitteeLookback below
// multiples of the epoch's length, for ever; for others, and for those not executed yet, the error wraps ErrUnknown.
func (c *Chain) NextEpochAt(height types.Height) (NextEpoch, error) {
	var next NextEpoch
	encoded, err := c.record(keyNextEpoch, height)
	if err != nil {
		return next, err
	}
	if err := rlp.DecodeBytes(encoded, &next); err != nil {
		return next, fmt.Errorf("stored committee after block %d: %w", height, err)
	}
	return next, nil
}

// decides reports whether the state after a height decides a committee.
func (c *Chain) decides(height types.Height) bool {
	return c.rules.Bonded && (uint64(height)+CommitteeLookback)%c.config.Genesis.EpochLength == 0
}

// nextEpoch reads the next committee from the state with a root.
func (run *executed) nextEpoch(states state.Database, root common.Hash, limit int) (*NextEpoch, error) {
	s, err := state.New(root, states)
	if err != nil {
		return nil, err
	}
	evm := vm.NewEVM(run.env.context(), s, run.env.Rules.ChainConfig(), vm.Config{})
	defer evm.Release()
	members, err := run.env.candidates(evm)
	if err != nil {
		return nil, err
	}
	answer, err := run.env.view(evm, bondsABI().PackSettled())
	if err != nil {
		return nil, err
	}
	settled, err := bondsABI().UnpackSettled(answer)
	if err != nil {
		return nil, err
	}
	next := &NextEpoch{Committee: Choose(members, limit), SettledHeight: types.Height(settled.Height), SettledClaim: settled.Claim}
	return next, s.Error()
}

// candidatePage is how many sequencers one view looks at: some 5,000 gas each.
const candidatePage = 1000

// candidates lists who may be chosen, in the contract's order. Each has locked the smallest bond at least.
func (e *Env) candidates(evm *vm.EVM) (members []types.CommitteeMember, err error) {
	for from := new(big.Int); ; {
		answer, err := e.view(evm, bondsABI().PackCandidates(from, big.NewInt(candidatePage)))
		if err != nil {
			return nil, err
		}
		page, err := bondsABI().UnpackCandidates(answer)
		if err != nil {
			return nil, err
		}
		for i, key := range page.Keys {
			members = append(members, types.CommitteeMember{Key: key, Stake: min(types.Stake(page.Stakes[i]), types.MaxBondedStake)})
		}
		if from = page.More; from.Sign() == 0 {
			return members, nil
		}
	}
}

// Choose takes the members with most stake, of equal ones the smaller key, at most limit, and orders them by key.
func Choose(members []types.CommitteeMember, limit int) []types.CommitteeMember {
	byKey := func(i, j int) bool { return bytes.Compare(members[i].Key[:], members[j].Key[:]) < 0 }
	sort.Slice(members, func(i, j int) bool {
		if members[i].Stake != members[j].Stake {
			return members[i].Stake > members[j].Stake
		}
		return byKey(i, j)
	})
	members = members[:min(limit, len(members))]
	sort.Slice(members, byKey)
	return members
}

// view calls the bonding contract without any effect.
func (e *Env) view(evm *vm.EVM, data []byte) ([]byte, error) {
	evm.SetTxContext(core.NewEVMTxContext(&core.Message{From: params.SystemAddress, To: &e.Rules.Vault, GasPrice: common.U2560}))
	answer, _, err := evm.StaticCall(params.SystemAddress, e.Rules.Vault, data, vm.NewGasBudget(systemGas, 0))
	if err != nil {
		return nil, fmt.Errorf("bonding contract: %w", err)
	}
	return answer, nil
}
