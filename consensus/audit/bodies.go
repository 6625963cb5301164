package audit

import (
	"fmt"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// keepRounds is how many decided rounds a body is kept after it was last receipted: by then its batch has left the fair
// order or is void. If a void one is receipted anew much later, the body is asked for again (MissingError).
const keepRounds = 2 * consensus.Horizon

// body is a batch whose transactions the log's vertices may order.
type body struct {
	id        types.BatchID
	envelopes [][]byte
	txs       []consensus.TxInfo
	size      int
	used      types.Round // lowest undecided round when it was last fed or receipted
}

// takeBody decodes a batch and tells the core that it is here.
func (r *Replay) takeBody(encoded []byte) error {
	id := types.BatchIDOf(encoded)
	if b := r.bodies[id]; b != nil {
		b.used = r.base
		return nil
	}
	batch, err := types.DecodeBatch(encoded)
	if err != nil {
		return fmt.Errorf("batch %s: %w: %w", id, ErrForged, err)
	}
	if r.bodyBytes+len(encoded) > r.cfg.MaxBodyBytes {
		return fmt.Errorf("bodies of %d bytes wait to be ordered, at most %d: %w: raise the limit, or ask another sequencer",
			r.bodyBytes+len(encoded), r.cfg.MaxBodyBytes, ErrTooMuch)
	}
	b := &body{id: id, envelopes: batch.Envelopes, size: len(encoded), used: r.base}
	for i, envelope := range batch.Envelopes {
		info, err := r.cfg.Info(envelope)
		if err != nil {
			return fmt.Errorf("batch %s, transaction %d: %w: %w", id, i, ErrForged, err)
		}
		info.Size = uint64(len(envelope))
		b.txs = append(b.txs, info)
		r.met = r.met || info.Hash == r.cfg.Target
	}
	r.bodies[id] = b
	r.bodyBytes += b.size
	r.tell(b)
	return r.err
}

// tell repeats, if need be, that a body is here: the core forgets bodies that nothing refers to.
func (r *Replay) tell(b *body) {
	r.step(consensus.BatchHeld{ID: b.id, Txs: b.txs, Size: uint64(b.size), Time: r.clock, From: -1})
}

// release queues a batch that left the fair order until its transactions are in blocks.
func (r *Replay) release(released consensus.Released) {
	r.records[released.Batch] = RecordOf(released)
	r.queue = append(r.queue, released.Batch)
	if b := r.bodies[released.Batch]; b != nil {
		for _, tx := range b.txs {
			r.left = r.left || tx.Hash == r.cfg.Target
		}
	}
}

// drained forgets the batches released before one of which a block has just taken a transaction: blocks take transactions
// in order of release, so nothing of theirs is left. The batch itself may have more.
func (r *Replay) drained(last types.BatchID) {
	for len(r.queue) > 0 && r.queue[0] != last {
		delete(r.records, r.queue[0])
		r.queue = r.queue[1:]
	}
}

// sweep drops vertices below the horizon and bodies that nothing will ask for.
func (r *Replay) sweep() {
	if r.base < r.swept+consensus.Horizon {
		return
	}
	r.swept = r.base
	for digest, round := range r.accepted {
		if round+consensus.Horizon <= r.base {
			delete(r.accepted, digest)
		}
	}
	for id, b := range r.bodies {
		if _, queued := r.records[id]; !queued && b.used+keepRounds <= r.base {
			delete(r.bodies, id)
			r.bodyBytes -= b.size
		}
	}
}
