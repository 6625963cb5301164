package consensus

import "github.com/etherscale/bedrock/types"

// queued is a released transaction that waits for a block.
type queued struct {
	ref      TxRef
	tx       TxInfo
	fairTime types.Time
}

// blockQueue turns released batches into blocks: at most one an interval, within its limits, in order of release.
type blockQueue struct {
	rules    Rules
	interval types.Time
	seen     seen // transactions in the queue or in a block of this epoch
	queue    []queued
	bytes    uint64 // of the transactions in the queue
	boundary types.Time
	parent   types.Time // time of the last closed block
}

func newBlockQueue(rules Rules, parent types.Time, remembered int) *blockQueue {
	interval := types.Time(rules.Interval)
	return &blockQueue{
		rules: rules, interval: interval, seen: newSeen(remembered), parent: parent,
		boundary: (parent/interval + 1) * interval,
	}
}

// push adds a released batch. Transactions ordered lately are dropped, and so is one that no block can
// hold, which structural validity rules out for every genesis that validates.
func (q *blockQueue) push(id types.BatchID, txs []TxInfo, fairTime types.Time) {
	for i, tx := range txs {
		if q.seen.has(tx.Hash) {
			continue
		}
		if tx.Gas > q.rules.BlockGas || types.BlockDataSize(1, tx.Size) > q.rules.BlockBytes {
			continue
		}
		q.seen.add(tx.Hash)
		q.bytes += tx.Size
		q.queue = append(q.queue, queued{TxRef{id, uint32(i)}, tx, fairTime})
	}
}

// close is the next block that closes at theta: the transactions below the boundary that fit, or nothing if a verdict is due
// or the last block is a heartbeat old.
func (q *blockQueue) close(theta types.Time, verdictDue bool) (types.Time, []TxRef, bool) {
	for theta >= q.boundary {
		at := q.boundary
		taken := q.take()
		q.boundary += q.interval
		if len(taken) > 0 || verdictDue || at >= q.parent+types.Time(q.rules.Heartbeat) {
			q.parent = at
			return at, taken, true
		}
		q.leap(theta)
	}
	return 0, nil, false
}

// take removes from the head of the queue what lies below the boundary, up to the first that does not fit.
func (q *blockQueue) take() []TxRef {
	var taken []TxRef
	var size, gas uint64
	for _, x := range q.queue {
		if x.fairTime >= q.boundary || gas+x.tx.Gas > q.rules.BlockGas ||
			types.BlockDataSize(len(taken)+1, size+x.tx.Size) > q.rules.BlockBytes {
			break
		}
		size += x.tx.Size
		gas += x.tx.Gas
		taken = append(taken, x.ref)
	}
	q.queue = q.queue[len(taken):]
	q.bytes -= size
	if len(q.queue) == 0 {
		q.queue = nil
	}
	return taken
}

// leap moves the boundary over those at which nothing can close, so that a jump of theta after an outage is cheap.
func (q *blockQueue) leap(theta types.Time) {
	next := min(theta, q.parent+types.Time(q.rules.Heartbeat))
	if len(q.queue) > 0 {
		next = min(next, q.queue[0].fairTime)
	}
	if next > q.boundary {
		q.boundary += (next - q.boundary) / q.interval * q.interval
	}
}
