package sim

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// truth is what honest nodes of an epoch have said so far. The first to say something sets it, for all lives of all others.
type truth struct {
	appended  []consensus.Appended
	released  []consensus.Released
	closed    []consensus.Closed
	certified []types.CertifiedHeader
	when      []types.Time // of the first release, by place

	included map[types.Hash]bool
	vertices []map[types.Round]types.Hash  // by honest member: what its key signed
	headers  []map[types.Height]types.Hash // the same for headers
	checked  map[types.Hash]bool
	waiting  int // most vertices that ever waited to be accepted at an honest node
}

func newTruth(members int) truth {
	t := truth{included: map[types.Hash]bool{}, checked: map[types.Hash]bool{}}
	for range members {
		t.vertices = append(t.vertices, map[types.Round]types.Hash{})
		t.headers = append(t.headers, map[types.Height]types.Hash{})
	}
	return t
}

// view is how far one life of a node has come.
type view struct {
	started                               bool
	appended, released, closed, certified int
}

func (v *view) replaying() bool { return !v.started }

// observe checks all that an honest node says.
func (n *node) observe(fx *consensus.Effects) {
	if !n.honest {
		return
	}
	for i := range fx.Rejected {
		if r := &fx.Rejected[i]; n.era.honestMember(r.Vertex.Author) {
			n.w.fail(n, "S9", "the honest vertex of member %d, round %d is rejected: %v", r.Vertex.Author, r.Vertex.Round, r.Reason)
		}
	}
	for i := range fx.Equivocations {
		if accused := fx.Equivocations[i].Accused(); n.era.honestMember(accused) {
			n.w.fail(n, "S4", "the honest member %d is accused", accused)
		}
	}
	for _, v := range fx.Persist {
		n.checkRules(v)
	}
	n.agreeOnSequence(fx)
	n.agreeOnBlocks(fx)
}

func (n *node) agreeOnSequence(fx *consensus.Effects) {
	t := &n.era.truth
	for _, a := range fx.Appended {
		switch at := n.view.appended; {
		case at == len(t.appended):
			t.appended = append(t.appended, a)
		case t.appended[at] != a:
			n.w.fail(n, "S1", "place %d of the sequence is member %d round %d, elsewhere member %d round %d", at,
				a.Vertex.Author, a.Vertex.Round, t.appended[at].Vertex.Author, t.appended[at].Vertex.Round)
		}
		n.view.appended++
	}
	for _, r := range fx.Released {
		switch at := n.view.released; {
		case at == len(t.released):
			t.released = append(t.released, r)
			t.when = append(t.when, n.w.now)
			n.w.byID[r.Batch].released = true
			n.checkKey(at)
		case !equalReleased(&t.released[at], &r):
			n.w.fail(n, "S1", "release %d is %s with fair time %d, elsewhere %s with %d", at, r.Batch, r.FairTime,
				t.released[at].Batch, t.released[at].FairTime)
		}
		n.view.released++
	}
}

func equalReleased(a, b *consensus.Released) bool {
	return a.Batch == b.Batch && a.FairTime == b.FairTime && a.Index == b.Index && slices.Equal(a.Entries, b.Entries)
}

// checkKey: keys ascend.
func (n *node) checkKey(at int) {
	if at == 0 {
		return
	}
	a, b := &n.era.truth.released[at-1], &n.era.truth.released[at]
	if a.FairTime < b.FairTime {
		return
	}
	ta, tb := n.era.tie(a.Batch), n.era.tie(b.Batch)
	if a.FairTime > b.FairTime || bytes.Compare(ta[:], tb[:]) >= 0 {
		n.w.fail(n, "S6", "release %d with fair time %d comes after %d", at, b.FairTime, a.FairTime)
	}
}

func (e *era) tie(id types.BatchID) types.Hash {
	return sha256.Sum256(append(append([]byte(nil), e.seed[:]...), id[:]...))
}

func (n *node) agreeOnBlocks(fx *consensus.Effects) {
	t := &n.era.truth
	for _, c := range fx.Closed {
		switch at := n.view.closed; {
		case at == len(t.closed):
			t.closed = append(t.closed, c)
			n.include(&c)
			n.noteListed(&c)
		case t.closed[at].Header.Digest() != c.Header.Digest() || !slices.Equal(t.closed[at].Transactions, c.Transactions):
			n.w.fail(n, "S1", "header %d differs", c.Header.Height)
		}
		n.view.closed++
	}
	for _, c := range fx.Certified {
		switch at := n.view.certified; {
		case at >= n.view.closed || t.closed[at].Header.Digest() != c.Header.Digest():
			n.w.fail(n, "S1", "header %d is certified and was not built", c.Header.Height)
		case n.era.committee.StakeOf(c.Certificate.Signers) < n.era.committee.Quorum():
			n.w.fail(n, "S1", "header %d is certified without a quorum", c.Header.Height)
		case n.w.m.Signed && c.Verify(n.w.network, n.era.committee) != nil:
			n.w.fail(n, "S1", "the certificate of header %d is wrong: %v", c.Header.Height, c.Verify(n.w.network, n.era.committee))
		case at == len(t.certified):
			t.certified = append(t.certified, c)
			n.checkEnd(&c)
		}
		n.view.certified++
	}
}

// include: every transaction was submitted, and is in one block only.
func (n *node) include(c *consensus.Closed) {
	t := &n.era.truth
	for _, ref := range c.Transactions {
		b := n.w.byID[ref.Batch]
		if b == nil || int(ref.Index) >= len(b.txs) || !n.w.submitted[b.txs[ref.Index].Hash] {
			n.w.fail(n, "S2", "block %d has a transaction that nobody submitted", c.Header.Height)
			return
		}
		tx := b.txs[ref.Index].Hash
		if t.included[tx] && n.w.m.Windows == nil {
			n.w.fail(n, "S2", "block %d repeats a transaction", c.Header.Height)
		}
		if height, known := n.w.included[tx]; known && height <= n.era.parent.Height && b.fresh[ref.Index] {
			n.w.fail(n, "S2", "block %d has a transaction that is in a block of an epoch before", c.Header.Height)
		}
		t.included[tx] = true
		n.w.included[tx] = c.Header.Height
	}
}

// noteSent: what an honest key signs for a round or a height is one thing, ever, and it is on disk before it is sent.
func (n *node) noteSent(vertices []*types.Vertex) {
	own := vertices[len(vertices)-1]
	n.era.vertex[own.Digest()] = own
	if !n.honest {
		return
	}
	if own.Author() != n.member || n.disk.vertices[own.Digest()] == nil {
		n.w.fail(n, "S3", "a vertex of round %d is sent before it is stored", own.Round())
	}
	n.checkTurn(own)
	signed := n.era.truth.vertices[n.member]
	if before, known := signed[own.Round()]; known && before != own.Digest() {
		n.w.fail(n, "S3", "two vertices of round %d are signed and sent", own.Round())
	}
	signed[own.Round()] = own.Digest()
	headers := n.era.truth.headers[n.member]
	for _, s := range own.Body().HeaderSignatures {
		if before, known := headers[s.Height]; known && before != s.Digest {
			n.w.fail(n, "S3", "two headers of height %d are signed", s.Height)
		}
		headers[s.Height] = s.Digest
	}
}

// checkTurn: every round's vertex is made in turn, but for rounds whose slots two below are all decided; after such a gap
// the own newest vertex is a weak parent.
func (n *node) checkTurn(own *types.Vertex) {
	last := n.last
	if last != nil && last.Round() >= own.Round() {
		return
	}
	n.last = own
	if last == nil || last.Round()+1 == own.Round() || last.Round() <= n.disk.bound {
		return
	}
	if decided := n.core.Status().DecidedRound; decided+3 < own.Round() {
		n.w.fail(n, "S11", "round %d follows round %d while only %d is decided", own.Round(), last.Round(), decided)
	}
	if last.Round()+64 < own.Round() {
		return
	}
	for _, weak := range own.Body().Weak {
		if weak == last.Ref() {
			return
		}
	}
	n.w.fail(n, "S11", "round %d does not name the own one of round %d", own.Round(), last.Round())
}

// blur: what is under way when a node crashes may be listed again later, so its order is not judged.
func (w *world) blur() {
	for _, b := range w.batches {
		b.blurred = true
	}
}
