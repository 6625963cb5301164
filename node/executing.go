package node

import (
	"context"
	"path/filepath"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// openExecution opens the EVM's state. Networks of opaque payload order bytes and execute nothing.
func (n *Node) openExecution() (err error) {
	if !n.cfg.Role.Executes() || n.cfg.Genesis.Payload != types.PayloadEthereum {
		return nil
	}
	n.exec, err = execution.Open(execution.Config{
		Genesis: n.cfg.Genesis, Dir: filepath.Join(n.cfg.Data, "state"), Blocks: storedBlocks{n}, Cache: n.cfg.StateCache, Logger: n.log,
	})
	if err != nil {
		return err
	}
	n.onClose(n.exec.Close)
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
	for {
		for ctx.Err() == nil && n.exec.Height() < min(n.chain.BodiesHead(), n.chain.Sound()) {
			if here, err := n.executeBlock(n.exec.Height() + 1); err != nil {
				return err
			} else if !here {
				break // the next signal comes with it
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-signal:
		}
	}
}

// executeBlock runs one block; false says that its body is not here.
func (n *Node) executeBlock(h types.Height) (bool, error) {
	header, data, ok := storedBlocks{n}.Block(h)
	if !ok {
		return false, nil
	}
	result, err := n.exec.Apply(header, data)
	if err != nil {
		return false, err
	}
	if h%releaseEvery == 0 {
		if err := n.chain.ReleaseBodies(n.exec.Durable()); err != nil {
			return false, err
		}
	}
	n.settlePool(h, types.DecodeBlockData(data))
	if n.account != nil {
		n.account.Executed()
	}
	if n.order != nil {
		n.order.Executed(h)
	}
	if n.proofs != nil {
		n.proofs.executed()
	}
	n.cfg.Watch(Executed{Height: h, Transactions: result.Places, Skipped: len(result.Skipped), GasUsed: result.Block.GasUsed()})
	return true, nil
}

// settlePool tells the pool which transactions have had their turn.
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
