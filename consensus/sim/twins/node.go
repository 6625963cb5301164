package twins

import (
	"crypto/sha256"
	"fmt"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// hold hands a body to the core.
func (n *node) hold(b consensus.BatchHeld, from int) {
	n.bodies[b.ID] = true
	b.Time, b.From = n.w.now, from
	n.step(b)
}

// step feeds one event and does what follows from it.
func (n *node) step(ev consensus.Event) {
	if n.dead || n.w.failure != nil {
		return
	}
	fx := n.core.Step(n.w.now, ev)
	if err := n.core.Err(); err != nil {
		n.dead = true
		if n.honest {
			n.w.fail(n, "the core stopped: %v", err)
		}
		return
	}
	n.observe(&fx)
	for _, v := range fx.Persist {
		n.held[v.Digest()] = v
		n.log = append(n.log, v)
	}
	for _, s := range fx.Send {
		n.push(s)
	}
	for _, f := range fx.Fetch {
		n.fetch(f)
	}
	n.answer(&fx)
}

// answer gives the core what a driver computes.
func (n *node) answer(fx *consensus.Effects) {
	for _, digest := range fx.Sign {
		var s types.Signature
		copy(s[:], digest[:])
		s[63] = byte(n.member)
		n.step(consensus.Signed{Digest: digest, Signature: s})
	}
	for _, e := range fx.Encode {
		h := sha256.New()
		for _, tx := range e.Transactions {
			fmt.Fprintf(h, "%x/%d,", tx.Batch[4:], tx.Index)
		}
		n.step(consensus.Encoded{Height: e.Height, DataLength: uint64(len(e.Transactions)), Commitment: types.Hash(h.Sum(nil))})
	}
	if k := len(fx.Certified); k > 0 {
		n.step(consensus.Executed{Height: fx.Certified[k-1].Header.Height})
	}
	for _, id := range fx.Forgotten {
		n.hold(n.w.batches[id], -1)
	}
}

// push sends to every node of the member in the same part.
func (n *node) push(s consensus.Send) {
	for _, to := range n.w.nodes {
		if to.member != s.To || !n.w.together(n, to) {
			continue
		}
		n.w.mail = append(n.w.mail, func() {
			for _, id := range s.Batches {
				if !to.bodies[id] {
					to.hold(n.w.batches[id], int(n.member))
				}
			}
			for _, v := range s.Vertices {
				to.step(consensus.VertexReceived{Vertex: v, From: n.member})
			}
		})
	}
}

// fetch asks the first member that is in the same part.
func (n *node) fetch(f consensus.Fetch) {
	for _, id := range f.Batches {
		if n.bodies[id] { // the core forgot it
			n.hold(n.w.batches[id], -1)
		}
	}
	for _, m := range f.From {
		asked := false
		for _, from := range n.w.nodes {
			if from.member == m && from != n && n.w.together(n, from) {
				asked = true
				n.w.mail = append(n.w.mail, func() { from.serve(n, f) })
			}
		}
		if asked {
			return
		}
	}
}

func (n *node) serve(to *node, f consensus.Fetch) {
	if n.dead {
		return
	}
	n.w.mail = append(n.w.mail, func() {
		for _, id := range f.Batches {
			if n.bodies[id] && !to.bodies[id] {
				to.hold(n.w.batches[id], -1)
			}
		}
		for _, digest := range f.Vertices {
			if v := n.held[digest]; v != nil {
				to.step(consensus.VertexReceived{Vertex: v, From: n.member, Asked: true})
			}
		}
	})
}
