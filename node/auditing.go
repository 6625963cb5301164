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
	// keyBatch follows a transaction's hash, and before the place of a release in the order (12 bytes). The value is a
	// batch with the transaction. So the first of these keys names the batch in which the transaction counts, and a
	// release is written down without a look at those before.
	keyBatch = 'b'
	keyPlace = 'p' // follows a transaction's hash; value: height and index, 8 bytes each
	// keyNewest: 1 + the newest position in the committed sequence after which releases were written down, 8 bytes.
	keyNewest = "newest"
)

func transactionKey(hash types.Hash, kind byte) []byte { return append(hash[:], kind) }

// auditor stores what explains a transaction's place, as the sequencer's driver reports it. It has one user: the driver's
// goroutine.
type auditor struct {
	n      *Node
	newest uint64 // as in keyNewest
}

var _ sequencer.Audit = (*auditor)(nil)

// openAuditor reads how far the last life came.
func (n *Node) openAuditor() (*auditor, error) {
	value, err := n.store.Get(store.SpaceTransactions, []byte(keyNewest))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &auditor{n: n}, nil
	case err != nil:
		return nil, err
	case len(value) != 8:
		return nil, fmt.Errorf("place of the newest release: %w", store.ErrBroken)
	}
	return &auditor{n: n, newest: binary.BigEndian.Uint64(value)}, nil
}

// Appended implements sequencer.Audit. The committed sequence follows from the vertex log, which is served as it is.
func (a *auditor) Appended([]consensus.Appended) {}

// Released implements sequencer.Audit. After a restart all is reported again: what comes before the newest position is
// stored, and that position itself is written once more, with the same keys and values.
func (a *auditor) Released(list []consensus.Released) {
	batch := a.n.store.Batch()
	var sibling uint32 // among the releases after one position
	for i, r := range list {
		if sibling++; i == 0 || list[i-1].Index != r.Index {
			sibling = 0
		}
		if r.Index+1 < a.newest {
			continue
		}
		hashes, err := a.transactions(r.Batch)
		if err != nil {
			a.n.log.Warn("audit record not stored", "batch", r.Batch, "error", err)
			continue
		}
		a.n.cfg.Watch(Released{Batch: r.Batch, FairTime: r.FairTime, Transactions: hashes})
		a.note(batch, &r, sibling, hashes)
	}
	if err := batch.Commit(store.Unsynced); err != nil {
		a.n.log.Warn("audit records not stored", "batches", len(list), "error", err)
	}
}

// note adds what is to be known of one release.
func (a *auditor) note(batch *store.Batch, r *consensus.Released, sibling uint32, hashes []types.Hash) {
	for _, hash := range hashes {
		key := binary.BigEndian.AppendUint64(transactionKey(hash, keyBatch), r.Index)
		batch.Set(store.SpaceTransactions, binary.BigEndian.AppendUint32(key, sibling), r.Batch[:])
	}
	record := audit.RecordOf(*r)
	batch.Set(store.SpaceAudit, r.Batch[:], record.Encode())
	if r.Index+1 > a.newest {
		a.newest = r.Index + 1
		batch.Set(store.SpaceTransactions, []byte(keyNewest), store.BigEndian(a.newest))
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

// releasedIn is the batch in which a transaction counts: the first that was released with it.
func (n *Node) releasedIn(tx types.Hash) (id types.BatchID, err error) {
	found := store.ErrNotFound
	releases := store.Range{From: transactionKey(tx, keyBatch), To: transactionKey(tx, keyBatch+1)}
	err = n.store.Scan(store.SpaceTransactions, releases, func(_, value []byte) error {
		if found = nil; len(value) != len(id) {
			return fmt.Errorf("batch of transaction %s: %w", tx, store.ErrBroken)
		}
		copy(id[:], value)
		return store.ErrStop
	})
	return id, errors.Join(err, found)
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
	batch, err := n.releasedIn(tx)
	if err != nil {
		return nil, err
	}
	at, err := n.store.Get(store.SpaceTransactions, transactionKey(tx, keyPlace))
	if err != nil {
		return nil, err
	}
	if len(at) != 16 {
		return nil, fmt.Errorf("place of transaction %s: %w", tx, store.ErrBroken)
	}
	encoded, err := n.store.Audit(batch)
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
