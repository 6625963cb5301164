package consensus

import (
	"github.com/etherscale/bedrock/types"
)

// node is an accepted vertex. Its links are cut when it falls out of memory.
type node struct {
	v       *types.Vertex
	ref     types.VertexRef
	strong  []*node  // by member; nil where there is no parent, or it lay below the horizon
	weak    []*node  // those that are held
	batches []*batch // bodies it receipts, as far as the core still keeps them

	known    memberSet // members known to hold it and all its ancestors
	mine     bool      // an ancestor of an own vertex (or one)
	checked  bool      // all rules about its parents could be checked: it may be named as a parent
	appended bool      // in the committed sequence
	visit    uint64    // mark of the last walk that saw it

	certifiers []*node // vertices of round+2 that certify it
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
	vertex     *node // the committed one
	sequenced  *node // the first appended one
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

	current  types.Round // lowest undecided round
	position int         // slots of it decided in order
	dirty    bool        // a verdict changed since the last evaluation
	walk     uint64
}

func newDAG(c *types.Committee, seed types.Hash) *dag {
	return &dag{
		committee: c, seed: seed, n: c.Len(), f: c.F(), quorum: c.Quorum(),
		base: 1, current: 1, byDigest: make(map[types.Hash]*node), newest: make([]*node, c.Len()),
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
		rs := &roundSlots{number: number, slots: make([]slot, d.n), order: d.committee.Draw(d.seed, number), undecided: d.n}
		for i := range rs.slots {
			rs.slots[i].blamed = newMemberSet(d.n)
		}
		d.rounds = append(d.rounds, rs)
	}
	return d.rounds[r-d.base]
}

// needed reports whether vertices of the round may still be appended: only those are fetched and waited for.
func (d *dag) needed(r types.Round) bool { return r >= d.current || d.current-r < Horizon }

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
	if last := d.newest[n.ref.Author]; last == nil || last.ref.Round < n.ref.Round {
		d.newest[n.ref.Author] = n
	}
	if err := d.countBlames(n); err != nil {
		return err
	}
	return d.countCertificates(n)
}

// ancestors calls visit for start's ancestors and start itself, each once, and goes below a node only where enter says so.
func (d *dag) ancestors(start *node, enter func(*node) bool, visit func(*node)) {
	d.walk++
	stack := []*node{start}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if n == nil || n.visit == d.walk || !enter(n) {
			continue
		}
		n.visit = d.walk
		visit(n)
		stack = append(stack, n.strong...)
		stack = append(stack, n.weak...)
	}
}

// markKnown notes that the member holds the node, its ancestors and the bodies they receipt. Its cost is paid once for
// each (member, node).
func (d *dag) markKnown(start *node, m types.Member) {
	d.ancestors(start, func(n *node) bool { return !n.known.has(m) }, func(n *node) {
		n.known.add(m)
		for _, b := range n.batches {
			b.known.add(m)
		}
	})
}

// markMine notes that the node and its ancestors are ancestors of an own vertex.
func (d *dag) markMine(start *node) {
	d.ancestors(start, func(n *node) bool { return !n.mine }, func(n *node) { n.mine = true })
}

// parentTimes collects the strong parents' times with their stakes.
func (d *dag) parentTimes(strong []*node) []weighted {
	times := make([]weighted, 0, len(strong))
	for m, p := range strong {
		if p != nil {
			times = append(times, weighted{uint64(p.v.Time()), d.committee.Stake(types.Member(m))})
		}
	}
	return times
}
