package consensus

import (
	"errors"
	"fmt"
	"time"

	"github.com/etherscale/bedrock/types"
)

// Reasons in Rejected effects, besides types.ErrInvalidVertex.
var (
	// ErrParent says that a parent is not what the vertex says it is, or broke a rule itself.
	ErrParent = errors.New("a parent of the vertex is not valid")
	// ErrVertexTime says that a time breaks the rules about the previous vertex's or the parents' times.
	ErrVertexTime = errors.New("a time in the vertex breaks the rules")
)

var errBadParent = fmt.Errorf("%w: it was rejected", ErrParent)

// link builds the node of a vertex all of whose needed parents are accepted, and checks the rules about them. Of a
// vertex whose strong parents lie below the horizon and are not held the rules cannot be checked: it is accepted, since
// others may have built on it, but this node does not name it as a parent.
func (c *Core) link(v *types.Vertex) (*node, error) {
	n := &node{v: v, ref: v.Ref(), strong: newMemberSet(c.n), known: newMemberSet(c.n), certified: newMemberSet(c.n), checked: true}
	var previous *node
	for ref := range v.Parents() {
		p := c.dag.find(ref)
		strong := ref.Round+1 == v.Round()
		if p == nil {
			n.checked = n.checked && !strong && ref.Author != v.Author()
			continue
		}
		if p.ref != ref {
			return nil, fmt.Errorf("%w: member %d, round %d has another place", ErrParent, ref.Author, ref.Round)
		}
		if ref.Author == v.Author() {
			previous = p
		}
		switch {
		case !strong:
			n.weak = append(n.weak, p)
		case c.dag.round(ref.Round).isFirst(p):
			n.strong.add(ref.Author)
		default:
			n.others = append(n.others, p)
		}
	}
	for _, r := range v.Body().Receipts {
		if b := c.batches[r.Batch]; b != nil {
			n.batches = append(n.batches, b)
		}
	}
	if !n.checked {
		return n, nil
	}
	return n, c.checkTimes(n, previous)
}

func (c *Core) checkTimes(n *node, previous *node) error {
	v := n.v
	last := c.cfg.Parent.Time
	if previous != nil {
		last = previous.v.Time()
	}
	if v.Time() <= last {
		return fmt.Errorf("%w: %d is not after the previous vertex's %d", ErrVertexTime, v.Time(), last)
	}
	if v.Round() > 1 {
		if floor := types.Time(quantile(c.dag.parentTimes(n), c.dag.f)); v.Time() < floor {
			return fmt.Errorf("%w: %d is before the parents' quantile %d", ErrVertexTime, v.Time(), floor)
		}
	}
	if receipts := v.Body().Receipts; len(receipts) > 0 && receipts[0].Time <= last {
		return fmt.Errorf("%w: a receipt of %d is not after the previous vertex's %d", ErrVertexTime, receipts[0].Time, last)
	}
	return nil
}

// timeLimit is the newest time that vertices may have now: some way ahead of the local clock, or of the (f+1)-th
// largest time heard, so that a node whose clock is slow still takes part.
func (c *Core) timeLimit() types.Time {
	if c.heardStale {
		values := make([]weighted, c.n)
		for i := range c.authors {
			values[i] = weighted{uint64(c.authors[i].heardTime), c.cfg.Committee.Stake(types.Member(i))}
		}
		c.heardLimit, c.heardStale = types.Time(upperQuantile(values, c.dag.f)), false
	}
	return max(c.now, c.heardLimit).Add(c.pacing.MaxDrift)
}

func (c *Core) tooEarly(v *types.Vertex) bool {
	return v.Time() > c.now.Add(c.pacing.MaxDrift) && v.Time() > c.timeLimit()
}

// broughtBytes sums the bodies first learnt through the author's vertices that this one receipts.
func (c *Core) broughtBytes(v *types.Vertex) int64 {
	var sum int64
	for _, r := range v.Body().Receipts {
		if b := c.batches[r.Batch]; b != nil && !b.charged && b.from == int(v.Author()) {
			sum += int64(b.size)
		}
	}
	return sum
}

// tooMuch reports whether the author has brought more bodies than its limit allows. While this node is far behind, what
// it fetches is the past of the whole network, not one author's load.
func (c *Core) tooMuch(s *suspended) bool {
	author := s.v.Author()
	if c.member && author == c.self || c.farBehind() || c.broughtBytes(s.v) == 0 {
		return false
	}
	return c.tokens(author) <= 0
}

// tokens is how many bytes of bodies the author may still bring, negative when it is in debt.
func (c *Core) tokens(author types.Member) int64 {
	a := &c.authors[author]
	if c.now > a.tokensAt {
		elapsed := min(c.now-a.tokensAt, types.Time(time.Second/time.Microsecond))
		a.tokens = min(a.tokens+int64(elapsed)*bodyRate/int64(time.Second/time.Microsecond), bodyBurst)
		a.tokensAt = c.now
	}
	return a.tokens
}

// charge takes the vertex's bodies off its author's limit. One vertex may go into debt, so any size passes at last.
func (c *Core) charge(s *suspended) {
	author := s.v.Author()
	if cost := c.broughtBytes(s.v); cost > 0 && !c.farBehind() {
		c.authors[author].tokens -= cost
	}
	for _, r := range s.v.Body().Receipts {
		if b := c.batches[r.Batch]; b != nil && b.from == int(author) {
			b.charged = true
		}
	}
}

// heardRound is a round that at least one honest member has reached.
func (c *Core) heardRound() types.Round {
	values := make([]weighted, c.n)
	for i := range c.authors {
		values[i] = weighted{uint64(c.authors[i].heardRound), c.cfg.Committee.Stake(types.Member(i))}
	}
	return types.Round(upperQuantile(values, c.dag.f))
}

// behindRounds is how many rounds that exist at an honest member may be missing here: more than a lost push and its repair
// take, so that a node that keeps up is never silent; below the horizon, so that one that does not makes nothing useless.
const behindRounds = 8

// farBehind reports whether more than behindRounds rounds are missing.
func (c *Core) farBehind() bool {
	near := c.dag.top() + behindRounds
	return c.topHeard > near && c.heardRound() > near
}

// Bytes of an encoded vertex without its lists, and of each parent's digest and each verdict in it, about.
const (
	vertexBytes  = 400
	digestBytes  = 34
	verdictBytes = 96
)

// sizeOf estimates the encoded size of a vertex.
func sizeOf(v *types.Vertex) int {
	b := v.Body()
	return vertexBytes + digestBytes*len(b.ParentDigests) + 44*len(b.Weak) + 48*len(b.Receipts) + 108*len(b.HeaderSignatures) +
		verdictBytes*len(b.Verdicts) + 500*len(b.Evidence)
}

// refusedSet remembers the digests of the last vertices that broke a rule, so that they are not fetched for ever.
type refusedSet struct {
	digests map[types.Hash]struct{}
	ring    []types.Hash
	at      int
}

// maxRefused bounds them: each costs a liar a signature and a message, and one forgotten costs a fetch.
const maxRefused = 4096

func newRefusedSet() refusedSet { return refusedSet{digests: make(map[types.Hash]struct{})} }

func (s *refusedSet) has(digest types.Hash) bool {
	_, ok := s.digests[digest]
	return ok
}

func (s *refusedSet) add(digest types.Hash) {
	if s.has(digest) {
		return
	}
	if len(s.ring) < maxRefused {
		s.ring = append(s.ring, digest)
	} else {
		delete(s.digests, s.ring[s.at])
		s.ring[s.at] = digest
		s.at = (s.at + 1) % maxRefused
	}
	s.digests[digest] = struct{}{}
}
