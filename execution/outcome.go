package execution

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/types"
)

// Outcome says in which block a transaction was executed and whether it succeeded; known is false if it was not executed
// (skipped ones were not).
func (c *Chain) Outcome(hash types.Hash) (height types.Height, succeeded, known bool) {
	tx, block, number, index := rawdb.ReadCanonicalTransaction(c.disk, common.Hash(hash))
	if tx == nil || number > uint64(c.Height()) {
		return 0, false, false
	}
	receipts := rawdb.ReadRawReceipts(c.disk, block, number)
	if index >= uint64(len(receipts)) {
		return 0, false, false
	}
	return types.Height(number), receipts[index].Status == ethtypes.ReceiptStatusSuccessful, true
}
