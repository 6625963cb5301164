package execution

import (
	"runtime"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/etherscale/bedrock/types"
)

// Known are transactions whose envelopes were read and whose senders were recovered when they entered, by the hash of the
// envelope; nil: unknown. Safe for concurrent use.
type Known interface {
	Get(hash common.Hash) *ethtypes.Transaction
}

// Know lets blocks use transactions that are known already, so that no sender is recovered twice. It must be called before
// the first block is prepared or applied.
func (c *Chain) Know(known Known) { c.known = known }

// Prepared is a block's data as execution reads it. It depends on nothing but the data.
type Prepared struct {
	hashes []types.Hash            // of the envelopes
	txs    []*ethtypes.Transaction // nil where malformed
}

// Hashes are the hashes of the block's envelopes, not to be changed.
func (p *Prepared) Hashes() []types.Hash { return p.hashes }

// alone is how many transactions one goroutine handles before another one is worth its start.
const alone = 16

// parallel runs do for shares of count items, on all processors: for those from part in steps of parts.
func parallel(count int, do func(part, parts int)) {
	parts := min(runtime.GOMAXPROCS(0), (count+alone-1)/alone)
	if parts <= 1 {
		do(0, 1)
		return
	}
	var group sync.WaitGroup
	for part := range parts {
		group.Go(func() { do(part, parts) })
	}
	group.Wait()
}

// Prepare reads a block's data and recovers the senders, on all processors. It may run while another block executes.
func (c *Chain) Prepare(data []byte) *Prepared {
	envelopes := types.DecodeBlockData(data)
	p := &Prepared{hashes: make([]types.Hash, len(envelopes)), txs: make([]*ethtypes.Transaction, len(envelopes))}
	signer := ethtypes.LatestSigner(c.chainConfig)
	parallel(len(envelopes), func(part, parts int) {
		for i := part; i < len(envelopes); i += parts {
			hash := crypto.Keccak256Hash(envelopes[i])
			p.hashes[i] = types.Hash(hash)
			if c.known != nil {
				p.txs[i] = c.known.Get(hash)
			}
			if p.txs[i] == nil {
				p.txs[i] = recovered(signer, envelopes[i])
			}
		}
	})
	return p
}

// recovered reads an envelope and recovers its sender, which the transaction remembers; the driver judges. Nil if it is
// malformed.
func recovered(signer ethtypes.Signer, envelope []byte) *ethtypes.Transaction {
	tx := DecodeTransaction(envelope)
	if tx != nil {
		_, _ = ethtypes.Sender(signer, tx)
	}
	return tx
}

// DecodeTransactions reads envelopes and recovers the senders on all processors. Malformed ones are nil.
func DecodeTransactions(config *params.ChainConfig, envelopes [][]byte) []*ethtypes.Transaction {
	txs := make([]*ethtypes.Transaction, len(envelopes))
	signer := ethtypes.LatestSigner(config)
	parallel(len(envelopes), func(part, parts int) {
		for i := part; i < len(envelopes); i += parts {
			txs[i] = recovered(signer, envelopes[i])
		}
	})
	return txs
}

// Prefetch reads the accounts that a block's transactions name, at the head of now, on all processors: what of them is on
// disk comes into the cache before the block executes. It may run while another block executes, and is worth its work only
// then. What it cannot read is not its concern.
func (c *Chain) Prefetch(p *Prepared) {
	root := c.head.Load().claim.Root
	signer := ethtypes.LatestSigner(c.chainConfig)
	nodes := cachedNodes{c.tdb, c.nodes}
	parallel(len(p.txs), func(part, parts int) {
		t, err := trie.NewStateTrie(trie.StateTrieID(root), nodes)
		if err != nil {
			return
		}
		for i := part; i < len(p.txs); i += parts {
			if p.txs[i] == nil {
				continue
			}
			if to := p.txs[i].To(); to != nil {
				_, _ = t.GetAccount(*to)
			}
			if from, err := ethtypes.Sender(signer, p.txs[i]); err == nil {
				_, _ = t.GetAccount(from)
			}
		}
	})
}
