package execution

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/core/vm"

	"github.com/etherscale/bedrock/types"
)

// BondStatus is the state of a bond, as the contract numbers it. Its zero value is that of a key that was never bonded.
type BondStatus uint8

// The states of a bond.
const (
	BondActive   BondStatus = 1
	BondLeaving  BondStatus = 2 // asked to leave; the stake still answers
	BondReleased BondStatus = 3 // the stake is the owner's again
	BondSlashed  BondStatus = 4 // proven dishonest, for ever
)

// String is the state in a word.
func (s BondStatus) String() string {
	switch s {
	case BondActive:
		return "active"
	case BondLeaving:
		return "leaving"
	case BondReleased:
		return "released"
	case BondSlashed:
		return "slashed"
	}
	return "none"
}

// Bond is what the bonding contract knows of a key.
type Bond struct {
	Owner, Operator [20]byte
	Role            types.BondRole
	Status          BondStatus
	Stake           *big.Int    // wei
	ReadyFor        types.Epoch // newest epoch for which it announced to be ready
	Served          types.Epoch // epochs below this one may have been served
	Until           uint64      // microseconds of the contract's clock: end of its newest service or window
}

// Standing is a bond beside what concerns it, all after one block.
type Standing struct {
	Bond
	Height types.Height
	Epoch  types.Epoch
	Clock  uint64 // microseconds
	Serves bool   // is in the committee of the epoch
	Next   bool   // would be in the next one, as the bonds stand
}

// Bond is the bond of a key after the newest executed block. The network must have bonds.
func (c *Chain) Bond(key types.PublicKey) (bond Bond, err error) {
	err = c.viewBonds(func(env *Env, evm *vm.EVM) error {
		bond, err = env.bond(evm, key)
		return err
	})
	return bond, err
}

// Standing is the bond of a key and its place after the newest executed block. The network must have bonds.
func (c *Chain) Standing(key types.PublicKey) (s Standing, err error) {
	err = c.viewBonds(func(env *Env, evm *vm.EVM) error {
		if s.Bond, err = env.bond(evm, key); err != nil {
			return err
		}
		epoch, err := viewOf(env, evm, bondsABI().PackEpoch(), bondsABI().UnpackEpoch)
		if err != nil {
			return err
		}
		if s.Clock, err = viewOf(env, evm, bondsABI().PackClock(), bondsABI().UnpackClock); err != nil {
			return err
		}
		s.Height, s.Epoch = types.Height(evm.Context.BlockNumber.Uint64()), types.Epoch(epoch)
		s.Serves = s.Served == s.Epoch+1
		members, err := env.candidates(evm)
		for _, m := range Choose(members, c.config.Genesis.Bonding.MaxCommittee) {
			s.Next = s.Next || m.Key == key
		}
		return err
	})
	return s, err
}

// viewBonds gives f an EVM to read the contract with.
func (c *Chain) viewBonds(f func(*Env, *vm.EVM) error) error {
	head := c.Head()
	s, err := c.StateAt(head.Root)
	if err != nil {
		return err
	}
	block, err := c.BlockContext(head)
	if err != nil {
		return err
	}
	evm := vm.NewEVM(block, s, c.chainConfig, vm.Config{})
	defer evm.Release()
	if err := f(&Env{Rules: &c.rules}, evm); err != nil {
		return err
	}
	return s.Error()
}

func (e *Env) bond(evm *vm.EVM, key types.PublicKey) (Bond, error) {
	return viewOf(e, evm, bondsABI().PackBondOf(key), UnpackBond)
}

// UnpackBond reads the contract's answer to bondOf.
func UnpackBond(answer []byte) (Bond, error) {
	b, err := bondsABI().UnpackBondOf(answer)
	return Bond{Owner: b.Owner, Operator: b.Operator, Role: types.BondRole(b.Role), Status: BondStatus(b.Status), Stake: b.Stake,
		ReadyFor: types.Epoch(b.ReadyFor), Served: types.Epoch(b.Served), Until: b.Until}, err
}

// viewOf asks the contract; pack and unpack belong to one method.
func viewOf[T any](e *Env, evm *vm.EVM, packed []byte, unpack func([]byte) (T, error)) (T, error) {
	answer, err := e.view(evm, packed)
	if err != nil {
		return *new(T), err
	}
	value, err := unpack(answer)
	if err != nil {
		return value, fmt.Errorf("bonding contract: %w", err)
	}
	return value, nil
}
