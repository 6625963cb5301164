package audit

import (
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// ErrOrder says that effects reached a Collector out of order.
var ErrOrder = errors.New("effects of the ordering core out of order")

// BatchRecord is a Record to keep under its batch.
type BatchRecord struct {
	Key   types.BatchID
	Value []byte
}

// PositionRecord is a Position to keep under its index.
type PositionRecord struct {
	Key   uint64
	Value []byte
}

// PlaceRecord is a Place to keep under the transaction's hash.
type PlaceRecord struct {
	Key   types.Hash
	Value []byte
}

// Collector turns the effects of one ordering core, given in order, into what a sequencer keeps for auditors. After a
// restart the core produces everything again from the beginning; a Collector returns only what it was not told is stored.
type Collector struct {
	stored uint64       // positions below it are stored, with the batches that left there
	closed types.Height // heights up to it are stored
	next   uint64       // index of the position that comes next
	height types.Height // last height seen; 0: none yet
}

// NewCollector starts after what is stored already: positions below stored and the places of blocks up to closed. An empty
// store is (0, 0).
func NewCollector(stored uint64, closed types.Height) *Collector {
	return &Collector{stored: stored, closed: closed}
}

// Appended takes the next vertices of the committed sequence and returns those not stored yet.
func (c *Collector) Appended(appended []consensus.Appended) ([]PositionRecord, error) {
	var out []PositionRecord
	for _, a := range appended {
		if a.Index != c.next {
			return out, fmt.Errorf("position %d came where %d was due: %w", a.Index, c.next, ErrOrder)
		}
		c.next++
		if a.Index >= c.stored {
			out = append(out, PositionRecord{Key: a.Index, Value: PositionOf(a).Encode()})
		}
	}
	return out, nil
}

// Released takes the next batches that left the fair order and returns the records not stored yet. The positions after
// which they left must have been given to Appended before.
func (c *Collector) Released(released []consensus.Released) ([]BatchRecord, error) {
	var out []BatchRecord
	for _, r := range released {
		if r.Index >= c.next {
			return out, fmt.Errorf("batch %s left after position %d, of which %d are known: %w", r.Batch, r.Index, c.next, ErrOrder)
		}
		if r.Index < c.stored {
			continue
		}
		record := RecordOf(r)
		out = append(out, BatchRecord{Key: r.Batch, Value: record.Encode()})
	}
	return out, nil
}

// Closed takes the next block and returns the places of its transactions, or nothing if they are stored. hashes lists the
// transactions' hashes of a batch in the batch's order; it is asked once for each run of transactions of one batch.
func (c *Collector) Closed(block consensus.Closed, hashes func(types.BatchID) ([]types.Hash, error)) ([]PlaceRecord, error) {
	height := block.Header.Height
	if c.height != 0 && height != c.height+1 {
		return nil, fmt.Errorf("block %d came after block %d: %w", height, c.height, ErrOrder)
	}
	c.height = height
	if height <= c.closed {
		return nil, nil
	}
	out := make([]PlaceRecord, 0, len(block.Transactions))
	var list []types.Hash
	for i, ref := range block.Transactions {
		if i == 0 || block.Transactions[i-1].Batch != ref.Batch {
			var err error
			if list, err = hashes(ref.Batch); err != nil {
				return nil, fmt.Errorf("places of block %d: batch %s: %w", height, ref.Batch, err)
			}
		}
		if int(ref.Index) >= len(list) {
			return nil, fmt.Errorf("places of block %d: batch %s has %d transactions, no %d: %w", height, ref.Batch, len(list), ref.Index, ErrOrder)
		}
		place := Place{Batch: ref.Batch, Height: height, Index: uint32(i)}
		out = append(out, PlaceRecord{Key: list[ref.Index], Value: place.Encode()})
	}
	return out, nil
}
