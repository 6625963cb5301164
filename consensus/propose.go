package consensus

import (
	"github.com/etherscale/bedrock/types"
)

// propose makes the next own vertex if it is time, and asks for its signature.
func (c *Core) propose() {
	if !c.member || c.convicted || c.draft != nil || c.farBehind() {
		return
	}
	round, ok := c.nextRound()
	if !ok || c.dueAt(round) > c.now {
		return
	}
	c.draft = c.makeDraft(round)
	c.madeAt = c.now
	if b := burstOf(round); b != c.burst {
		c.burst, c.burstAt = b, c.now
	}
	c.notePunctual(round - 1)
	c.fx.Sign = append(c.fx.Sign, c.draft.Digest())
}

// makeDraft builds the unsigned vertex. What it takes from the queues leaves them when it is accepted.
func (c *Core) makeDraft(round types.Round) *types.Vertex {
	body := types.VertexBody{Parents: types.NewBitmap(c.n), RuleVersion: c.cfg.knownRules()}
	strong := c.strongParents(round)
	for m, p := range strong {
		if p != nil {
			body.Parents.Set(types.Member(m))
			body.ParentDigests = append(body.ParentDigests, p.ref.Digest)
			c.dag.markMine(p)
		}
	}
	body.Weak = c.weakParents(round, strong)
	last := c.cfg.Parent.Time
	if c.own != nil {
		last = c.own.v.Time()
	}
	floor := last + 1
	if round > 1 {
		var times []weighted
		for _, p := range strong {
			if p != nil {
				times = append(times, c.dag.timeOf(p))
			}
		}
		floor = max(floor, types.Time(quantile(times, c.dag.f)))
	}
	receipts, more := c.nextReceipts(last)
	body.Receipts = receipts
	at := floor
	if len(receipts) > 0 {
		at = max(at, receipts[len(receipts)-1].Time)
	}
	if !more { // else what waits keeps its receive times
		at = max(at, c.now)
	}
	body.HeaderSignatures = c.certs.ownSignatures(c.seals.height)
	body.Verdicts = c.ownVerdicts()
	body.Evidence = append([]types.Equivocation(nil), c.evidence[:min(len(c.evidence), types.MaxEvidence)]...)
	return types.NewVertex(types.VertexID{
		Version: types.Version, Network: c.cfg.Network, Epoch: c.cfg.Epoch, Round: round, Author: c.self, Time: at,
	}, body)
}

// strongParents names every author's vertex of the round before. Proven equivocators are left out, unless the others make
// no quorum: members that went on before the proof may have left that round out, and whoever has to make the next one
// would wait for ever. What is named then is held here already, and nothing more is accepted from them unasked.
func (c *Core) strongParents(round types.Round) []*node {
	strong := make([]*node, c.n)
	rs := c.dag.round(round - 1)
	if rs == nil {
		return strong
	}
	var stake types.Stake
	for _, equivocators := range []bool{false, true} {
		for a := range strong {
			m := types.Member(a)
			if c.proven[a] != equivocators || equivocators && stake >= c.dag.quorum {
				continue
			}
			if strong[a] = c.nameable(rs, m); strong[a] != nil {
				stake += c.cfg.Committee.Stake(m)
			}
		}
	}
	return strong
}

// weakParents names, for every author without a strong parent, its newest vertex that is no ancestor yet. After a gap
// the own newest vertex is one of them.
func (c *Core) weakParents(round types.Round, strong []*node) []types.VertexRef {
	var weak []types.VertexRef
	for a := range strong {
		m := types.Member(a)
		if strong[a] != nil || round < 3 {
			continue
		}
		p := c.weakParent(m, round)
		if p == nil {
			continue
		}
		weak = append(weak, p.ref)
		c.dag.markMine(p)
	}
	return weak
}

func (c *Core) weakParent(m types.Member, round types.Round) *node {
	if m == c.self {
		if c.own != nil && c.own.ref.Round+Horizon >= round {
			return c.own
		}
		return nil
	}
	newest := c.dag.newest[m]
	if newest == nil || c.proven[m] {
		return nil
	}
	for r := min(newest.ref.Round, round-2); r > 0 && r+Horizon >= round; r-- {
		rs := c.dag.round(r)
		if rs == nil {
			return nil
		}
		if len(rs.slots[m].candidates) == 0 {
			continue
		}
		if p := rs.slots[m].candidates[0]; !p.mine && p.checked {
			return p
		}
		return nil
	}
	return nil
}

// signed takes the signature of the draft or of a header.
func (c *Core) signed(e Signed) {
	if c.draft == nil || c.draft.Digest() != e.Digest {
		c.certs.headerSigned(e.Digest, e.Signature)
		return
	}
	v := c.draft.WithSignature(e.Signature)
	c.draft = nil
	if v.Round() <= c.lastRound() || c.convicted {
		return // an own vertex from before a loss came meanwhile: this one was never sent, and never will be
	}
	n, err := c.link(v)
	if err != nil {
		c.halt(&ConflictError{What: "the own vertex breaks a rule: " + err.Error(), Vertices: []*types.Vertex{v}})
		return
	}
	c.hear(v)
	c.accept(n, c.self)
	if c.err == nil {
		c.send(n)
	}
}

// acceptOwn notes what an accepted own vertex carries.
func (c *Core) acceptOwn(n *node) {
	if c.own == nil || c.own.ref.Round < n.ref.Round {
		c.own = n
	}
	c.dag.markMine(n)
	c.dropListed()
	c.certs.listed(n.v.Body().HeaderSignatures, c.seals.height)
	c.verdictsCarried(n)
	said := n.v.Body().Evidence
	kept := c.evidence[:0]
	for _, e := range c.evidence {
		in := false
		for i := range said {
			in = in || said[i].Accused() == e.Accused()
		}
		if !in {
			kept = append(kept, e)
		}
	}
	c.evidence = kept
}
