package consensus

import "github.com/etherscale/bedrock/types"

// room counts what waits.
type room struct{ vertices, bytes int }

func (r *room) fits(size, vertices, bytes int) bool {
	return r.vertices < vertices && r.bytes+size <= bytes
}

func (r *room) take(size int) { r.vertices, r.bytes = r.vertices+1, r.bytes+size }

func (r *room) leave(size int) { r.vertices, r.bytes = r.vertices-1, r.bytes-size }

// room is the one for answers or the one for pushes.
func (a *authorState) room(guest bool) *room {
	if guest {
		return &a.asked
	}
	return &a.pushed
}

// makeRoom keeps what waits bounded. Of what an author pushes, what is farthest from being useful, the highest round,
// makes room for a lower one.
func (c *Core) makeRoom(s *suspended) bool {
	s.sponsor, s.guest = s.v.Author(), s.asked || c.replaying()
	if c.replaying() {
		return true
	}
	if s.asked {
		return c.findSponsor(s)
	}
	pushed := &c.authors[s.sponsor].pushed
	if pushed.fits(s.size, maxWaiting, maxWaitingBytes) {
		return true
	}
	highest := c.wants.highestPushed(s.v.Author())
	if highest == nil || highest.asked || highest.v.Round() <= s.v.Round() {
		return false
	}
	c.discard(highest)
	return pushed.fits(s.size, maxWaiting, maxWaitingBytes)
}

// findSponsor finds room for an answer. It is charged to who pushed the vertex that, over however many parents, asks for
// it: so a liar's endless past fills the liar's own room and keeps out nothing that an honest author builds on, the liar's
// true vertices included. In a full room the highest round makes room for a lower one; it is asked for again.
func (c *Core) findSponsor(s *suspended) bool {
	sponsors := c.wants.sponsors(s.v.Digest())
	if len(sponsors) == 0 {
		sponsors = []types.Member{s.from} // a stretch of its log
	}
	for _, m := range sponsors {
		if c.authors[m].asked.fits(s.size, maxAsked, maxAskedBytes) {
			s.sponsor = m
			return true
		}
	}
	for _, m := range sponsors {
		if highest := c.highestGuest(m); highest != nil && highest.v.Round() > s.v.Round() {
			c.discard(highest)
			s.sponsor = m
			return c.authors[m].asked.fits(s.size, maxAsked, maxAskedBytes)
		}
	}
	return false
}

// highestGuest is the last, by round, of what waits in a member's room for answers.
func (c *Core) highestGuest(m types.Member) *suspended {
	var highest *suspended
	for _, s := range c.suspended { // the references are distinct, so the order of the map does not matter
		if s.guest && s.sponsor == m && (highest == nil || refBefore(highest.v.Ref(), s.v.Ref())) {
			highest = s
		}
	}
	return highest
}
