package execution

import (
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/state"
	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/types"
)

// recover finds the head and brings the state up to it. After a crash the states of recent blocks, which lived in memory,
// are gone: the newest block whose state opens is the base from which the stored blocks are executed again.
func (c *Chain) recover() error {
	block := rawdb.ReadHeadHeader(c.disk)
	if block == nil {
		return fmt.Errorf("state database has no head: %w: delete the state directory to rebuild it", ErrRecovery)
	}
	top := types.Height(block.Number.Uint64())
	base, err := c.newestState(top)
	if err != nil {
		return err
	}
	c.setHead(base)
	if base.header.Height < top {
		c.config.Logger.Info("executing stored blocks again after a crash", "from", base.header.Height+1, "to", top)
	}
	for height := base.header.Height + 1; height <= top; height++ {
		done, err := c.repeat(height)
		if err != nil {
			return err
		}
		if !done {
			return c.rewind(height-1, top)
		}
	}
	return nil
}

// rewind makes a block below the recorded head the head again, because the next one is not stored. Nothing is lost that the
// network does not have: the blocks above are certified, will come again, and execute to the same.
func (c *Chain) rewind(to, top types.Height) error {
	c.config.Logger.Warn("blocks executed before the crash are not stored; they will be fetched and executed again", "from", to+1, "to", top)
	batch := c.disk.NewBatch()
	for height := to + 1; height <= top; height++ {
		rawdb.DeleteCanonicalHash(batch, uint64(height))
	}
	hash := c.head.Load().block.Hash()
	rawdb.WriteHeadHeaderHash(batch, hash)
	rawdb.WriteHeadBlockHash(batch, hash)
	rawdb.WriteHeadFastBlockHash(batch, hash)
	if err := batch.Write(); err != nil {
		return fmt.Errorf("rewind to block %d: %w", to, err)
	}
	if err := c.disk.SyncKeyValue(); err != nil {
		return fmt.Errorf("rewind to block %d: %w", to, err)
	}
	return nil
}

// newestState walks down from top to a block whose state opens.
func (c *Chain) newestState(top types.Height) (*head, error) {
	for height := top; ; height-- {
		at, err := c.headAt(height)
		if err != nil {
			return nil, err
		}
		if _, err := state.New(at.claim.Root, c.states); err == nil {
			return at, nil
		}
		if height == 0 {
			return nil, fmt.Errorf("no state of any block opens: %w: delete the state directory to rebuild it", ErrRecovery)
		}
	}
}

func (c *Chain) headAt(height types.Height) (*head, error) {
	header, err := c.Header(height)
	if err != nil {
		return nil, err
	}
	claim, err := c.LastClaim(height)
	if err != nil {
		return nil, err
	}
	block := c.ethereumHeader(uint64(height))
	if block == nil {
		return nil, fmt.Errorf("Ethereum header %d: %w", height, ErrUnknown)
	}
	return &head{header: header, claim: claim, block: block}, nil
}

func (c *Chain) ethereumHeader(number uint64) *ethtypes.Header {
	return rawdb.ReadHeader(c.disk, rawdb.ReadCanonicalHash(c.disk, number), number)
}

// repeat executes a block whose records are stored but whose state was lost; false if the block itself is not stored.
func (c *Chain) repeat(height types.Height) (done bool, err error) {
	if c.config.Blocks == nil {
		return false, nil
	}
	header, data, ok := c.config.Blocks.Block(height)
	if !ok {
		return false, nil
	}
	want, err := c.headAt(height)
	if err != nil {
		return false, err
	}
	if header.Digest() != want.header.Digest() {
		return false, fmt.Errorf("stored block %d is not the one executed before the crash: %w", height, ErrRecovery)
	}
	run, err := c.execute(c.head.Load(), header, c.Prepare(data))
	if err != nil {
		return false, err
	}
	before, err := c.Claims(height)
	if err != nil {
		return false, err
	}
	if !slices.Equal(before, run.claims) || run.block.Hash() != want.block.Hash() {
		return false, fmt.Errorf("block %d executed again differs from before the crash: %w: delete the state directory to rebuild it", height, ErrRecovery)
	}
	if err := c.writeWitness(run); err != nil { // a crash may have taken it with the state
		return false, err
	}
	c.setHead(want)
	return true, nil
}
