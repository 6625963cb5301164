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

// Keys of store.SpaceTransactions: the transaction's hash and one byte.
const (
	keyBatch = 'b' // value: the batch the transaction was released in
	keyPlace = 'p' // value: height and index, 8 bytes each
)

func transactionKey(hash types.Hash, kind byte) []byte { return append(hash[:], kind) }

// auditor stores what explains a transaction's place, as the sequencer's driver reports it. It has one user: the driver's
// goroutine.
type auditor struct{ n *Node }

var _ sequencer.Audit = (*auditor)(nil)

// Appended implements sequencer.Audit. The committed sequence follows from the vertex log, which is served as it is.
func (a *auditor) Appended([]consensus.Appended) {}

// Released implements sequencer.Audit. What is reported again after a restart is stored already.
func (a *auditor) Released(list []consensus.Released) {
	for _, r := range list {
		if _, err := a.n.store.Audit(r.Batch); err == nil {
			continue
		}
		hashes, err := a.transactions(r.Batch)
		if err == nil {
			a.n.cfg.Watch(Released{Batch: r.Batch, FairTime: r.FairTime, Transactions: hashes})
			err = a.keep(r, hashes)
		}
		if err != nil {
			a.n.log.Warn("audit record not stored", "batch", r.Batch, "error", err)
		}
	}
}

// transactions names what is in a batch, in its order.
func (a *auditor) transactions(id types.BatchID) ([]types.Hash, error) {
	body, err := a.n.vertices.Batch(id)
	if err != nil {
		return nil, err
	}
	batch, err := types.DecodeBatch(body)
	if err != nil {
		return nil, err
	}
	hashes := make([]types.Hash, len(batch.Envelopes))
	for i, envelope := range batch.Envelopes {
		hashes[i] = keccak(envelope)
	}
	return hashes, nil
}

// keep stores the record after what leads to it, so that a record that is there has everything with it.
func (a *auditor) keep(r consensus.Released, hashes []types.Hash) error {
	batch := a.n.store.Batch()
	for _, hash := range hashes {
		key := transactionKey(hash, keyBatch)
		if known, err := a.n.store.Has(store.SpaceTransactions, key); err != nil {
			return err
		} else if !known { // a transaction counts in the first batch that was released with it
			batch.Set(store.SpaceTransactions, key, r.Batch[:])
		}
	}
	if err := batch.Commit(store.Unsynced); err != nil {
		return err
	}
	record := audit.RecordOf(r)
	return a.n.store.PutAudit(r.Batch, record.Encode())
}

// notePlaces stores where each transaction of a closed block stands.
func (n *Node) notePlaces(h types.Height, data []byte) error {
	batch := n.store.Batch()
	for i, envelope := range types.DecodeBlockData(data) {
		place := binary.BigEndian.AppendUint64(store.BigEndian(h), uint64(i))
		batch.Set(store.SpaceTransactions, transactionKey(keccak(envelope), keyPlace), place)
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
	raw, err := n.store.Get(store.SpaceTransactions, transactionKey(tx, keyBatch))
	if err != nil {
		return nil, err
	}
	at, err := n.store.Get(store.SpaceTransactions, transactionKey(tx, keyPlace))
	if err != nil {
		return nil, err
	}
	if len(raw) != 36 || len(at) != 16 {
		return nil, fmt.Errorf("place of transaction %s: %w", tx, store.ErrBroken)
	}
	encoded, err := n.store.Audit(types.BatchID(raw))
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
	return place, place.record.Check(n.committee)
}
