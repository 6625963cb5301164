package speed

import (
	"errors"
	"fmt"
	"time"

	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// layers is how many states go-ethereum keeps in memory above the one on disk.
const layers = 128

// ledger is a chain with the end of it.
type ledger struct {
	chain  *execution.Chain
	before types.Header // the parent of last
	last   types.Header
}

// openLedger makes a chain that flushes its state with the last block of each kind, and lets the database settle.
func openLedger(c Config, g *types.Genesis, dir string) (*ledger, error) {
	chain, err := execution.Open(execution.Config{Genesis: g, Dir: dir, DurableEvery: uint64(layers + c.WarmUp + c.Blocks)})
	if err != nil {
		return nil, fmt.Errorf("speed: %w", err)
	}
	if err := chain.Disk().Compact(nil, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("speed: %w", err), chain.Close())
	}
	g.Alloc = nil // it is in the database; no network's genesis is so large that the collector minds
	return &ledger{chain: chain, last: chain.HeadHeader()}, nil
}

// age puts layers of states above the one on disk: empty blocks.
func (l *ledger) age() error {
	for range layers {
		if err := l.apply(nil, 0); err != nil {
			return err
		}
	}
	return nil
}

// apply executes the next block, all of whose transactions must succeed.
func (l *ledger) apply(data []byte, transactions int) error {
	h := types.Header{Version: types.Version, Network: l.last.Network, Height: l.last.Height + 1, Parent: l.last.Digest(),
		Time: l.last.Time + 500_000, DataLength: uint64(len(data))}
	l.before, l.last = l.last, h
	r, err := l.chain.Apply(h, data)
	if err != nil {
		return fmt.Errorf("speed: %w", err)
	}
	for _, receipt := range r.Receipts {
		if receipt.Status == 0 {
			return fmt.Errorf("speed: transaction %s of block %d failed", receipt.TxHash, h.Height)
		}
	}
	if len(r.Receipts) != transactions {
		return fmt.Errorf("speed: %d of %d transactions of block %d executed: %v", len(r.Receipts), transactions, h.Height, r.Skipped)
	}
	return nil
}

// witness is the size of the last block's witness, in bytes.
func (l *ledger) witness() (int, error) {
	w, err := l.chain.Witness(l.last.Height)
	if err != nil {
		return 0, fmt.Errorf("speed: %w", err)
	}
	return w.Size(), nil
}

// comparisons is how often a block is executed in each way to find what its roots cost.
const comparisons = 5

// compare executes the last block again on its parent's state, in chunks and as one chunk, in turn, without storing
// anything: the CPU time that chunks take more, by the best run of each.
func (l *ledger) compare(data []byte, c Config) (more time.Duration, err error) {
	txs := execution.DecodeTransactions(l.chain.ChainConfig(), types.DecodeBlockData(data))
	best := map[int]time.Duration{}
	for range comparisons {
		for _, chunk := range [...]int{c.Chunk, c.Transactions} {
			took, err := l.repeat(txs, chunk)
			if err != nil {
				return 0, err
			}
			if best[chunk] == 0 || took < best[chunk] {
				best[chunk] = took
			}
		}
	}
	return best[c.Chunk] - best[c.Transactions], nil
}

// repeat executes the last block's transactions again, with a root after so many, and says what CPU time that took.
func (l *ledger) repeat(txs []*ethtypes.Transaction, chunk int) (time.Duration, error) {
	claim, err := l.chain.LastClaim(l.before.Height)
	if err != nil {
		return 0, fmt.Errorf("speed: %w", err)
	}
	s, err := l.chain.StateAt(claim.Root)
	if err != nil {
		return 0, fmt.Errorf("speed: %w", err)
	}
	rules := l.chain.Rules()
	rules.ChunkTransactions, rules.ChunkGas, rules.ChunkBytes = uint64(chunk), 1<<40, 1<<40
	env := execution.NewEnv(&rules, l.last, l.before, claim, func(uint64) types.Hash { return types.Hash{} })
	source, frontier := execution.ListSource(txs), execution.Frontier{}
	claim = env.Start(claim)
	before, err := CPUTime()
	if err != nil {
		return 0, err
	}
	for first := true; first || claim.Place < uint64(len(txs)); first = false {
		done, err := env.RunChunk(s, first, claim, frontier, source)
		if err != nil {
			return 0, fmt.Errorf("speed: %w", err)
		}
		claim, frontier = done.Claim, done.Frontier
	}
	after, err := CPUTime()
	return after - before, err
}
