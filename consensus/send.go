package consensus

import (
	"sort"
	"time"

	"github.com/etherscale/bedrock/types"
)

// Bounds of one push beside the own vertex; together they stay below types.MaxMessageBytes. The rest is fetched.
const (
	maxPushVertices    = 128
	maxPushVertexBytes = 1 << 20
	maxPushBodyBytes   = 3 << 19
	// gossipTime is how long a body that came by gossip is left to gossip.
	gossipTime = 150 * time.Millisecond
	// recentRounds is how far back a member must be known to have heard an author for the author's next vertex to be left to
	// the author: about as long as a vertex takes to be named, so an author that stops sending is noticed.
	recentRounds = 4
)

// send pushes the own vertex to every other member, with the ancestors and bodies that the member is not known to hold.
func (c *Core) send(own *node) {
	c.resendAt = c.now.Add(c.pacing.Resend)
	for m := 0; m < c.n; m++ {
		if to := types.Member(m); to != c.self {
			c.fx.Send = append(c.fx.Send, c.push(to, own))
		}
	}
}

// resend sends the own newest vertex again to those who have not gone beyond its round, while that round lacks a quorum:
// a push may be lost, and what nobody received nobody asks for.
func (c *Core) resend() {
	if c.own == nil || c.draft != nil || c.now < c.resendAt {
		return
	}
	if _, ok := c.nextRound(); ok {
		return
	}
	c.resendAt = c.now.Add(c.pacing.Resend)
	for m := 0; m < c.n; m++ {
		newest := c.dag.newest[m]
		if to := types.Member(m); to != c.self && (newest == nil || newest.ref.Round <= c.own.ref.Round) {
			c.fx.Send = append(c.fx.Send, c.push(to, c.own))
		}
	}
}

func (c *Core) push(to types.Member, own *node) Send {
	var missing []*node
	c.dag.ancestors(own, func(rs *roundSlots) memberSet { return rs.known[to] },
		func(n *node) bool { return n == own || !n.known.has(to) && c.dag.needed(n.ref.Round) },
		func(n *node) {
			if n != own && !c.likelySent(n, to) {
				missing = append(missing, n)
			}
		})
	sort.Slice(missing, func(i, j int) bool { return refBefore(missing[i].ref, missing[j].ref) })
	missing = append(newestThatFit(missing), own)
	s := Send{To: to}
	budget := uint64(maxPushBodyBytes)
	for _, n := range missing {
		c.dag.noteKnown(n, to)
		s.Vertices = append(s.Vertices, n.v)
		for _, b := range n.batches {
			if b.known.has(to) || b.size > budget || !c.pushable(b) {
				continue
			}
			b.known.add(to)
			budget -= b.size
			s.Batches = append(s.Batches, b.id)
		}
	}
	return s
}

// newestThatFit keeps the end of the list within the bounds of a push.
func newestThatFit(list []*node) []*node {
	size := 0
	for i := len(list) - 1; i >= 0; i-- {
		if size += sizeOf(list[i].v); size > maxPushVertexBytes || len(list)-i > maxPushVertices {
			return list[i+1:]
		}
	}
	return list
}

// likelySent reports whether a vertex has probably reached the member from its author: all the author's last vertices came
// to this node straight, and the member, whose newest vertices could not name it yet or left it out, is known to hold one
// of them. A vertex that was not sent after all is fetched.
func (c *Core) likelySent(n *node, to types.Member) bool {
	newest := c.dag.newest[to]
	if newest == nil || c.authors[n.ref.Author].relayed != 0 || n.ref.Round+recentRounds < newest.ref.Round || n.ref.Round > newest.ref.Round+2 {
		return false
	}
	for back := types.Round(1); back <= recentRounds && back < n.ref.Round; back++ {
		if rs := c.dag.round(n.ref.Round - back); rs != nil && rs.known[to] != nil && rs.known[to].has(n.ref.Author) {
			return true
		}
	}
	return false
}

// noteRelay records whether an accepted vertex came from its author, or whether others had to send it.
func (c *Core) noteRelay(n *node, from types.Member) {
	a := &c.authors[n.ref.Author]
	a.relayed <<= 1
	if from != n.ref.Author {
		a.relayed |= 1
	}
}

// pushable reports whether a body goes with a vertex: one that came by gossip is left to gossip for a while.
func (c *Core) pushable(b *batch) bool {
	return b.from >= 0 || c.now > b.heldAt.Add(gossipTime)
}
