package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/audit"
	"github.com/etherscale/bedrock/consensus/sequencer"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// Keys of store.SpaceTransactions.
const (
	keyPlace   = 'p'       // follows a transaction's hash; value: height and index, 8 bytes each
	keyOrigins = "origins" // and a height: the batches that the block's transactions come from, as encodeOrigins writes them
	// keyNewest and an epoch: 1 + the newest position in its committed sequence after which releases were written down, 8
	// bytes.
	keyNewest = "newest"
	// adoptedWithin is how many blocks after an epoch's first the batches that the one before left are still expected: more
	// than the back-pressure of 64 MiB lets wait.
	adoptedWithin = 64
)

func transactionKey(hash types.Hash, kind byte) []byte { return append(hash[:], kind) }

func newestKey(e types.Epoch) []byte { return append([]byte(keyNewest), store.BigEndian(e)...) }

func originsKey(h types.Height) []byte { return append([]byte(keyOrigins), store.BigEndian(h)...) }

// auditor stores what explains a transaction's place, as the driver of an epoch's sequencer reports it. It has one user: the
// driver's block worker.
type auditor struct {
	n      *Node
	epoch  types.Epoch
	newest uint64 // as in keyNewest
}

var _ sequencer.Audit = (*auditor)(nil)

// openAuditor reads how far the last life came in an epoch.
func (n *Node) openAuditor(e types.Epoch) (*auditor, error) {
	value, err := n.store.Get(store.SpaceTransactions, newestKey(e))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &auditor{n: n, epoch: e}, nil
	case err != nil:
		return nil, err
	case len(value) != 8:
		return nil, fmt.Errorf("place of the newest release: %w", store.ErrBroken)
	}
	return &auditor{n: n, epoch: e, newest: binary.BigEndian.Uint64(value)}, nil
}

// told makes what tells the watcher of releases, at once: clients wait for them, and what stores their records may be
// busy with a block. Those that an earlier life stored are not told again, but for the newest position's.
func (a *auditor) told() func([]consensus.Released) {
	newest := a.newest
	return func(list []consensus.Released) {
		for _, r := range list {
			if r.Index+1 < newest {
				continue
			}
			hashes := make([]types.Hash, len(r.Txs))
			for i := range r.Txs {
				hashes[i] = r.Txs[i].Hash
			}
			a.n.cfg.Watch(Released{Batch: r.Batch, FairTime: r.FairTime, Transactions: hashes})
		}
	}
}

// Appended implements sequencer.Audit. The committed sequence follows from the vertex log, which is served as it is.
func (a *auditor) Appended([]consensus.Appended) {}

// Released implements sequencer.Audit. After a restart all is reported again: what comes before the newest position is
// stored, and that position itself is written once more, with the same keys and values.
func (a *auditor) Released(list []consensus.Released) {
	batch, noted := a.n.store.Batch(), 0
	for i := range list {
		r := &list[i]
		if r.Index+1 < a.newest {
			continue
		}
		record := audit.RecordOf(*r)
		batch.Set(store.SpaceAudit, store.AuditKey(a.epoch, r.Batch), record.Encode())
		a.newest = max(a.newest, r.Index+1)
		noted++
	}
	if noted == 0 {
		return
	}
	batch.Set(store.SpaceTransactions, newestKey(a.epoch), store.BigEndian(a.newest))
	if err := batch.Commit(store.Unsynced); err != nil {
		a.n.log.Warn("audit records not stored", "batches", len(list), "error", err)
	}
}

// originRun is how many transactions, one after the other in a block, come from one batch.
const originRun = len(types.BatchID{}) + 4

// encodeOrigins is the epoch (8 bytes), then batch (36) and number of transactions (4) for each run of transactions of one
// batch.
func encodeOrigins(e types.Epoch, refs []consensus.TxRef) []byte {
	out := store.BigEndian(e)
	for i := 0; i < len(refs); {
		first := i
		for i < len(refs) && refs[i].Batch == refs[first].Batch {
			i++
		}
		out = append(out, refs[first].Batch[:]...)
		out = binary.BigEndian.AppendUint32(out, uint32(i-first))
	}
	return out
}

// originOf is the batch that the transaction at an index of a block comes from, and the block's epoch.
func originOf(encoded []byte, index uint64) (e types.Epoch, id types.BatchID, err error) {
	if len(encoded) < 8 {
		return 0, id, fmt.Errorf("origins of a block's transactions: %w", store.ErrBroken)
	}
	e, encoded = types.Epoch(binary.BigEndian.Uint64(encoded)), encoded[8:]
	for ; len(encoded) >= originRun; encoded = encoded[originRun:] {
		run := uint64(binary.BigEndian.Uint32(encoded[len(id):]))
		if index < run {
			copy(id[:], encoded)
			return e, id, nil
		}
		index -= run
	}
	return e, id, fmt.Errorf("origin of a transaction: %w", store.ErrBroken)
}

// notePlaces stores where each transaction of a closed block stands and where it comes from. A transaction counts in the
// first batch that was released with it: that is the one in the block.
//
// What an epoch left partly in its blocks is ordered again in the first blocks of the next one. There (adopting) a
// transaction that has a place keeps it: that is where it was executed.
func (n *Node) notePlaces(header *types.Header, data []byte, refs []consensus.TxRef, adopting bool) error {
	h, batch := header.Height, n.store.Batch()
	for i, envelope := range types.DecodeBlockData(data) {
		key := transactionKey(keccak(envelope), keyPlace)
		if adopting {
			if _, err := n.store.Get(store.SpaceTransactions, key); err == nil {
				continue
			}
		}
		batch.Set(store.SpaceTransactions, key, binary.BigEndian.AppendUint64(store.BigEndian(h), uint64(i)))
	}
	if len(refs) > 0 {
		batch.Set(store.SpaceTransactions, originsKey(h), encodeOrigins(header.Epoch, refs))
	}
	return batch.Commit(store.Unsynced)
}

// auditedPlace is the evidence of one transaction's place.
type auditedPlace struct {
	record audit.Record
	height types.Height
	index  uint64
}

// encode is height (8), index (8), record.
func (p *auditedPlace) encode() []byte {
	b := binary.BigEndian.AppendUint64(store.BigEndian(p.height), p.index)
	return append(b, p.record.Encode()...)
}

func decodeAuditedPlace(encoded []byte) (*auditedPlace, error) {
	if len(encoded) < 16 {
		return nil, fmt.Errorf("audit answer of %d bytes: %w", len(encoded), types.ErrMalformed)
	}
	record, err := audit.DecodeRecord(encoded[16:])
	return &auditedPlace{record, types.Height(binary.BigEndian.Uint64(encoded)), binary.BigEndian.Uint64(encoded[8:])}, err
}

// auditAnswer serves the evidence of a transaction's place to peers; id is the transaction's CID.
func (n *Node) auditAnswer(id types.BatchID) ([]byte, bool) {
	place, err := n.ownAudit(types.Hash(id[4:]))
	if err != nil {
		return nil, false
	}
	return place.encode(), true
}

// ownAudit reads the evidence that a sequencer keeps itself.
func (n *Node) ownAudit(tx types.Hash) (*auditedPlace, error) {
	at, err := n.store.Get(store.SpaceTransactions, transactionKey(tx, keyPlace))
	if err != nil {
		return nil, err
	}
	if len(at) != 16 {
		return nil, fmt.Errorf("place of transaction %s: %w", tx, store.ErrBroken)
	}
	origins, err := n.store.Get(store.SpaceTransactions, originsKey(types.Height(binary.BigEndian.Uint64(at))))
	if err != nil {
		return nil, err
	}
	epoch, batch, err := originOf(origins, binary.BigEndian.Uint64(at[8:]))
	if err != nil {
		return nil, err
	}
	encoded, err := n.store.Audit(epoch, batch)
	if err != nil {
		return nil, err
	}
	return decodeAuditedPlace(append(at, encoded...))
}

// audited finds the evidence of a transaction's place: here at a sequencer, elsewhere by asking sequencers. It is nil
// where nobody knows the transaction.
func (n *Node) audited(ctx context.Context, tx types.Hash) (*auditedPlace, error) {
	if n.order != nil {
		place, err := n.ownAudit(tx)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		return place, err
	}
	encoded, err := n.gossip.Audit(ctx, types.TransactionCID(tx))
	if err != nil {
		n.log.Debug("no audit record from any sequencer", "transaction", tx, "error", err)
		return nil, nil
	}
	place, err := decodeAuditedPlace(encoded)
	if err != nil {
		return nil, err
	}
	ch, ok := n.chain.Header(place.height)
	if !ok {
		return nil, fmt.Errorf("the transaction is said to be in block %d, whose header is not here", place.height)
	}
	return place, place.record.Check(n.committeeOf(ch.Header.Epoch))
}
