package consensus

import (
	"github.com/etherscale/bedrock/types"
)

// Bounds of what waits to be accepted, per author. Answers to fetches have room beyond what is pushed.
const (
	maxWaiting      = 256
	maxWaitingBytes = 4 << 20
	maxAsked        = 4096
	maxAskedBytes   = 32 << 20
	maxRound        = 1 << 48
	maxRoundsAhead  = 1000 // rounds above the accepted top beyond which a pushed vertex is not kept

	// bodyRate limits the bytes a second of bodies first learnt through an author's vertices; bodyBurst is what may
	// come at once.
	bodyRate  = 1 << 20
	bodyBurst = 1 << 20
)

// suspended is a vertex that is not accepted yet.
type suspended struct {
	v       *types.Vertex
	from    types.Member
	asked   bool // an answer to a fetch, or a parent somebody waits for
	missing int  // parents and bodies
	size    int
	dead    bool
}

// receive takes a vertex whose signatures are good.
func (c *Core) receive(v *types.Vertex, from types.Member, asked bool) {
	if v == nil || !c.cfg.Committee.Has(from) && !c.replaying() {
		return
	}
	if err := v.CheckShape(c.cfg.Network, c.cfg.Epoch, c.cfg.Committee); err != nil {
		c.reject(v, from, err)
		return
	}
	digest := v.Digest()
	if n := c.dag.byDigest[digest]; n != nil {
		c.noteHolder(n, from)
		return
	}
	if s := c.suspended[digest]; s != nil {
		s.asked = s.asked || asked
		return
	}
	if c.refused.has(digest) || !c.dag.needed(v.Round()) || v.Round() > maxRound {
		return
	}
	asked = asked || c.wants.wantsVertex(digest)
	c.hear(v)
	twin := c.meetTwin(v)
	if !asked && (twin || c.proven[v.Author()] || v.Round() > c.dag.top()+maxRoundsAhead) {
		return
	}
	c.suspend(&suspended{v: v, from: from, asked: asked, size: sizeOf(v)})
}

// hear notes the newest time and round an author has signed. A vertex of the own key that this core did not make is the
// trace of a lost log: its round is never made again.
func (c *Core) hear(v *types.Vertex) {
	a := &c.authors[v.Author()]
	a.heardTime = max(a.heardTime, v.Time())
	a.heardRound = max(a.heardRound, v.Round())
	if c.member && v.Author() == c.self {
		c.ownHeard = max(c.ownHeard, v.Round())
	}
}

// meetTwin looks for another vertex of the same author and round, and proves the equivocation if there is one.
func (c *Core) meetTwin(v *types.Vertex) bool {
	other := c.otherOf(v)
	if other == nil {
		return false
	}
	c.prove(types.NewEquivocation(other.Signed(), v.Signed()), true)
	return true
}

func (c *Core) otherOf(v *types.Vertex) *types.Vertex {
	if rs := c.dag.round(v.Round()); rs != nil {
		for _, n := range rs.slots[v.Author()].candidates {
			if n.ref.Digest != v.Digest() {
				return n.v
			}
		}
	}
	return c.wants.suspendedTwin(v)
}

// prove records an equivocation: its author is not named as a parent any more, and what this node found out itself goes
// into its next vertex.
func (c *Core) prove(e types.Equivocation, found bool) {
	accused := e.Accused()
	if c.proven[accused] {
		return
	}
	c.proven[accused] = true
	c.fx.Equivocations = append(c.fx.Equivocations, e)
	if found {
		c.evidence = append(c.evidence, e)
	}
	if c.member && accused == c.self {
		c.convicted = true
	}
}

// suspend registers what the vertex waits for, within the bounds of its author.
func (c *Core) suspend(s *suspended) {
	for _, ref := range parentsOf(s.v) {
		if c.refused.has(ref.Digest) {
			c.reject(s.v, s.from, errBadParent)
			return
		}
	}
	if !c.makeRoom(s) {
		return
	}
	a := &c.authors[s.v.Author()]
	a.waiting++
	a.waitBytes += s.size
	c.suspended[s.v.Digest()] = s
	c.wants.noteSuspended(s)
	for _, ref := range parentsOf(s.v) {
		if c.dag.byDigest[ref.Digest] == nil && c.dag.needed(ref.Round) {
			s.missing++
			c.wants.vertex(ref, s, c.fetchDue(s))
		}
	}
	for _, r := range s.v.Body().Receipts {
		if !c.holds(r.Batch) {
			s.missing++
			c.wants.body(r.Batch, s, c.fetchDue(s))
		}
	}
	if s.missing == 0 {
		c.ready = append(c.ready, s)
	}
}

func (c *Core) fetchDue(s *suspended) types.Time {
	if s.asked {
		return c.now // a fetch is under way already: go on with it
	}
	return c.now.Add(c.pacing.FetchDelay)
}

// makeRoom keeps the waiting vertices of an author bounded. What is farthest from being useful, the highest round,
// makes room for a lower one.
func (c *Core) makeRoom(s *suspended) bool {
	a := &c.authors[s.v.Author()]
	if c.replaying() {
		return true
	}
	if s.asked {
		return a.waiting < maxAsked && a.waitBytes+s.size <= maxAskedBytes
	}
	if a.waiting < maxWaiting && a.waitBytes+s.size <= maxWaitingBytes {
		return true
	}
	highest := c.wants.highestSuspended(s.v.Author())
	if highest == nil || highest.asked || highest.v.Round() <= s.v.Round() {
		return false
	}
	c.discard(highest)
	return a.waiting < maxWaiting && a.waitBytes+s.size <= maxWaitingBytes
}

// discard forgets a waiting vertex.
func (c *Core) discard(s *suspended) {
	if s.dead {
		return
	}
	s.dead = true
	a := &c.authors[s.v.Author()]
	a.waiting--
	a.waitBytes -= s.size
	delete(c.suspended, s.v.Digest())
	c.wants.dropSuspended(s)
}

// arrived counts down the vertices that waited for one item.
func (c *Core) arrived(waiters []*suspended) {
	for _, s := range waiters {
		if s.dead {
			continue
		}
		if s.missing--; s.missing == 0 {
			c.ready = append(c.ready, s)
		}
	}
}

// retryDelayed looks again at the vertices that wait for time to pass.
func (c *Core) retryDelayed() {
	if len(c.delayed) == 0 {
		return
	}
	c.ready = append(c.ready, c.delayed...)
	c.delayed = nil
}

// admit accepts a vertex for which nothing is missing, or delays or rejects it.
func (c *Core) admit(s *suspended) {
	if s.dead {
		return
	}
	if !c.replaying() && (c.tooEarly(s.v) || c.tooMuch(s)) {
		c.delayed = append(c.delayed, s)
		return
	}
	c.discard(s)
	if !c.dag.needed(s.v.Round()) {
		return
	}
	n, err := c.link(s.v)
	if err != nil {
		c.reject(s.v, s.from, err)
		return
	}
	c.charge(s)
	c.accept(n, s.from)
}

// accept makes the vertex part of the DAG and draws every consequence.
func (c *Core) accept(n *node, from types.Member) {
	if err := c.dag.insert(n, c.now); err != nil {
		c.halt(err)
		return
	}
	c.counters.Accepted++
	if c.started {
		c.fx.Persist = append(c.fx.Persist, n.v)
		c.noteLag(n)
	}
	for _, b := range n.batches {
		c.receipted(b, n)
	}
	c.dag.markKnown(n, n.ref.Author)
	c.noteHolder(n, from)
	if c.member && n.ref.Author == c.self {
		c.acceptOwn(n)
	}
	for i := range n.v.Body().Evidence {
		c.prove(n.v.Body().Evidence[i], false)
	}
	if len(c.dag.round(n.ref.Round).slots[n.ref.Author].candidates) > 1 {
		first := c.dag.round(n.ref.Round).slots[n.ref.Author].candidates[0]
		c.prove(types.NewEquivocation(first.v.Signed(), n.v.Signed()), true)
	}
	c.countSignatures(n)
	c.arrived(c.wants.vertexArrived(n.ref.Digest))
	c.advance()
}

// noteHolder notes who sent a vertex.
func (c *Core) noteHolder(n *node, from types.Member) {
	if c.cfg.Committee.Has(from) {
		c.dag.markKnown(n, from)
	}
}

// reject says why a vertex broke a rule, and rejects what was built on it.
func (c *Core) reject(v *types.Vertex, from types.Member, reason error) {
	c.counters.Rejected++
	c.fx.Rejected = append(c.fx.Rejected, Rejected{From: from, Vertex: v.Ref(), Reason: reason})
	c.refused.add(v.Digest())
	for _, s := range c.wants.vertexArrived(v.Digest()) {
		if !s.dead {
			c.discard(s)
			c.reject(s.v, s.from, errBadParent)
		}
	}
}
