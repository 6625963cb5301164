package node

import (
	"context"
	"path/filepath"
	"time"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/node/metrics"
	"github.com/etherscale/bedrock/types"
)

// openExecution opens the EVM's state. Networks of opaque payload order bytes and execute nothing.
func (n *Node) openExecution() (err error) {
	if !n.cfg.Role.Executes() || n.cfg.Genesis.Payload != types.PayloadEthereum {
		return nil
	}
	n.exec, err = execution.Open(execution.Config{
		Genesis: n.cfg.Genesis, Dir: filepath.Join(n.cfg.Data, "state"), Blocks: storedBlocks{n}, Cache: n.cfg.StateCache, Logger: n.log,
		WitnessBytes: diskShare(n.cfg.Disk, witnessShare),
	})
	if err != nil {
		return err
	}
	n.onClose(n.exec.Close)
	if first := n.exec.First(); first > n.chain.PrunedHeight() { // restored just before a crash
		return n.chain.SkipBodies(first)
	}
	return nil
}

// storedBlocks gives execution the blocks that chain has on disk.
type storedBlocks struct{ n *Node }

var _ execution.Blocks = storedBlocks{}

// Block implements execution.Blocks.
func (b storedBlocks) Block(h types.Height) (types.Header, []byte, bool) {
	ch, ok := b.n.chain.Header(h)
	if !ok {
		return types.Header{}, nil, false
	}
	data, err := b.n.chain.Body(h)
	return ch.Header, data, err == nil
}

// releaseEvery is how many blocks lie between two looks at bodies that are old enough to be given up.
const releaseEvery = 64

// executeBlocks runs every certified block whose body is here, in order of height.
func (n *Node) executeBlocks(ctx context.Context) error {
	signal, cancel := n.chain.Subscribe()
	defer cancel()
	tick := time.NewTicker(joinEvery)
	defer tick.Stop()
	join := &lateJoin{n: n}
	for {
		if err := join.step(ctx); err != nil {
			return err
		}
		if err := n.executeReady(ctx, join); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-signal:
		case <-tick.C:
		}
	}
}

// executeReady runs the blocks that are here. While one executes the next is read, its senders are recovered and its
// accounts looked up; and a block that another one follows at once leaves the sync of the disk to that one.
func (n *Node) executeReady(ctx context.Context, join *lateJoin) error {
	next := n.readyBlock(n.exec.Height()+1, false)
	for next != nil && ctx.Err() == nil {
		current, ahead := next, make(chan *readyBlock, 1)
		go func() { ahead <- n.readyBlock(current.header.Height+1, true) }()
		// A block whose successor is certified is followed at once.
		err := n.executeBlock(current, !n.executable(current.header.Height+1))
		next = <-ahead
		if err != nil {
			return err
		}
		join.settle(ctx, n.exec.Height())
	}
	return nil
}

// readyBlock is a block that can be executed when those below it are.
type readyBlock struct {
	header   types.Header
	prepared *execution.Prepared
}

// executable reports whether a block is certified, consistent with what this node believes, and its body here.
func (n *Node) executable(h types.Height) bool {
	return h <= min(n.chain.BodiesHead(), n.chain.Sound())
}

// readyBlock reads a block; nil if it is not here, of which the next signal tells. Ahead of its turn its accounts are looked
// up, too.
func (n *Node) readyBlock(h types.Height, ahead bool) *readyBlock {
	if !n.executable(h) {
		return nil
	}
	header, data, ok := storedBlocks{n}.Block(h)
	if !ok {
		return nil
	}
	b := &readyBlock{header, n.exec.Prepare(data)}
	if ahead {
		n.exec.Prefetch(b.prepared)
	}
	return b
}

// executeBlock runs one block.
func (n *Node) executeBlock(b *readyBlock, last bool) error {
	h, began := b.header.Height, time.Now()
	release := h%releaseEvery == 0
	result, err := n.exec.ApplyPrepared(b.header, b.prepared, last || release)
	if err != nil {
		return err
	}
	if release { // durably applied: the state that replaces the bodies is on disk
		if err := n.chain.ReleaseBodies(n.exec.Durable()); err != nil {
			return err
		}
	}
	n.metrics.Observe(metrics.ExecutionSeconds, time.Since(began).Seconds())
	if n.pool != nil {
		n.pool.Executed(h, b.prepared.Hashes())
	}
	if n.account != nil {
		n.account.Executed()
	}
	if n.order != nil {
		n.order.Executed(h)
	}
	if n.proofs != nil {
		n.proofs.executed()
	}
	routine, err := n.exec.Routine(h)
	if err != nil {
		return err
	}
	n.cfg.Watch(Executed{Routine: routine, Height: h, Transactions: result.Places, Skipped: len(result.Skipped), GasUsed: result.Block.GasUsed()})
	return nil
}

// settlePool tells the pool which transactions of a block that is not executed have had their turn.
func (n *Node) settlePool(h types.Height, envelopes [][]byte) {
	if n.pool == nil {
		return
	}
	hashes := make([]types.Hash, len(envelopes))
	for i, e := range envelopes {
		hashes[i] = keccak(e)
	}
	n.pool.Executed(h, hashes)
}
