package wan

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/etherscale/bedrock/types"
)

// meshDegree is how many neighbours a member forwards gossip to, about: the D of gossipsub.
const meshDegree = 6

// newMesh draws a symmetric graph in which every member has about meshDegree neighbours.
func newMesh(n int, rng *rand.Rand) [][]types.Member {
	mesh := make([][]types.Member, n)
	for range meshDegree / 2 {
		ring := rng.Perm(n)
		for i, m := range ring {
			a, b := types.Member(m), types.Member(ring[(i+1)%n])
			if a != b && !slices.Contains(mesh[a], b) {
				mesh[a], mesh[b] = append(mesh[a], b), append(mesh[b], a)
			}
		}
	}
	return mesh
}

// gossip carries a batch from its entry to everybody: straight, and by what neighbours in the mesh forward as soon as they
// hold it, whichever is first. A copy is forwarded to those neighbours that have not said by then that they hold it.
func (w *world) gossip(b *batch) {
	n := w.cfg.N
	const never = time.Hour
	arrives, settled := make([]time.Duration, n), make([]bool, n)
	for m := range arrives {
		arrives[m] = never
		if types.Member(m) != b.entry && !w.nodes[m].crashed {
			arrives[m] = w.geo.delay(b.entry, types.Member(m))
			w.sent.Gossip += batchBytes
		}
	}
	arrives[b.entry] = 0
	for range n { // by Dijkstra
		next := -1
		for m := range arrives {
			if !settled[m] && arrives[m] < never && (next < 0 || arrives[m] < arrives[next]) {
				next = m
			}
		}
		if next < 0 {
			break
		}
		settled[next] = true
		w.forward(b, types.Member(next), arrives)
		if types.Member(next) != b.entry {
			w.after(arrives[next], happening{what: gossiped, to: types.Member(next), load: b})
		}
	}
}

func (w *world) forward(b *batch, from types.Member, arrives []time.Duration) {
	if from == b.entry {
		return
	}
	for _, to := range w.mesh[from] {
		if to == b.entry || w.nodes[to].crashed || arrives[to]+w.geo.base(to, from) < arrives[from] {
			continue
		}
		arrives[to] = min(arrives[to], arrives[from]+w.geo.delay(from, to))
		w.sent.Gossip += batchBytes
	}
}
