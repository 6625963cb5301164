package rpc

import (
	"sort"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// Capabilities is the answer of eth_capabilities: from which block on each kind of data can be asked for.
type Capabilities struct {
	Head struct {
		Number hexutil.Uint64 `json:"number"`
		Hash   common.Hash    `json:"hash"`
	} `json:"head"`
	State       Capability `json:"state"`
	Tx          Capability `json:"tx"`
	Logs        Capability `json:"logs"`
	Receipts    Capability `json:"receipts"`
	Blocks      Capability `json:"blocks"`
	StateProofs Capability `json:"stateproofs"`
}

// Capability is the range of one kind of data; it is never disabled here.
type Capability struct {
	Disabled       bool            `json:"disabled"`
	OldestBlock    hexutil.Uint64  `json:"oldestBlock"`
	DeleteStrategy *DeleteStrategy `json:"deleteStrategy,omitempty"` // nil: nothing is deleted
}

// DeleteStrategy says that only so many of the newest blocks are kept.
type DeleteStrategy struct {
	Type            string         `json:"type"` // "window"
	RetentionBlocks hexutil.Uint64 `json:"retentionBlocks"`
}

// Capabilities answers eth_capabilities. Blocks, receipts and logs are kept from the first block that is not pruned.
func (b *Blocks) Capabilities() *Capabilities {
	head, out := b.r.Head(), new(Capabilities)
	out.Head.Number, out.Head.Hash = hexutil.Uint64(head.Number.Uint64()), head.Hash()
	if pruned := b.r.Pruned(); pruned > 0 {
		oldest := hexutil.Uint64(pruned + 1)
		out.Tx.OldestBlock, out.Logs.OldestBlock, out.Receipts.OldestBlock, out.Blocks.OldestBlock = oldest, oldest, oldest, oldest
	}
	out.State = b.states(head.Number.Uint64())
	out.StateProofs = out.State
	return out
}

// states finds the oldest state that opens: right after a restart there may be fewer than the window has.
func (b *Blocks) states(head uint64) Capability {
	window := b.r.StateWindow()
	if window == 0 {
		return Capability{}
	}
	newest := min(window, head+1)
	missing := sort.Search(int(newest), func(below int) bool {
		header := b.r.headerAt(gethrpc.BlockNumber(head - uint64(below)))
		if header == nil {
			return true
		}
		_, err := b.r.StateAt(header)
		return err != nil
	})
	strategy := &DeleteStrategy{"window", hexutil.Uint64(window)}
	return Capability{OldestBlock: hexutil.Uint64(head + 1 - uint64(max(missing, 1))), DeleteStrategy: strategy}
}
