package execution

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"

	"github.com/etherscale/bedrock/types"
)

// Posted is an assertion on the ledger: a transaction that the bonding contract took as one.
type Posted struct {
	Envelope []byte
	Step     uint64 // place in the contract's queue
}

// Posted lists the assertions that a block put on the ledger, in order. Networks without a bonding contract have none.
func (c *Chain) Posted(height types.Height) (list []Posted, err error) {
	number := uint64(height)
	hash := rawdb.ReadCanonicalHash(c.disk, number)
	if !c.rules.Bonded || height > c.Height() || hash == (common.Hash{}) {
		return nil, nil
	}
	body := rawdb.ReadBody(c.disk, hash, number)
	if body == nil || len(body.Transactions) == 0 {
		return nil, nil
	}
	receipts := rawdb.ReadRawReceipts(c.disk, hash, number)
	if len(receipts) != len(body.Transactions) {
		return nil, fmt.Errorf("block %d has %d transactions and %d receipts: %w", height, len(body.Transactions), len(receipts), ErrUnknown)
	}
	for i, tx := range body.Transactions {
		step, ok := c.assertedStep(tx, receipts[i])
		if !ok {
			continue
		}
		envelope, err := tx.MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("assertion in block %d: %w", height, err)
		}
		list = append(list, Posted{Envelope: envelope, Step: step})
	}
	return list, nil
}

// assertedStep is the step that a transaction's assertion entered, if it is one.
func (c *Chain) assertedStep(tx *ethtypes.Transaction, receipt *ethtypes.Receipt) (uint64, bool) {
	if tx.To() == nil || *tx.To() != c.rules.Vault {
		return 0, false
	}
	for _, log := range receipt.Logs {
		if log.Address != c.rules.Vault {
			continue
		}
		if event, err := bondsABI().UnpackAssertedEvent(log); err == nil {
			return event.Step.Uint64(), true
		}
	}
	return 0, false
}

// Settlement is where the bonding contract's own settlement stands after the newest executed block.
type Settlement struct {
	Height types.Height // newest settled
	Value  types.Hash
	Claim  types.Hash // hash of the last claim
	First  uint64     // steps below this place in the queue are decided
	Next   uint64     // steps from this place on do not exist
}

// Settlement is the contract's. The network must have bonds.
func (c *Chain) Settlement() (s Settlement, err error) {
	err = c.viewBonds(func(env *Env, evm *vm.EVM) error {
		settled, err := viewOf(env, evm, bondsABI().PackSettled(), bondsABI().UnpackSettled)
		if err != nil {
			return err
		}
		queue, err := viewOf(env, evm, bondsABI().PackQueue(), bondsABI().UnpackQueue)
		s = Settlement{Height: types.Height(settled.Height), Value: settled.Value, Claim: settled.Claim, First: queue.First, Next: queue.Next}
		return err
	})
	return s, err
}
