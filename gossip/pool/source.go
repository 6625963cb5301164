package pool

import (
	"context"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// Source is what both kinds of pool do: Pool for Ethereum transactions and Opaque for networks that order plain bytes.
// All methods may be called concurrently.
type Source interface {
	// AddEnvelope admits one transaction that enters here and returns its hash.
	AddEnvelope(ctx context.Context, envelope []byte) (types.Hash, error)
	// Check says whether an encoded batch is structurally valid, and what is in it. Errors wrap types.ErrMalformed.
	Check(body []byte) ([]consensus.TxInfo, error)
	// AdmitBatch judges a batch of another peer. From names that peer in any way, for its limits. Errors wrap
	// ErrInvalid, or ErrRateLimited.
	AdmitBatch(body []byte, from string) (Admission, error)
	// Admits is AdmitBatch for a batch that is already here, learnt through the DAG or forgotten by the order.
	Admits(id types.BatchID, body []byte) bool
	// Executed tells the pool the transactions of a block, in their order, executed or skipped.
	Executed(height types.Height, hashes []types.Hash)
	// Run publishes until ctx ends; then it returns nil.
	Run(ctx context.Context) error
}

var (
	_ Source = (*Pool)(nil)
	_ Source = (*Opaque)(nil)
)

// Admission is the verdict on a batch that is not invalid.
type Admission struct {
	ID  types.BatchID
	Txs []consensus.TxInfo
	// Admitted says that the batch may be passed on and listed in a receipt. If not, Reason says why.
	Admitted bool
	Reason   error
}

// Outgoing is a batch of transactions that entered at this peer.
type Outgoing struct {
	ID      types.BatchID
	Body    []byte
	Txs     []consensus.TxInfo
	Time    types.Time // when it was made: the receive time at this peer
	Attempt int        // 0 at first; above: what was published before and is not executed yet
}
