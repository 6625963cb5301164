package execution

import (
	"sync"

	"github.com/ethereum/go-ethereum/core/rawdb"
	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/execution/contracts"
	"github.com/etherscale/bedrock/types"
)

// routine lists the calls of the bonding contract that keep the ledger itself going, by their selectors.
var routine = sync.OnceValue(func() map[[4]byte]bool {
	abi, err := contracts.BondsMetaData.ParseABI()
	if err != nil {
		panic("execution: the contract's own description does not parse: " + err.Error())
	}
	calls := make(map[[4]byte]bool)
	for _, name := range [...]string{"assertValue", "collect", "commit", "reward", "ready"} {
		calls[[4]byte(abi.Methods[name].ID)] = true
	}
	return calls
})

// Routine reports whether a block has executed nothing but calls of the bonding contract that keep the ledger itself going
// (assertions, and what challengers and members are owed): no reason for an assertion, or an idle network would never be
// idle. Where there is no such contract only an empty block is.
func (c *Chain) Routine(height types.Height) (bool, error) {
	header, err := c.Header(height)
	if err != nil {
		return false, err
	}
	number := uint64(height)
	body := rawdb.ReadBody(c.disk, rawdb.ReadCanonicalHash(c.disk, number), number)
	if body == nil && header.DataLength > 0 {
		return false, ErrUnknown
	}
	for i := 0; body != nil && i < len(body.Transactions); i++ {
		if !c.isRoutine(body.Transactions[i]) {
			return false, nil
		}
	}
	return true, nil
}

func (c *Chain) isRoutine(tx *ethtypes.Transaction) bool {
	to, data := tx.To(), tx.Data()
	return c.rules.Bonded && to != nil && *to == c.rules.Vault && len(data) >= 4 && routine()[[4]byte(data)]
}
