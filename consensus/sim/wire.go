package sim

import (
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// transmit pushes bodies and vertices to one member; every node that has its key gets them.
func (n *node) transmit(s consensus.Send) {
	n.noteSent(s.Vertices)
	own := s.Vertices[len(s.Vertices)-1]
	for _, to := range n.era.nodes {
		if to.member != s.To || to == n || !n.inPart(to.machine) || n.is(Selective) && n.rng.IntN(100) < 40 {
			continue
		}
		n.w.carry(n.machine, to.machine, n.era.schedule(own, to), func() {
			for _, id := range s.Batches {
				if b := n.w.byID[id]; !to.memory[id] {
					to.hold(b, int(n.member))
				}
			}
			for _, v := range s.Vertices {
				to.receive(v, n.member, false)
			}
		})
	}
}

// receive checks signatures where they are real, and hands the vertex on.
func (n *node) receive(v *types.Vertex, from types.Member, asked bool) {
	if n.w.m.Signed && !n.era.genuine(v) {
		return
	}
	n.step(consensus.VertexReceived{Vertex: v, From: from, Asked: asked})
}

// genuine verifies the signatures of a vertex, once for all nodes.
func (e *era) genuine(v *types.Vertex) bool {
	good, known := e.verified[v]
	if !known {
		good = v.CheckShape(e.w.network, e.epoch, e.committee) != nil || v.CheckSignatures(e.committee) == nil
		e.verified[v] = good
	}
	return good
}

// fetch asks the first member for what is missing. What the core forgot and the node still has is told again.
func (n *node) fetch(f consensus.Fetch) {
	if len(f.Vertices)+len(f.Batches) > types.MaxFetchItems {
		n.w.fail(n, "S10", "a request of %d items", len(f.Vertices)+len(f.Batches))
		return
	}
	var bodies []*batch
	for _, id := range f.Batches {
		b := n.w.byID[id]
		if n.memory[id] {
			n.hold(b, -1)
			continue
		}
		if b != nil {
			bodies = append(bodies, b)
		}
		n.fetched.wanted[id] = true
	}
	for _, digest := range f.Vertices {
		var key [36]byte
		copy(key[:], digest[:])
		n.fetched.wanted[key] = true
	}
	for _, from := range n.era.nodes {
		if from.member == f.From[0] {
			n.w.carry(n.machine, from.machine, 0, func() { from.serve(n, f.Vertices, bodies) })
		}
	}
}

// serve answers a request with what the node has. Some liars do not.
func (n *node) serve(to *node, digests []types.Hash, bodies []*batch) {
	if n.disk == nil || n.is(Withhold) || n.is(Forger) && n.rng.IntN(3) == 0 {
		return
	}
	var vertices []*types.Vertex
	for _, digest := range digests {
		if v := n.disk.vertices[digest]; v != nil {
			vertices = append(vertices, v)
		}
	}
	var have []*batch
	for _, b := range bodies {
		if n.memory[b.id] {
			have = append(have, b)
		}
	}
	n.w.carry(n.machine, to.machine, 0, func() {
		to.fetched.brought += len(have) + len(vertices)
		for _, b := range have {
			if !to.memory[b.id] {
				to.hold(b, -1)
			}
		}
		for _, v := range vertices {
			to.receive(v, n.member, true)
		}
	})
}
