package node

import (
	"context"
	"maps"
	"sync"

	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/types"
)

// Bounds of what is remembered of each member: heights, vertices that may be needed as proofs, and challenges tried.
const (
	mostSignedHeights = 256
	mostSignedProofs  = 4
	mostSignedTries   = 8
)

// signedWatch looks at what members' own vertices list as signed, for two headers of one height.
type signedWatch struct {
	n *Node

	mu      sync.Mutex
	epoch   types.Epoch
	members map[types.Member]*signedBy
}

type signedBy struct {
	signed map[types.Height]types.HeaderSignature
	proofs map[types.Hash]listing // by digest, of headers that are not known here
	tries  int
}

// listing is a vertex that lists the signature of a header.
type listing struct {
	signature types.HeaderSignature
	vertex    []byte
}

// watchPushes is a handler of pushes that looks at each before it goes on.
func (n *Node) watchPushes(next func(types.Member, *types.Push)) func(types.Member, *types.Push) {
	w := &signedWatch{n: n, members: make(map[types.Member]*signedBy)}
	return func(from types.Member, p *types.Push) {
		if n.proofs != nil {
			w.look(from, p)
		}
		next(from, p)
	}
}

// look reads the signatures in a member's own vertices. Nothing of it is verified before two contradict each other.
func (w *signedWatch) look(from types.Member, p *types.Push) {
	for _, encoded := range p.Vertices {
		id, signatures, err := types.PeekHeaderSignatures(encoded)
		if err != nil || id.Author != from || id.Epoch != p.Epoch {
			continue
		}
		for _, s := range signatures {
			w.heard(p.Epoch, from, s, encoded)
		}
	}
}

func (w *signedWatch) heard(epoch types.Epoch, from types.Member, s types.HeaderSignature, vertex []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if epoch > w.epoch {
		w.epoch = epoch
		clear(w.members)
	}
	if epoch < w.epoch {
		return
	}
	m := w.members[from]
	if m == nil {
		m = &signedBy{signed: make(map[types.Height]types.HeaderSignature), proofs: make(map[types.Hash]listing)}
		w.members[from] = m
	}
	earlier, known := m.signed[s.Height]
	if known && earlier.Digest == s.Digest {
		return
	}
	w.keep(m, listing{s, vertex})
	if !known {
		m.note(s)
		return
	}
	first, ok := w.statement(m, earlier)
	second, also := w.statement(m, s)
	if !ok || !also || m.tries >= mostSignedTries {
		return
	}
	m.tries++
	challenge := fraud.NewDoubleSignature(w.n.network, w.n.payee(), epoch, s.Height, from, first, second)
	w.n.log.Warn("a sequencer signed two headers of one height", "member", from, "height", s.Height)
	w.n.background.do(func(context.Context) { w.n.proofs.raise(challenge) })
}

// keep holds a vertex that may be the only proof of what it lists. Those of headers that came to be known make room.
func (w *signedWatch) keep(m *signedBy, l listing) {
	if _, here := w.header(l.signature); here {
		return
	}
	maps.DeleteFunc(m.proofs, func(_ types.Hash, old listing) bool {
		_, here := w.header(old.signature)
		return here
	})
	if len(m.proofs) < mostSignedProofs {
		m.proofs[l.signature.Digest] = l
	}
}

// note remembers the first signature of a height, of so many heights.
func (m *signedBy) note(s types.HeaderSignature) {
	if len(m.signed) >= mostSignedHeights {
		lowest := s.Height
		for h := range m.signed {
			lowest = min(lowest, h)
		}
		delete(m.proofs, m.signed[lowest].Digest)
		delete(m.signed, lowest)
	}
	m.signed[s.Height] = s
}

// header is the header that a signature is over, if it is the one of its height here.
func (w *signedWatch) header(s types.HeaderSignature) (types.Header, bool) {
	h, ok := w.n.chain.OwnHeader(s.Height)
	return h, ok && h.Digest() == s.Digest
}

func (w *signedWatch) statement(m *signedBy, s types.HeaderSignature) (fraud.SignedHeader, bool) {
	if h, ok := w.header(s); ok {
		return fraud.SignedHeader{Header: h.Encode(), Signature: s.Signature}, true
	}
	l, ok := m.proofs[s.Digest]
	return fraud.SignedHeader{Vertex: l.vertex}, ok
}
