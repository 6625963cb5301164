package execution

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/etherscale/bedrock/types"
)

// Result is what executing a block came to.
type Result struct {
	Height   types.Height
	Claims   []Claim // one for each chunk
	Block    *ethtypes.Block
	Receipts []*ethtypes.Receipt
	Skipped  []Skip
	Places   int // ordered transactions
}

// executed is a block's execution before it is stored.
type executed struct {
	env      *Env
	hashes   []types.Hash // of the envelopes
	claims   []Claim
	txs      []*ethtypes.Transaction
	receipts []*ethtypes.Receipt
	skipped  []Skip
	state    *state.StateDB
	witness  []byte
	block    *ethtypes.Block

	next        *NextEpoch // where the block's state decides a committee
	systemError error      // of the bonding contract
}

// Apply executes the next block and stores its outcome; when it returns, blocks, receipts and claims are on disk. The
// caller vouches that the header is certified and that data is what it commits to. Errors: ErrExecuted, ErrGap, ErrParent,
// or the database's.
func (c *Chain) Apply(header types.Header, data []byte) (*Result, error) {
	return c.ApplyPrepared(header, c.Prepare(data), true)
}

// ApplyPrepared is Apply for a block whose data is prepared. If it need not be durable, a later block's Apply makes it so;
// until then a crash takes it back, and it comes again from Config.Blocks or the network.
func (c *Chain) ApplyPrepared(header types.Header, p *Prepared, durable bool) (*Result, error) {
	parent := c.head.Load()
	switch {
	case header.Network != c.rules.Network:
		return nil, fmt.Errorf("block %d is of network %s: %w", header.Height, header.Network, ErrWrongNetwork)
	case header.Height <= parent.header.Height:
		return nil, fmt.Errorf("block %d, head is %d: %w", header.Height, parent.header.Height, ErrExecuted)
	case header.Height > parent.header.Height+1:
		return nil, fmt.Errorf("block %d, head is %d: %w", header.Height, parent.header.Height, ErrGap)
	case header.Parent != parent.header.Digest():
		return nil, fmt.Errorf("block %d names parent %s: %w", header.Height, header.Parent, ErrParent)
	}
	run, err := c.execute(parent, header, p)
	if err != nil {
		return nil, err
	}
	if run.systemError != nil {
		c.config.Logger.Error("the bonding contract refused a system call: this is a fault of the program or of a quorum", "height", header.Height, "error", run.systemError)
	}
	if err := c.store(run, durable); err != nil {
		return nil, fmt.Errorf("store block %d: %w", header.Height, err)
	}
	return &Result{Height: header.Height, Claims: run.claims, Block: run.block, Receipts: run.receipts,
		Skipped: run.skipped, Places: len(run.hashes)}, nil
}

// execute runs a block on its parent's state, recording its witness, and commits the new state to memory.
func (c *Chain) execute(parent *head, header types.Header, p *Prepared) (*executed, error) {
	rec := newRecorder()
	s, err := state.New(parent.claim.Root, newRecordingDB(c.states, rec, c.nodes))
	if err != nil {
		return nil, fmt.Errorf("state of block %d: %w", parent.header.Height, err)
	}
	run := &executed{state: s, hashes: p.hashes}
	run.env = NewEnv(&c.rules, header, parent.header, parent.claim, c.digest)
	if err := run.chunks(p.txs, parent.claim); err != nil {
		return nil, err
	}
	if run.witness, err = rec.encodeBlock(); err != nil {
		return nil, err
	}
	last := run.claims[len(run.claims)-1]
	root, err := s.Commit(run.env.rules(), uint64(header.Height))
	if err != nil {
		return nil, fmt.Errorf("commit state of block %d: %w", header.Height, err)
	}
	if root != last.Root {
		return nil, fmt.Errorf("state of block %d commits to %s, computed %s: the database is damaged", header.Height, root, last.Root)
	}
	if c.decides(header.Height) {
		if run.next, err = run.nextEpoch(c.states, root, c.config.Genesis.Bonding.MaxCommittee); err != nil {
			return nil, fmt.Errorf("committee after block %d: %w", header.Height, err)
		}
	}
	run.build(parent.block.Hash())
	return run, nil
}

// chunks runs all chunks of the block; an empty block has one.
func (run *executed) chunks(txs []*ethtypes.Transaction, parentClaim Claim) error {
	source := ListSource(txs)
	claim, frontier := run.env.Start(parentClaim), Frontier{}
	for first := true; first || claim.Place < uint64(len(txs)); first = false {
		chunk, err := run.env.RunChunk(run.state, first, claim, frontier, source)
		if err != nil {
			return fmt.Errorf("execute block %d: %w", run.env.Header.Height, err)
		}
		if chunk.SystemError != nil {
			run.systemError = chunk.SystemError
		}
		claim, frontier = chunk.Claim, chunk.Frontier
		run.claims = append(run.claims, claim)
		run.txs = append(run.txs, chunk.Transactions...)
		run.receipts = append(run.receipts, chunk.Receipts...)
		run.skipped = append(run.skipped, chunk.Skipped...)
	}
	return nil
}

// ListSource serves a block whose transactions are all known; malformed ones are nil.
func ListSource(txs []*ethtypes.Transaction) Source {
	return func(place uint64) (*ethtypes.Transaction, bool, error) {
		if place >= uint64(len(txs)) {
			return nil, false, nil
		}
		return txs[place], true, nil
	}
}

// build makes the Ethereum-style block that RPC shows.
func (run *executed) build(parentHash common.Hash) {
	h, last := &run.env.Header, run.claims[len(run.claims)-1]
	digest := common.Hash(h.Digest())
	header := &ethtypes.Header{
		ParentHash: parentHash, UncleHash: ethtypes.EmptyUncleHash, Coinbase: run.env.Rules.Vault, Root: last.Root,
		Difficulty: new(big.Int), Number: new(big.Int).SetUint64(uint64(h.Height)), GasLimit: run.env.Rules.BlockGas,
		GasUsed: last.Gas, Time: Seconds(h), MixDigest: Random(h), BaseFee: new(big.Int).SetUint64(run.env.BaseFee),
		WithdrawalsHash: &ethtypes.EmptyWithdrawalsHash, BlobGasUsed: new(uint64), ExcessBlobGas: new(uint64),
		ParentBeaconRoot: &digest, RequestsHash: &ethtypes.EmptyRequestsHash,
	}
	body := &ethtypes.Body{Transactions: run.txs, Withdrawals: []*ethtypes.Withdrawal{}}
	run.block = ethtypes.NewBlock(header, body, run.receipts, trie.NewStackTrie(nil))
	index := uint(0)
	for _, r := range run.receipts {
		r.BlockHash = run.block.Hash()
		for _, l := range r.Logs {
			l.BlockHash, l.Index = run.block.Hash(), index
			index++
		}
	}
}

// store makes the outcome durable, if it is to be, then visible, then tells subscribers.
func (c *Chain) store(run *executed, durable bool) error {
	if err := c.writeWitness(run); err != nil {
		return err
	}
	batch := c.disk.NewBatch()
	if err := c.writeRecords(batch, run); err != nil {
		return err
	}
	if err := batch.Write(); err != nil {
		return err
	}
	last := run.claims[len(run.claims)-1]
	if uint64(run.env.Header.Height-c.Durable()) >= c.config.DurableEvery {
		if err := c.witnesses.Sync(); err != nil { // blocks whose state is on disk are not executed again
			return err
		}
		if err := c.tdb.Commit(last.Root, false); err != nil {
			return fmt.Errorf("flush state: %w", err)
		}
	}
	if durable { // the state above included: bodies that it stands for may be given up next
		if err := c.disk.SyncKeyValue(); err != nil {
			return err
		}
	}
	c.setHead(&head{header: run.env.Header, claim: last, block: run.block.Header()})
	c.announce(run)
	return nil
}

func (c *Chain) announce(run *executed) {
	var logs []*ethtypes.Log
	for _, r := range run.receipts {
		logs = append(logs, r.Logs...)
	}
	if len(logs) > 0 {
		c.logs.Send(logs)
	}
	c.heads.Send(core.ChainHeadEvent{Header: run.block.Header()})
	c.signal()
}

// digest serves BLOCKHASH. The EVM asks for nothing but the last 256 heights, all of which are stored.
func (c *Chain) digest(height uint64) types.Hash {
	h, err := c.Header(types.Height(height))
	if err != nil {
		c.config.Logger.Error("header for BLOCKHASH is missing", "height", height, "error", err)
		return types.Hash{}
	}
	return h.Digest()
}
