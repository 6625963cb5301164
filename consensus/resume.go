package consensus

import (
	"bytes"
	"container/heap"
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// NewFrom builds a core that goes on from the state of a cut, as if it had replayed all before. It is for the node's own
// cuts, and for those of others whose digest members with more than f stake confirm. Then follow: BatchHeld for the bodies
// that Held lists now, Restored with the log's vertices of rounds above the cut's - Horizon - 8 in order of acceptance and
// the bodies they receipt, and Start. Own vertices are made above the cut's round only.
func NewFrom(cfg Config, state []byte) (*Core, error) {
	c, err := New(cfg)
	if err != nil {
		return nil, err
	}
	s, err := decodeCut(&c.cfg, state)
	if err != nil {
		return nil, err
	}
	c.sequenced = s.Sequenced
	c.epoch.rewards, c.epoch.announced = s.Rewards, s.Announced
	for m := range c.n {
		c.epoch.active[m] = s.Active.Has(types.Member(m))
		c.proven[m] = s.Fair.Excluded.Has(types.Member(m))
	}
	c.convicted = c.member && c.proven[c.self]
	c.dag.resume(s)
	c.recent = s.Recent
	c.fair.resume(&s.Fair)
	c.blocks.resume(&s.Blocks)
	c.verdicts.resume(&s.Verdicts)
	c.resumeHeaders(&s.Headers)
	c.owe()
	c.above = s.Round
	if !bytes.Equal(c.cutState(s.Round).encode(), state) {
		return nil, fmt.Errorf("%w: it is not canonical", ErrCut)
	}
	return c, nil
}

// resume puts the DAG, empty, above the round; what was appended before is known by name.
func (d *dag) resume(s *cutState) {
	d.current = s.Round + 1
	d.base = max(d.current, Horizon+keepBelow) - (Horizon + keepBelow - 1)
	d.ensure(s.Round)
	for _, ref := range s.Recent {
		d.before[ref.Digest] = struct{}{}
		if rs := d.round(ref.Round); rs.slots[ref.Author].sequenced == (types.Hash{}) {
			rs.slots[ref.Author].sequenced = ref.Digest
		}
	}
}

func (o *fairOrder) resume(s *cutFair) {
	o.watermark, o.theta = s.Watermarks, s.Theta
	for m := range o.excluded {
		if s.Excluded.Has(types.Member(m)) {
			o.excluded[m] = true
			o.excludedStake += o.committee.Stake(types.Member(m))
		}
		o.cursor[m] = int(s.Cursors[m])
	}
	for i := range s.Unopened {
		o.unopened = append(o.unopened, o.resumeLive(&s.Unopened[i]))
	}
	for i := range s.Open {
		o.open = append(o.open, o.resumeLive(&s.Open[i]))
	}
	for i := range s.Ready {
		t := o.resumeTally(&s.Ready[i])
		t.complete, t.tie = true, tieOf(o.seed, t.id)
		o.done.completed(t.id)
		heap.Push(&o.ready, t)
	}
	for _, r := range s.Released {
		if _, again := o.done.by[r.ID]; !again {
			o.done.released(r.ID, r.By)
		}
	}
}

func (o *fairOrder) resumeLive(s *cutTally) *tally {
	t := o.resumeTally(s)
	o.live[t.id] = t
	t.bound = o.lowerBound(t)
	heap.Push(&o.bounds, t)
	return t
}

func (o *fairOrder) resumeTally(s *cutTally) *tally {
	t := &tally{id: s.ID, first: s.First, opened: s.Opened, fairTime: s.FairTime,
		entries: make([]Entry, len(o.watermark)), present: newMemberSet(len(o.watermark))}
	for _, e := range s.Entries {
		t.entries[e.Author] = e
		t.present.add(e.Author)
		t.entered += o.committee.Stake(e.Author)
		if e.Explicit {
			t.explicit += o.committee.Stake(e.Author)
		}
	}
	return t
}

func (q *blockQueue) resume(s *cutBlocks) {
	q.seen.previous.take(s.Previous)
	q.seen.current.take(s.Current)
	q.boundary, q.parent = s.Boundary, s.Parent
	for _, x := range s.Queue {
		q.queue = append(q.queue, queued{x.Ref, x.Tx, x.FairTime})
		q.bytes += x.Tx.Size
	}
}

func (g *generation) take(hashes []byte) {
	*g = newGeneration()
	for i := 0; i+32 <= len(hashes); i += 32 {
		g.add(types.Hash(hashes[i : i+32]))
	}
}

// resumeHeaders goes on above the last header that the sequence certifies: those above are encoded and built again.
func (c *Core) resumeHeaders(s *cutHeaders) {
	k := &c.certs
	k.asked, k.built, k.done, k.closed = s.Sealed, s.Sealed, s.Sealed, s.Sealed
	k.parent = s.Digests[len(s.Digests)-1]
	c.seals.height, c.seals.digests, c.seals.signed = s.Sealed, s.Digests, s.Signed
	for _, b := range s.Closed {
		c.close(b.Time, b.Txs, c.verdicts.listedAt(c.certs.closed+1), b.VertexIndex, b.VertexDigest)
	}
	for i := range s.Votes {
		v := &s.Votes[i]
		signature := &types.HeaderSignature{Height: v.Height, Digest: v.Digest, Signature: v.Signature}
		for _, votes := range []map[types.Height][]*types.HeaderSignature{k.votes, c.seals.votes} {
			if votes[v.Height] == nil {
				votes[v.Height] = make([]*types.HeaderSignature, c.n)
			}
			votes[v.Height][v.Member] = signature
		}
	}
}

// owe lists the bodies of batches that have not left fair order: they must be handed over before Start.
func (c *Core) owe() {
	for id := range c.fair.live {
		c.owed[id] = struct{}{}
	}
	for _, t := range c.fair.ready {
		c.owed[t.id] = struct{}{}
	}
}
