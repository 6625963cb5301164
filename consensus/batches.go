package consensus

import (
	"time"

	"github.com/etherscale/bedrock/types"
)

const (
	// maxPending bounds the own receipts that wait for a vertex: sixteen full vertices. maxPendingBytes bounds what the core
	// remembers of their bodies.
	maxPending      = 16 * types.MaxReceipts
	maxPendingBytes = 64 << 20
	// looseAge is how long a body that no vertex refers to is remembered; maxLooseBytes bounds what the core remembers of
	// the bodies of that time: beyond it the oldest go earlier. The driver, which keeps the body, tells it again if need be.
	looseAge      = 2 * time.Minute
	maxLooseBytes = 64 << 20
	// batchBytes and txBytes are what the core remembers of a body and of a transaction in it, about.
	batchBytes = 320
	txBytes    = 64
)

// batch is a body that is held and has not left fair order.
type batch struct {
	id      types.BatchID
	txs     []TxInfo
	size    uint64
	from    int        // through whose vertices it was first learnt; -1: gossip, or its own entry
	heldAt  types.Time // when it was received
	charged bool       // counted against the limit of from
	known   memberSet  // members known to hold it

	receivedAt types.Time  // what the own receipt says
	queued     bool        // in Core.pending
	listed     bool        // in an own vertex
	active     bool        // an accepted vertex receipts it and is not in the sequence yet
	lastRound  types.Round // highest round of an accepted vertex that receipts it; 0: none
}

// cost is what the core remembers of the body, in bytes.
func (b *batch) cost() int { return batchBytes + txBytes*len(b.txs) }

// looseBody remembers when to look whether a body is still unreferenced.
type looseBody struct {
	id   types.BatchID
	at   types.Time
	cost int
}

// holds reports whether the body is held, or a receipt of it in a vertex of the round says nothing: then it was held when
// the batch was released.
func (c *Core) holds(id types.BatchID, round types.Round) bool {
	return c.batches[id] != nil || c.fair.done.ignores(id, round)
}

// Ignores reports whether a receipt of the batch in a vertex of the round says nothing: the batch was released lately, or
// the round lies below the horizon. The body is not needed for it.
func (c *Core) Ignores(id types.BatchID, round types.Round) bool {
	return !c.dag.needed(round) || c.fair.done.ignores(id, round)
}

func (c *Core) batchHeld(e BatchHeld) {
	_, owed := c.owed[e.ID]
	if c.batches[e.ID] == nil && (owed || c.wants.bodies[e.ID] != nil || !c.fair.done.ignores(e.ID, c.lastRound()+1)) {
		b := &batch{id: e.ID, txs: e.Txs, size: e.Size, from: e.From, heldAt: e.Time, known: newMemberSet(c.n)}
		if e.From >= 0 && e.From < c.n {
			b.known.add(types.Member(e.From))
		} else {
			b.from = -1
		}
		c.batches[e.ID] = b
		if owed {
			b.lastRound = 1 // the sequence refers to it
			delete(c.owed, e.ID)
		}
		if author, ok := c.culprit(e.ID); ok && b.from < 0 && !e.Admitted {
			b.from, b.charged = int(author), true
			c.authors[author].tokens = c.tokens(author) - int64(e.Size)
		}
		c.loose = append(c.loose, looseBody{e.ID, c.now.Add(looseAge), b.cost()})
		c.looseBytes += b.cost()
	}
	c.arrived(c.wants.bodyArrived(e.ID))
	if b := c.batches[e.ID]; b != nil && e.Admitted && c.member {
		c.enqueue(b, e.Time)
	}
}

// enqueue puts an admitted body among the own receipts to be listed. When too many wait the newest are left to the
// other sequencers.
func (c *Core) enqueue(b *batch, at types.Time) {
	if b.queued || b.listed || len(c.pending) >= maxPending || c.pendingBytes+b.cost() > maxPendingBytes {
		return
	}
	b.queued, b.receivedAt = true, at
	c.pending = append(c.pending, b)
	c.pendingBytes += b.cost()
}

// dropLoose forgets old bodies that nothing refers to. During a replay nothing can be fetched again: all are kept.
func (c *Core) dropLoose() {
	for len(c.loose) > 0 && c.started {
		head := c.loose[0]
		b := c.batches[head.id]
		loose := b != nil && b.unreferenced()
		if loose && c.now < head.at && c.looseBytes <= maxLooseBytes {
			return
		}
		c.loose = c.loose[1:]
		c.looseBytes -= head.cost
		if loose {
			c.deleteBatch(b)
		}
	}
}

func (b *batch) unreferenced() bool { return b.lastRound == 0 && !b.queued && !b.listed }

func (c *Core) deleteBatch(b *batch) {
	if c.batches[b.id] == b {
		delete(c.batches, b.id)
	}
	c.setActive(b, false)
}

// receipted notes an accepted vertex that lists the batch.
func (c *Core) receipted(b *batch, n *node) {
	b.lastRound = max(b.lastRound, n.ref.Round)
	if c.member && n.ref.Author == c.self {
		b.listed = true
	}
	if !c.fair.done.ignores(b.id, n.ref.Round) && c.fair.live[b.id] == nil {
		c.setActive(b, true)
	}
}

func (c *Core) setActive(b *batch, active bool) {
	if b.active == active {
		return
	}
	b.active = active
	if active {
		c.active++
	} else {
		c.active--
	}
}

// forget handles a batch that became void, or whose own receipt fell below the horizon: it may be listed again.
func (c *Core) forget(id types.BatchID) {
	if b := c.batches[id]; b != nil && b.listed && !c.ended() {
		b.listed, b.queued = false, false
		c.fx.Forgotten = append(c.fx.Forgotten, id)
	}
}

// release hands a batch over to the blocks. The body stays where an accepted vertex so far ahead lists it that this counts
// anew.
func (c *Core) release(r Released) {
	b := c.batches[r.Batch]
	if b == nil {
		c.halt(&ConflictError{What: "batch " + r.Batch.String() + " left fair order and its body is not held"})
		return
	}
	r.Txs = b.txs
	c.fx.Released = append(c.fx.Released, r)
	c.blocks.push(b.id, b.txs, r.FairTime)
	if c.fair.done.ignores(b.id, b.lastRound) {
		c.deleteBatch(b)
	}
}

// unlisted reports whether the batch still needs an own receipt.
func (c *Core) unlisted(b *batch) bool {
	if b.listed || c.batches[b.id] != b {
		return false
	}
	if c.fair.done.ignores(b.id, c.lastRound()+1) {
		return false
	}
	t := c.fair.live[b.id]
	return t == nil || !t.present.has(c.self)
}

// nextReceipts lists what goes into a vertex made now, in order of receipt, each later than the one before; more says
// that not all fit.
func (c *Core) nextReceipts(last types.Time) (receipts []types.Receipt, more bool) {
	if c.congested() || c.ended() {
		return nil, false
	}
	for _, b := range c.pending {
		if !c.unlisted(b) {
			continue
		}
		if len(receipts) == types.MaxReceipts {
			return receipts, true
		}
		last = max(min(b.receivedAt, c.now), last+1)
		receipts = append(receipts, types.Receipt{Batch: b.id, Time: last})
	}
	return receipts, false
}

// dropListed takes out of the queue what needs no own receipt any more.
func (c *Core) dropListed() {
	kept := c.pending[:0]
	c.pendingBytes = 0
	for _, b := range c.pending {
		if c.unlisted(b) {
			kept = append(kept, b)
			c.pendingBytes += b.cost()
		} else {
			b.queued = false
		}
	}
	clear(c.pending[len(kept):])
	c.pending = kept
}
