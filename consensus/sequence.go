package consensus

import (
	"bytes"
	"sort"

	"github.com/etherscale/bedrock/types"
)

// decided is a slot that has come to its turn.
type decided struct {
	ref    types.VertexRef // digest is zero when skipped
	vertex *node           // nil: skipped
	direct bool
}

// next takes the next slot in order of (round, position), if it has a verdict.
func (d *dag) next() (decided, bool) {
	rs := d.round(d.current)
	if rs == nil {
		return decided{}, false
	}
	author := rs.order[d.position]
	s := &rs.slots[author]
	if s.verdict == undecided {
		return decided{}, false
	}
	out := decided{ref: types.VertexRef{Author: author, Round: d.current}, vertex: s.vertex, direct: s.direct}
	if s.vertex != nil {
		out.ref = s.vertex.ref
	}
	if d.position++; d.position == d.n {
		d.position = 0
		d.current++
	}
	return out, true
}

// history collects the vertex and its ancestors above its horizon that are not appended yet, by (round, author,
// digest), and marks them appended. Below an appended vertex nothing is left to append: its own history went before it,
// and horizons only rise.
func (d *dag) history(v *node) []*node {
	var found []*node
	d.ancestors(v, func(rs *roundSlots) memberSet { return rs.appended },
		func(n *node) bool { return !n.appended && n.ref.Round+Horizon > v.ref.Round },
		func(n *node) { found = append(found, n) })
	sort.Slice(found, func(i, j int) bool { return refBefore(found[i].ref, found[j].ref) })
	for _, n := range found {
		d.markAppended(n)
	}
	return found
}

func refBefore(a, b types.VertexRef) bool {
	if a.Round != b.Round {
		return a.Round < b.Round
	}
	if a.Author != b.Author {
		return a.Author < b.Author
	}
	return bytes.Compare(a.Digest[:], b.Digest[:]) < 0
}

// advance evaluates the commit rule and appends what it decided.
func (c *Core) advance() {
	before := c.dag.current
	for c.err == nil {
		if err := c.dag.evaluate(); err != nil {
			c.halt(err)
			return
		}
		slot, ok := c.dag.next()
		if !ok {
			break
		}
		c.counters.count(slot)
		if slot.vertex != nil {
			c.appendHistory(slot)
		}
		c.takeCut()
	}
	if c.dag.current != before {
		c.horizonMoved()
	}
}

// appendHistory appends what the slot's vertex brings into the sequence.
func (c *Core) appendHistory(slot decided) {
	for _, n := range c.dag.history(slot.vertex) {
		if c.appendVertex(n, slot.ref); c.err != nil {
			return
		}
	}
}

// appendVertex puts the vertex into the committed sequence and draws every consequence of it.
func (c *Core) appendVertex(n *node, by types.VertexRef) {
	index := c.sequenced
	c.sequenced++
	c.fx.Appended = append(c.fx.Appended, Appended{Index: index, Vertex: n.ref, Slot: by})
	twin := c.noteSequenced(n)
	c.noteRecent(n.ref)
	c.seal(n)
	if c.ended() {
		return
	}
	if !twin {
		c.epoch.count(n.v, c.certs.closed, c.seals.signs(n.ref.Author))
	}
	out, err := c.fair.append(n, by.Round, index, twin)
	if err != nil {
		c.halt(err)
		return
	}
	c.countVerdicts(n)
	for _, b := range n.batches {
		c.setActive(b, false)
	}
	for _, id := range out.void {
		c.forget(id)
	}
	for _, r := range out.released {
		c.release(r)
	}
	c.closeBlocks(n, index)
}

// noteSequenced reports whether another vertex of the same author and round was appended before.
func (c *Core) noteSequenced(n *node) bool {
	s := &c.dag.round(n.ref.Round).slots[n.ref.Author]
	if s.sequenced == (types.Hash{}) {
		s.sequenced = n.ref.Digest
		return false
	}
	return s.sequenced != n.ref.Digest
}
