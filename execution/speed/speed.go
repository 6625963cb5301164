// Package speed measures what executing blocks costs on the machine it runs on.
//
// It drives the product's own path, execution.Chain.Apply on a database in a directory: decode every envelope and recover
// its sender, execute, take the state root of every chunk, commit, record the block's witness, store block, receipts, claims
// and witness, and sync. What is measured is CPU time of the whole process (user and system) on one processor
// (GOMAXPROCS=1): the database's compactions and the collector count, what else the machine does counts little. As on a
// chain that has run for a while, reads pass 128 layers of recent states; and the state is flushed to disk with the last
// block that is measured. Signing, making blocks and writing the genesis are not measured. The blocks are the same in
// every run.
package speed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
)

// Config says what to measure.
type Config struct {
	Accounts     int                   // in the state, each with a balance of the token; half of them may send
	Blocks       int                   // of each kind of transaction that are measured, after WarmUp others
	WarmUp       int                   // blocks of each kind that are executed first, at least 1
	Transactions int                   // of a block
	Chunk        int                   // transactions of a chunk: as many, a root is taken
	Dir          string                // for databases; empty: where the system keeps temporary files
	Progress     func(done, total int) // after each block; may be nil
}

// Default is what `bedrock bench execute` measures: 20,000 accounts that send or could, as many others that receive, and
// the chunks of every network's genesis.
var Default = Config{Accounts: 40_000, Blocks: 10, WarmUp: 2, Transactions: 1000, Chunk: 64}

// ErrConfig says that there is nothing to measure.
var ErrConfig = errors.New("speed: configuration out of range")

func (c Config) validate() error {
	if c.Blocks < 1 || c.WarmUp < 1 || c.Transactions < 1 || c.Chunk < 1 || c.Accounts < 2*c.senders() {
		return fmt.Errorf("%w: %+v", ErrConfig, c)
	}
	return nil
}

// senders is how many accounts send: each once of each kind.
func (c Config) senders() int { return (c.WarmUp + c.Blocks) * c.Transactions }

// Figures are what one kind of transaction costs.
type Figures struct {
	PerS           float64 `json:"perS"`              // transactions a second of CPU time, all in
	RootsOverhead  float64 `json:"rootsOverhead"`     // share that roots at every chunk add to the time of one root for a block
	WitnessBytesTx float64 `json:"witnessBytesPerTx"` // of the blocks' witnesses
}

// Result is everything that is measured.
type Result struct {
	Transfers Figures `json:"transfers"`
	ERC20     Figures `json:"erc20"`
	RecoverUs float64 `json:"recoverUs"` // recovering one sender: part of every figure above
}

// Measure takes the figures. It sets GOMAXPROCS while it runs, and ends early with the context's error.
func Measure(ctx context.Context, c Config) (result Result, err error) {
	if err := c.validate(); err != nil {
		return result, err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	dir, err := os.MkdirTemp(c.Dir, "bedrock-speed-")
	if err != nil {
		return result, fmt.Errorf("speed: %w", err)
	}
	defer os.RemoveAll(dir)
	m := &machine{config: c}
	if m.work, err = newWorkload(c); err != nil {
		return result, err
	}
	if m.ledger, err = openLedger(c, m.work.genesis(c.Chunk), dir); err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, m.ledger.chain.Close()) }()
	runtime.GOMAXPROCS(1)
	if result.Transfers, err = m.measure(ctx, m.work.transfers); err != nil {
		return result, err
	}
	if result.ERC20, err = m.measure(ctx, m.work.tokens); err != nil {
		return result, err
	}
	result.RecoverUs, err = m.work.recover()
	return result, err
}

// machine executes the blocks of both kinds.
type machine struct {
	config Config
	work   *workload
	ledger *ledger
	done   int
}

// measure executes blocks of one kind. The first ones warm up: roots and witnesses are measured with them.
func (m *machine) measure(ctx context.Context, blocks [][]byte) (f Figures, err error) {
	if err := m.ledger.age(); err != nil {
		return f, err
	}
	var roots time.Duration
	var witness int
	for _, data := range blocks[:m.config.WarmUp] {
		if err := m.apply(ctx, data); err != nil {
			return f, err
		}
		more, err := m.ledger.compare(data, m.config)
		if err != nil {
			return f, err
		}
		size, err := m.ledger.witness()
		if err != nil {
			return f, err
		}
		roots, witness = roots+more, witness+size
	}
	begin, err := CPUTime()
	if err != nil {
		return f, err
	}
	for _, data := range blocks[m.config.WarmUp:] {
		if err := m.apply(ctx, data); err != nil {
			return f, err
		}
	}
	end, err := CPUTime()
	if err != nil {
		return f, err
	}
	warm, count := float64(m.config.WarmUp*m.config.Transactions), float64(m.config.Blocks*m.config.Transactions)
	each, root := (end-begin).Seconds()/count, roots.Seconds()/warm
	return Figures{PerS: 1 / each, RootsOverhead: root / (each - root), WitnessBytesTx: float64(witness) / warm}, nil
}

func (m *machine) apply(ctx context.Context, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.ledger.apply(data, m.config.Transactions); err != nil {
		return err
	}
	if m.done++; m.config.Progress != nil {
		m.config.Progress(m.done, 2*(m.config.WarmUp+m.config.Blocks))
	}
	return nil
}
