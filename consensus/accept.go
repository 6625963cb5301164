package consensus

import (
	"github.com/etherscale/bedrock/types"
)

// Bounds of what waits to be accepted. Bytes are of the vertices and of the lists of what they miss.
const (
	// maxWaiting and maxWaitingBytes bound what waits of one author's pushes: four times the horizon, since an honest author
	// makes one vertex a round and what lies beyond the horizon is fetched in stretches.
	maxWaiting      = 256
	maxWaitingBytes = 4 << 20
	// maxAsked and maxAskedBytes bound the answers to fetches that wait on one sponsor's account: the whole horizon of a
	// committee of 64, and any horizon bottom up, since in a full room the highest round makes room for a lower one.
	maxAsked      = 4096
	maxAskedBytes = 32 << 20
	// wantBytes is what the core remembers of one missing item, about.
	wantBytes = 320
	// maxRound is beyond what any epoch reaches, and far enough from the type's end for sums of rounds.
	maxRound = 1 << 48
	// maxRoundsAhead is how far above the accepted top a pushed vertex may be and still be kept: more than a partition of
	// some seconds leaves behind; who is farther behind asks for the others' logs.
	maxRoundsAhead = 1000

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
	guest   bool // it takes of its sponsor's room for answers, not of its author's for pushes
	sponsor types.Member
	missing int // parents and bodies
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
	if c.refused.has(digest) || !c.taken(v.Round()) || v.Round() > maxRound {
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
	c.topHeard = max(c.topHeard, v.Round())
	c.heardStale = true
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
	for ref := range s.v.Parents() {
		if c.refused.has(ref.Digest) {
			c.reject(s.v, s.from, errBadParent)
			return
		}
	}
	parents, bodies := c.missing(s.v)
	s.missing = len(parents) + len(bodies)
	s.size += wantBytes * s.missing
	if !c.makeRoom(s) {
		return
	}
	c.authors[s.sponsor].room(s.guest).take(s.size)
	c.authors[s.sponsor].earn(creditFactor * sizeOf(s.v))
	c.suspended[s.v.Digest()] = s
	c.wants.noteSuspended(s)
	for _, ref := range parents {
		c.wants.vertex(ref, s, c.fetchDue(s))
	}
	for _, id := range bodies {
		c.wants.body(id, s, c.fetchDue(s))
	}
	if s.missing == 0 {
		c.ready = append(c.ready, s)
	}
}

// missing lists the parents and bodies that the vertex has to wait for.
func (c *Core) missing(v *types.Vertex) (parents []types.VertexRef, bodies []types.BatchID) {
	for ref := range v.Parents() {
		if c.dag.find(ref) == nil && c.dag.needed(ref.Round) {
			parents = append(parents, ref)
		}
	}
	return parents, c.missingBodies(v)
}

func (c *Core) missingBodies(v *types.Vertex) (bodies []types.BatchID) {
	for _, r := range v.Body().Receipts {
		if !c.holds(r.Batch, v.Round()) {
			bodies = append(bodies, r.Batch)
		}
	}
	return bodies
}

func (c *Core) fetchDue(s *suspended) types.Time {
	if s.asked {
		return c.now // a fetch is under way already: go on with it
	}
	return c.now.Add(c.pacing.FetchDelay)
}

// discard forgets a waiting vertex.
func (c *Core) discard(s *suspended) {
	if s.dead {
		return
	}
	s.dead = true
	c.authors[s.sponsor].room(s.guest).leave(s.size)
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
	if c.lostBody(s) {
		return
	}
	c.discard(s)
	if !c.taken(s.v.Round()) {
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

// lostBody waits again for bodies that were forgotten while the vertex waited for something else.
func (c *Core) lostBody(s *suspended) bool {
	for _, id := range c.missingBodies(s.v) {
		s.missing++
		c.wants.body(id, s, c.now)
	}
	return s.missing > 0
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
		c.noteRelay(n, from)
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
