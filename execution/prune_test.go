package execution_test

import (
	"testing"

	"github.com/ethereum/go-ethereum/core/rawdb"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
)

// TestPrunedHistoryIsGoneAndTheChainGoesOn: transactions and receipts of old blocks go, headers, claims and the state stay, over a
// restart too; the blocks above and new ones are as they were.
func TestPrunedHistoryIsGoneAndTheChainGoesOn(t *testing.T) {
	s := exectest.New(t, nil)
	reopen := func() {
		t.Helper()
		if err := s.Chain.Close(); err != nil {
			t.Fatal(err)
		}
		chain, err := execution.Open(execution.Config{Genesis: s.Genesis, Dir: s.Dir, Blocks: s, Cache: 6, DurableEvery: 1})
		if err != nil {
			t.Fatal(err)
		}
		s.Chain = chain
	}
	reopen()
	for range 12 {
		s.Apply(s.Transfer(0, 1, 5), s.Transfer(2, 3, 7))
	}
	c := s.Chain
	reached, err := c.PruneHistory(7)
	if err != nil || reached != 7 || c.Pruned() != 7 {
		t.Fatalf("pruned up to %d, says %d: %v", reached, c.Pruned(), err)
	}
	if err := c.CompactHistory(); err != nil {
		t.Fatal(err)
	}
	if again, err := c.PruneHistory(5); err != nil || again != 7 {
		t.Fatalf("pruned again up to %d: %v", again, err)
	}
	reopen()
	c = s.Chain
	for h := uint64(1); h <= uint64(c.Height()); h++ {
		hash := rawdb.ReadCanonicalHash(c.Disk(), h)
		body := rawdb.ReadBody(c.Disk(), hash, h)
		if kept := body != nil; kept != (h > 7) {
			t.Errorf("block %d: transactions kept: %v", h, kept)
		}
		if body != nil {
			for _, tx := range body.Transactions {
				if rawdb.ReadTxLookupEntry(c.Disk(), tx.Hash()) == nil {
					t.Errorf("block %d: transaction %s is not found", h, tx.Hash())
				}
			}
		}
	}
	if s.Apply(s.Transfer(1, 0, 1)); c.Height() != 13 {
		t.Fatalf("head %d after one more block", c.Height())
	}
}
