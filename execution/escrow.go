package execution

import (
	"math/big"

	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/types"
)

// CommitBlocks is how old a commitment may be at its challenge's verdict, and how long after the first verdict a rival with an
// older one may come: the contract's COMMIT_BLOCKS.
const CommitBlocks = 64

// Escrow is a challenger's part of a slashed bond, before it is paid.
type Escrow struct {
	Payee  [20]byte
	Until  types.Height // last block in which a rival that committed earlier may take the payee's place
	Amount *big.Int     // wei; 0: there is none
	Order  *big.Int     // of the payee's commitment: the smaller comes first
}

// Escrow is what waits for the challenger of a slashed key, after the newest executed block. The network must have bonds.
func (c *Chain) Escrow(accused types.PublicKey) (e Escrow, err error) {
	err = c.viewBonds(func(env *Env, evm *vm.EVM) error {
		found, err := viewOf(env, evm, bondsABI().PackEscrowOf(accused), bondsABI().UnpackEscrowOf)
		e = Escrow{Payee: found.Payee, Until: types.Height(found.Until), Amount: found.Amount, Order: found.Order}
		return err
	})
	return e, err
}

// Commitment is what a challenger commits to before its challenge is listed: keccak256 over the ABI encoding of the payee and
// the challenge's digest.
func Commitment(payee [20]byte, challenge types.BatchID) types.Hash {
	var packed [64]byte
	copy(packed[12:], payee[:])
	copy(packed[32:], challenge[4:])
	return types.Hash(crypto.Keccak256(packed[:]))
}

// Committed is where a commitment stands in the contract's order after the newest executed block, and the block that it was
// made in; 0 if it was not.
func (c *Chain) Committed(commitment types.Hash) (order *big.Int, in types.Height, err error) {
	err = c.viewBonds(func(env *Env, evm *vm.EVM) error {
		made, err := viewOf(env, evm, bondsABI().PackCommitted(commitment), bondsABI().UnpackCommitted)
		in = types.Height(made.InBlock)
		order = new(big.Int).Lsh(new(big.Int).SetUint64(made.InBlock), 64)
		order.Add(order, new(big.Int).SetUint64(made.Number))
		return err
	})
	return order, in, err
}

// CommitCall is the data of a call that commits.
func CommitCall(commitment types.Hash) []byte { return bondsABI().PackCommit(commitment) }

// RewardCall is the data of a call that pays a slashed key's challenger.
func RewardCall(accused types.PublicKey) []byte { return bondsABI().PackReward(accused) }
