package consensus

import (
	"slices"
	"time"

	"github.com/etherscale/bedrock/types"
)

const (
	// maxFetchShare bounds the items of one step that one member pays for, so that a liar's wishes keep back nobody's. Of the
	// requests of a step at most one to each member is not full, so there are at most two for each member.
	maxFetchShare = types.MaxFetchItems
	// itemBytes is what asking for one item takes, about; an author has creditFactor times the bytes of its vertices, and
	// creditRate more a second, for asking again for what they lack: so a liar makes a node send less than three times what
	// it sends, and an item that an honest author needs is asked for until it comes. maxCredit is what two of the largest
	// vertices bring.
	itemBytes    = 40
	creditFactor = 2
	creditRate   = 4 << 10
	maxCredit    = 2 * types.MaxVertexBytes
	// scanShare is how many missing items a microsecond pays for: looking through them takes some 25 ns each, so a liar's
	// long list costs a tenth of the time.
	scanShare = 4
	// maxBackoff is how often the retry time doubles: an item that nobody has is asked for every 5 s, a few tries an horizon.
	maxBackoff = 4
)

// want is an item that suspended vertices wait for.
type want struct {
	isBody  bool
	ref     types.VertexRef // of a vertex
	body    types.BatchID
	waiters []*suspended
	ask     []types.Member // whom to ask, best first; the rest of the committee follows
	tries   int
	due     types.Time
	done    bool
}

// wants are the missing items and the vertices that wait.
type wants struct {
	vertices map[types.Hash]*want
	bodies   map[types.BatchID]*want
	list     []*want // in order of first need
	due      types.Time
	rest     types.Time // no scan before
	paidAt   types.Time // when creditRate was paid last
	waiting  map[types.Member][]*suspended
}

func newWants() wants {
	return wants{vertices: make(map[types.Hash]*want), bodies: make(map[types.BatchID]*want),
		waiting: make(map[types.Member][]*suspended)}
}

func (w *wants) wantsVertex(digest types.Hash) bool {
	x := w.vertices[digest]
	return x != nil && x.alive()
}

// alive reports whether somebody still waits.
func (x *want) alive() bool {
	for _, s := range x.waiters {
		if !s.dead {
			return true
		}
	}
	return false
}

func (x *want) suggest(m types.Member) {
	for _, have := range x.ask {
		if have == m {
			return
		}
	}
	x.ask = append(x.ask, m)
}

// vertex notes that s waits for a parent: its author is asked first, then those who reference it.
func (w *wants) vertex(ref types.VertexRef, s *suspended, due types.Time) {
	x := w.vertices[ref.Digest]
	if x == nil {
		x = &want{ref: ref, due: due}
		x.suggest(ref.Author)
		w.vertices[ref.Digest] = x
		w.insert(x)
	}
	x.join(s)
}

// body notes that s waits for a body.
func (w *wants) body(id types.BatchID, s *suspended, due types.Time) {
	x := w.bodies[id]
	if x == nil {
		x = &want{isBody: true, body: id, due: due}
		w.bodies[id] = x
		w.insert(x)
	}
	x.join(s)
}

func (x *want) join(s *suspended) {
	x.suggest(s.v.Author())
	x.suggest(s.from)
	x.waiters = append(x.waiters, s)
}

func (w *wants) insert(x *want) {
	w.list = append(w.list, x)
	if w.due == 0 || x.due < w.due {
		w.due = x.due
	}
}

// vertexArrived ends the wait for a vertex and returns who waited.
func (w *wants) vertexArrived(digest types.Hash) []*suspended {
	x := w.vertices[digest]
	if x == nil {
		return nil
	}
	delete(w.vertices, digest)
	x.done = true
	return x.waiters
}

// bodyArrived ends the wait for a body and returns who waited.
func (w *wants) bodyArrived(id types.BatchID) []*suspended {
	x := w.bodies[id]
	if x == nil {
		return nil
	}
	delete(w.bodies, id)
	x.done = true
	return x.waiters
}

// belowHorizon ends the wait for vertices that are not needed any more.
func (w *wants) belowHorizon(needed func(types.Round) bool) []*suspended {
	var freed []*suspended
	for _, x := range w.list {
		if !x.done && !x.isBody && !needed(x.ref.Round) {
			freed = append(freed, w.vertexArrived(x.ref.Digest)...)
		}
	}
	return freed
}

// clean drops what has arrived, what nobody waits for any more, and of the rest those that do not wait any more: a liar may
// list in every vertex one item that never comes.
func (w *wants) clean() {
	kept := w.list[:0]
	for _, x := range w.list {
		if !x.done {
			x.waiters = slices.DeleteFunc(x.waiters, func(s *suspended) bool { return s.dead })
		}
		switch {
		case x.done:
		case len(x.waiters) > 0:
			kept = append(kept, x)
		case x.isBody:
			delete(w.bodies, x.body)
		default:
			delete(w.vertices, x.ref.Digest)
		}
	}
	clear(w.list[len(kept):])
	w.list = kept
}

func (w *wants) delayAll(now types.Time) {
	for _, x := range w.list {
		x.due, x.tries = now, 0
	}
	w.due = now
}

// rewind follows a clock that was set back.
func (w *wants) rewind(now types.Time) {
	for _, x := range w.list {
		x.due = min(x.due, now)
	}
	w.due, w.rest, w.paidAt = min(w.due, now), min(w.rest, now), min(w.paidAt, now)
}

func (w *wants) noteSuspended(s *suspended) {
	a := s.v.Author()
	w.waiting[a] = append(w.waiting[a], s)
}

func (w *wants) dropSuspended(s *suspended) {
	list := w.waiting[s.v.Author()]
	for i, x := range list {
		if x == s {
			w.waiting[s.v.Author()] = append(list[:i], list[i+1:]...)
			return
		}
	}
}

func (w *wants) suspendedTwin(v *types.Vertex) *types.Vertex {
	for _, s := range w.waiting[v.Author()] {
		if s.v.Round() == v.Round() && s.v.Digest() != v.Digest() {
			return s.v
		}
	}
	return nil
}

// highestPushed is the last, by round, of what waits of an author's pushes.
func (w *wants) highestPushed(a types.Member) *suspended {
	var highest *suspended
	for _, s := range w.waiting[a] {
		if !s.guest && (highest == nil || s.v.Round() > highest.v.Round()) {
			highest = s
		}
	}
	return highest
}

// sponsors lists who pays for the wait for a vertex, in order of first need.
func (w *wants) sponsors(digest types.Hash) []types.Member {
	x := w.vertices[digest]
	if x == nil {
		return nil
	}
	var sponsors []types.Member
	for _, s := range x.waiters {
		if !s.dead && !slices.Contains(sponsors, s.sponsor) {
			sponsors = append(sponsors, s.sponsor)
		}
	}
	return sponsors
}

// flushFetches asks for what is due, each item at the next member of its list, items of one member in one request.
func (c *Core) flushFetches() {
	w := &c.wants
	if len(w.list) == 0 || c.now < max(w.due, w.rest) {
		return
	}
	w.clean()
	w.due, w.rest = 0, c.now+types.Time(len(w.list)/scanShare)
	c.payCredit()
	r := fetchRound{byTarget: make(map[types.Member]int), shares: make([]int, c.n), behind: c.farBehind()}
	for _, x := range w.list {
		if x.due <= c.now {
			c.fetch(x, &r)
		}
		if w.due == 0 || x.due < w.due {
			w.due = x.due
		}
	}
}

// fetchRound is the state of one flushFetches.
type fetchRound struct {
	byTarget map[types.Member]int // index into fx.Fetch; only looked up
	shares   []int                // items that a member pays for
	behind   bool                 // what is missing is the past of the whole network: nobody pays
}

func (c *Core) fetch(x *want, r *fetchRound) {
	payer, found := c.payer(x, r)
	if !found || x.isBody && !r.behind && !c.affords(x) {
		x.due = c.now.Add(c.pacing.FetchDelay)
		return
	}
	from := c.candidates(x)
	if here := !x.isBody && c.suspended[x.ref.Digest] != nil; here || len(from) == 0 {
		x.due = c.now.Add(c.pacing.FetchRetry)
		return
	}
	at, ok := r.byTarget[from[0]]
	if full := ok && len(c.fx.Fetch[at].Vertices)+len(c.fx.Fetch[at].Batches) >= types.MaxFetchItems; !ok || full {
		at = len(c.fx.Fetch)
		r.byTarget[from[0]] = at
		c.fx.Fetch = append(c.fx.Fetch, Fetch{From: from})
	}
	f := &c.fx.Fetch[at]
	if x.isBody {
		f.Batches = append(f.Batches, x.body)
	} else {
		f.Vertices = append(f.Vertices, x.ref.Digest)
	}
	r.shares[payer]++
	if !r.behind {
		c.authors[payer].credit -= itemBytes
	}
	c.counters.Fetched++
	x.due = c.now.Add(c.pacing.FetchRetry << min(x.tries, maxBackoff))
	x.tries++
}

// payer is the member on whose account an item is asked for: the first sponsor of what waits for it that has a share of the
// step left and, when it was asked for before, credit.
func (c *Core) payer(x *want, r *fetchRound) (types.Member, bool) {
	for _, s := range x.waiters {
		paid := x.tries == 0 || r.behind || c.authors[s.sponsor].credit > 0
		if !s.dead && paid && r.shares[s.sponsor] < maxFetchShare {
			return s.sponsor, true
		}
	}
	return 0, false
}

// earn adds what a vertex brings its sponsor.
func (a *authorState) earn(bytes int) { a.credit = min(a.credit+bytes, maxCredit) }

// payCredit gives everybody what it has by the time that passed.
func (c *Core) payCredit() {
	const second = uint64(time.Second / time.Microsecond)
	var elapsed uint64
	if c.wants.paidAt > 0 {
		elapsed = min(uint64(c.now-c.wants.paidAt), 10*second)
	}
	c.wants.paidAt = c.now
	for i := range c.authors {
		c.authors[i].earn(int(elapsed * creditRate / second))
	}
}

// affords reports whether an author that receipts the body has not used up its limit: what is fetched counts when it comes,
// so a liar cannot have a node fetch more than that.
func (c *Core) affords(x *want) bool {
	for _, s := range x.waiters {
		if !s.dead && c.tokens(s.v.Author()) > 0 {
			return true
		}
	}
	return false
}

// culprit is the author that alone has made this node fetch a body; false when nobody waits for it or authors with more
// than f stake receipt it, an honest one among them.
func (c *Core) culprit(id types.BatchID) (types.Member, bool) {
	x := c.wants.bodies[id]
	if x == nil || c.farBehind() {
		return 0, false
	}
	authors, stake, first := newMemberSet(c.n), types.Stake(0), types.Member(0)
	for _, s := range x.waiters {
		if a := s.v.Author(); !s.dead && authors.add(a) {
			if stake == 0 {
				first = a
			}
			stake += c.cfg.Committee.Stake(a)
		}
	}
	own := c.member && first == c.self
	return first, stake > 0 && stake <= c.dag.f && !own
}

// candidates lists whom to ask, the next in turn first.
func (c *Core) candidates(x *want) []types.Member {
	var all []types.Member
	seen := newMemberSet(c.n)
	if c.member {
		seen.add(c.self)
	}
	for _, m := range x.ask {
		if seen.add(m) {
			all = append(all, m)
		}
	}
	for m := 0; m < c.n; m++ {
		if seen.add(types.Member(m)) {
			all = append(all, types.Member(m))
		}
	}
	if len(all) == 0 {
		return nil
	}
	turn := x.tries % len(all)
	return append(append([]types.Member(nil), all[turn:]...), all[:turn]...)
}
