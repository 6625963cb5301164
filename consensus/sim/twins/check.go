package twins

import (
	"slices"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/internal/brute"
	"github.com/etherscale/bedrock/types"
)

// truth is what honest nodes have said; the first to say something sets it for all others.
type truth struct {
	appended []consensus.Appended
	released []consensus.Released
	closed   []types.Hash
}

// said is how far one node has come.
type said struct{ appended, released, closed, certified int }

// observe checks all that an honest node says.
func (n *node) observe(fx *consensus.Effects) {
	if !n.honest {
		return
	}
	for i := range fx.Rejected {
		n.w.fail(n, "the vertex of member %d, round %d is rejected: %v", fx.Rejected[i].Vertex.Author, fx.Rejected[i].Vertex.Round, fx.Rejected[i].Reason)
	}
	for i := range fx.Equivocations {
		if m := int(fx.Equivocations[i].Accused()); m >= doubled(n.w.scenario.Members) {
			n.w.fail(n, "member %d, which has no twin, is accused", m)
		}
	}
	n.agree(fx)
}

func (n *node) agree(fx *consensus.Effects) {
	t, s := &n.w.truth, &n.said
	for _, a := range fx.Appended {
		if s.appended == len(t.appended) {
			t.appended = append(t.appended, a)
		} else if t.appended[s.appended] != a {
			n.w.fail(n, "place %d of the sequence is member %d round %d here, elsewhere member %d round %d", s.appended,
				a.Vertex.Author, a.Vertex.Round, t.appended[s.appended].Vertex.Author, t.appended[s.appended].Vertex.Round)
		}
		s.appended++
	}
	for _, r := range fx.Released {
		if s.released == len(t.released) {
			t.released = append(t.released, r)
		} else if other := &t.released[s.released]; other.Batch != r.Batch || other.FairTime != r.FairTime || !slices.Equal(other.Entries, r.Entries) {
			n.w.fail(n, "release %d differs", s.released)
		}
		s.released++
	}
	for _, c := range fx.Closed {
		if s.closed == len(t.closed) {
			t.closed = append(t.closed, c.Header.Digest())
		} else if t.closed[s.closed] != c.Header.Digest() {
			n.w.fail(n, "header %d differs", c.Header.Height)
		}
		s.closed++
	}
	for _, c := range fx.Certified {
		if s.certified >= s.closed || t.closed[s.certified] != c.Header.Digest() {
			n.w.fail(n, "header %d is certified and was not built", c.Header.Height)
		}
		s.certified++
	}
}

func (t *truth) releasedByAll(w *world, id types.BatchID) bool {
	place := slices.IndexFunc(t.released, func(r consensus.Released) bool { return r.Batch == id })
	if place < 0 {
		return false
	}
	for _, n := range w.nodes {
		if n.honest && n.said.released <= place {
			return false
		}
	}
	return true
}

// checkDefinition compares how far each honest node has come with what the definition gives for what it has accepted.
func (w *world) checkDefinition() {
	for _, n := range w.nodes {
		if !n.honest || w.failure != nil {
			continue
		}
		want, _ := brute.Sequence(w.setting(), n.log)
		if len(want) != n.said.appended {
			w.fail(n, "the sequence has %d vertices, by definition %d", n.said.appended, len(want))
		}
	}
}

// checkOrder compares the order and the blocks with the definition, where the whole sequence is known to one node.
func (w *world) checkOrder() {
	for _, n := range w.nodes {
		if !n.honest || w.failure != nil || n.said.appended < len(w.truth.appended) {
			continue
		}
		setting := w.setting()
		appended, _ := brute.Sequence(setting, n.log)
		contents := map[types.BatchID][]brute.Tx{}
		for id, b := range w.batches {
			contents[id] = []brute.Tx{{Hash: b.Txs[0].Hash, Gas: b.Txs[0].Gas, Size: b.Txs[0].Size}}
		}
		limits := brute.Limits{Interval: rules.Interval, Heartbeat: rules.Heartbeat, Bytes: rules.BlockBytes, Gas: rules.BlockGas}
		blocks, fair := brute.Blocks(setting, limits, appended, contents)
		if len(blocks) != n.said.closed || len(fair.Released) != n.said.released {
			w.fail(n, "%d releases and %d blocks, by definition %d and %d", n.said.released, n.said.closed, len(fair.Released), len(blocks))
			return
		}
		for i := range fair.Released {
			if a, b := &fair.Released[i], &w.truth.released[i]; a.Batch != b.Batch || a.T != b.FairTime {
				w.fail(n, "release %d differs from the definition", i)
				return
			}
		}
		return
	}
}

func (w *world) setting() brute.Setting {
	return brute.Setting{Committee: w.committee, Seed: w.seed, Start: w.parent.Time}
}
