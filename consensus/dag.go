package consensus

import (
	"github.com/etherscale/bedrock/types"
)

// node is an accepted vertex. Its links are cut when it falls out of memory.
type node struct {
	v       *types.Vertex
	ref     types.VertexRef
	strong  memberSet // authors whose first accepted vertex of the round below is a parent; none below the horizon
	others  []*node   // parents of the round below that are not the first of their slot
	weak    []*node   // those that are held
	batches []*batch  // bodies it receipts, as far as the core still keeps them

	known    memberSet // members known to hold it and all its ancestors
	mine     bool      // an ancestor of an own vertex (or one)
	checked  bool      // all rules about its parents could be checked: it may be named as a parent
	appended bool      // in the committed sequence
	visit    uint64    // mark of the last walk that saw it

	certifiers []*node // vertices of round+2 that certify it, while its slot is undecided
	certified  memberSet
	certStake  types.Stake
}

// slot is the place of one (author, round).
type slot struct {
	candidates []*node // accepted vertices; more than one when the author equivocates
	blamed     memberSet
	blameStake types.Stake
	verdict    verdict
	direct     bool
	vertex     *node      // the committed one
	sequenced  types.Hash // digest of the first appended one; zero: none
}

// roundSlots is one round of the DAG.
type roundSlots struct {
	number    types.Round
	slots     []slot         // by member
	order     []types.Member // positions of the slots
	stake     types.Stake    // of the authors with an accepted vertex
	quorum    bool
	quorumAt  types.Time // local time at which the quorum was accepted
	undecided int        // slots without a verdict

	// What is so of the first vertices of the slots, by author, to pass over them without a look at each.
	mine     memberSet
	appended memberSet
	known    []memberSet // by the member that is known to hold them; nil: none
}

// dag holds the accepted vertices above the horizon and the verdicts about their slots.
type dag struct {
	committee *types.Committee
	seed      types.Hash
	n         int
	f, quorum types.Stake

	base     types.Round // rounds[0] is this round
	rounds   []*roundSlots
	byDigest map[types.Hash]*node
	newest   []*node // by member: its accepted vertex of the highest round

	before map[types.Hash]struct{} // appended before the core was resumed, and not here

	current  types.Round // lowest undecided round
	position int         // slots of it decided in order
	dirty    bool        // a verdict changed since the last evaluation
	walk     uint64
	stack    []*node       // of walks; kept for its room
	against  []types.Stake // of votesAgainst
	all      memberSet     // the committee
}

func newDAG(c *types.Committee, seed types.Hash) *dag {
	all := newMemberSet(c.Len())
	for m := range c.Len() {
		all.add(types.Member(m))
	}
	return &dag{
		all: all, against: make([]types.Stake, c.Len()), committee: c, seed: seed, n: c.Len(), f: c.F(), quorum: c.Quorum(),
		base: 1, current: 1, byDigest: make(map[types.Hash]*node), before: make(map[types.Hash]struct{}), newest: make([]*node, c.Len()),
	}
}

// top is the highest round with an accepted vertex; 0: none.
func (d *dag) top() types.Round { return d.base + types.Round(len(d.rounds)) - 1 }

// round is nil for rounds that are not in memory.
func (d *dag) round(r types.Round) *roundSlots {
	if r < d.base || r > d.top() {
		return nil
	}
	return d.rounds[r-d.base]
}

// ensure makes the round's record and those below it.
func (d *dag) ensure(r types.Round) *roundSlots {
	for d.top() < r {
		number := d.top() + 1
		rs := &roundSlots{number: number, slots: make([]slot, d.n), order: d.committee.Draw(d.seed, number), undecided: d.n,
			mine: newMemberSet(d.n), appended: newMemberSet(d.n), known: make([]memberSet, d.n)}
		for i := range rs.slots {
			rs.slots[i].blamed = newMemberSet(d.n)
		}
		d.rounds = append(d.rounds, rs)
	}
	return d.rounds[r-d.base]
}

// needed reports whether vertices of the round may still be appended: only those are fetched and waited for.
func (d *dag) needed(r types.Round) bool { return r >= d.current || d.current-r < Horizon }

// taken reports whether vertices of the round are accepted. A replay brings those too that are only kept to check others.
func (c *Core) taken(r types.Round) bool { return c.dag.needed(r) || c.replaying() && r >= c.dag.base }

// hasQuorum reports whether a quorum of authors has an accepted vertex of the round; round 0 is the epoch's header.
func (d *dag) hasQuorum(r types.Round) bool {
	if r == 0 {
		return true
	}
	rs := d.round(r)
	return rs != nil && rs.quorum
}

// insert adds a linked node and counts its votes, blames and certificates. It reports a conflict that more than f
// faulty stake must have caused.
func (d *dag) insert(n *node, now types.Time) error {
	rs := d.ensure(n.ref.Round)
	s := &rs.slots[n.ref.Author]
	if len(s.candidates) == 0 {
		rs.stake += d.committee.Stake(n.ref.Author)
		if !rs.quorum && rs.stake >= d.quorum {
			rs.quorum, rs.quorumAt = true, now
		}
	}
	s.candidates = append(s.candidates, n)
	d.byDigest[n.ref.Digest] = n
	if _, appended := d.before[n.ref.Digest]; appended {
		delete(d.before, n.ref.Digest)
		d.markAppended(n)
	}
	if last := d.newest[n.ref.Author]; last == nil || last.ref.Round < n.ref.Round {
		d.newest[n.ref.Author] = n
	}
	if err := d.countBlames(n); err != nil {
		return err
	}
	return d.countCertificates(n)
}

// markAppended notes that the node is in the committed sequence.
func (d *dag) markAppended(n *node) {
	n.appended = true
	if rs := d.round(n.ref.Round); rs != nil && rs.isFirst(n) {
		rs.appended.add(n.ref.Author)
	}
}

// find is the accepted vertex that the reference names; nil if there is none. One that has the digest and another place
// is found as well.
func (d *dag) find(ref types.VertexRef) *node {
	if rs := d.round(ref.Round); rs != nil {
		for _, n := range rs.slots[ref.Author].candidates {
			if n.ref.Digest == ref.Digest {
				return n
			}
		}
	}
	return d.byDigest[ref.Digest]
}

// isFirst reports whether the node is the first accepted vertex of its slot.
func (rs *roundSlots) isFirst(n *node) bool { return rs.slots[n.ref.Author].candidates[0] == n }

// strongParent is the node's parent by the author in the round below; nil if there is none.
func (d *dag) strongParent(n *node, a types.Member) *node {
	for _, p := range n.others {
		if p.ref.Author == a {
			return p
		}
	}
	if below := d.round(n.ref.Round - 1); below != nil && n.strong.has(a) {
		return below.slots[a].candidates[0]
	}
	return nil
}

// eachStrong calls visit for the node's parents of the round below but for the first vertices of the authors in skip,
// which may be nil.
func (d *dag) eachStrong(n *node, skip memberSet, visit func(*node)) {
	if below := d.round(n.ref.Round - 1); below != nil {
		n.strong.each(skip, func(a types.Member) { visit(below.slots[a].candidates[0]) })
	}
	for _, p := range n.others {
		visit(p)
	}
}

// ancestors calls visit for start's ancestors and start itself, each once, and goes below a node only where enter says so.
// seen may give the set of a round's authors whose first vertices enter would refuse; it may be nil.
func (d *dag) ancestors(start *node, seen func(*roundSlots) memberSet, enter func(*node) bool, visit func(*node)) {
	d.walk++
	stack := append(d.stack[:0], start)
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if n.visit == d.walk || !enter(n) {
			continue
		}
		n.visit = d.walk
		visit(n)
		var skip memberSet
		if below := d.round(n.ref.Round - 1); below != nil && seen != nil {
			skip = seen(below)
		}
		d.eachStrong(n, skip, func(p *node) { stack = append(stack, p) })
		stack = append(stack, n.weak...)
	}
	d.stack = stack
}

// noteKnown notes that the member holds the node, and reports whether that is news.
func (d *dag) noteKnown(n *node, m types.Member) bool {
	if !n.known.add(m) {
		return false
	}
	if rs := d.round(n.ref.Round); rs != nil && rs.isFirst(n) {
		if rs.known[m] == nil {
			rs.known[m] = newMemberSet(d.n)
		}
		rs.known[m].add(n.ref.Author)
	}
	return true
}

// markKnown notes that the member holds the node, its ancestors and the bodies they receipt. Its cost is paid once for
// each (member, node).
func (d *dag) markKnown(start *node, m types.Member) {
	if start.known.has(m) {
		return
	}
	d.ancestors(start, func(rs *roundSlots) memberSet { return rs.known[m] }, func(n *node) bool { return !n.known.has(m) },
		func(n *node) {
			d.noteKnown(n, m)
			for _, b := range n.batches {
				b.known.add(m)
			}
		})
}

// markMine notes that the node and its ancestors are ancestors of an own vertex.
func (d *dag) markMine(start *node) {
	d.ancestors(start, func(rs *roundSlots) memberSet { return rs.mine }, func(n *node) bool { return !n.mine }, func(n *node) {
		n.mine = true
		if rs := d.round(n.ref.Round); rs != nil && rs.isFirst(n) {
			rs.mine.add(n.ref.Author)
		}
	})
}

// parentTimes collects the times of the node's parents of the round below, with their stakes.
func (d *dag) parentTimes(n *node) []weighted {
	times := make([]weighted, 0, d.n)
	d.eachStrong(n, nil, func(p *node) { times = append(times, d.timeOf(p)) })
	return times
}

func (d *dag) timeOf(n *node) weighted {
	return weighted{uint64(n.v.Time()), d.committee.Stake(n.ref.Author)}
}
