package consensus

import (
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
