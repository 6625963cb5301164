package execution

import (
	"encoding/binary"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/etherscale/bedrock/types"
)

const (
	// keyPruned holds BE64 height: the transactions and receipts of blocks up to it are gone.
	keyPruned = "\xffbr-p"
	// pruneBlocks bounds the blocks of one call, to keep its batch small.
	pruneBlocks = 256
)

// Pruned is the height up to which transactions and receipts are not kept any more, or, before a state that was fetched,
// never were here. Headers, claims and the state are.
func (c *Chain) Pruned() types.Height {
	value, err := c.disk.Get([]byte(keyPruned))
	if err != nil || len(value) != 8 {
		return c.First()
	}
	return max(c.First(), types.Height(binary.BigEndian.Uint64(value)))
}

// PruneHistory drops the transactions, receipts and look-ups of the oldest blocks that have any, up to a height and at most
// pruneBlocks of them. It returns how far it came. The caller keeps what it needs itself: that of blocks that are not settled.
func (c *Chain) PruneHistory(upTo types.Height) (types.Height, error) {
	from := c.Pruned()
	upTo = min(upTo, c.Durable(), from+pruneBlocks)
	if upTo <= from {
		return from, nil
	}
	batch := c.disk.NewBatch()
	for h := from + 1; h <= upTo; h++ {
		hash := rawdb.ReadCanonicalHash(c.disk, uint64(h))
		if body := rawdb.ReadBody(c.disk, hash, uint64(h)); body != nil {
			for _, tx := range body.Transactions {
				rawdb.DeleteTxLookupEntry(batch, tx.Hash())
			}
		}
		rawdb.DeleteBody(batch, hash, uint64(h))
		rawdb.DeleteReceipts(batch, hash, uint64(h))
		if err := c.pruneSkips(batch, h); err != nil {
			return from, err
		}
	}
	if err := batch.Put([]byte(keyPruned), binary.BigEndian.AppendUint64(nil, uint64(upTo))); err != nil {
		return from, fmt.Errorf("prune history: %w", err)
	}
	if err := batch.Write(); err != nil {
		return from, fmt.Errorf("prune history: %w", err)
	}
	return upTo, nil
}

// pruneSkips drops the records of a block's skipped transactions.
func (c *Chain) pruneSkips(batch interface{ Delete([]byte) error }, h types.Height) error {
	encoded, err := c.record(keySkips, h)
	if err != nil {
		return nil // none
	}
	var skips []SkippedTransaction
	if err := rlp.DecodeBytes(encoded, &skips); err != nil {
		return fmt.Errorf("stored skips of block %d: %w", h, err)
	}
	for _, s := range skips {
		if err := batch.Delete(append([]byte(keySkipped), common.Hash(s.Hash).Bytes()...)); err != nil {
			return fmt.Errorf("prune history: %w", err)
		}
	}
	return batch.Delete(heightKey(keySkips, h))
}

// CompactHistory gives the disk back that pruned blocks took. It takes as long as rewriting what is left beside them.
func (c *Chain) CompactHistory() error {
	for _, prefix := range []string{"b", "r"} { // of bodies and receipts in go-ethereum's layout
		limit := binary.BigEndian.AppendUint64([]byte(prefix), uint64(c.Pruned())+1)
		if err := c.disk.Compact([]byte(prefix), limit); err != nil {
			return fmt.Errorf("compact history: %w", err)
		}
	}
	return nil
}
