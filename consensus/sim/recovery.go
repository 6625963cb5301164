package sim

import (
	"slices"

	"github.com/etherscale/bedrock/types"
)

// recovery is the state of a node that lost its log: the newest own vertex of every other member that answered.
type recovery struct {
	since  int // the machine's life in which it asks
	newest map[types.Member]types.Round
	logs   []*node
}

// recover asks all others for their newest own vertices until others with a quorum of stake have answered, then starts
// above them, from what their logs hold.
func (n *node) recover() {
	if n.alive || n.lost == nil || !n.up || n.over > n.era.epoch || n.w.failure != nil {
		return
	}
	if n.lost.newest == nil {
		n.lost.newest = map[types.Member]types.Round{}
	}
	r := n.lost
	for _, from := range n.era.nodes {
		if from.member == n.member || from.lost != nil {
			continue
		}
		n.w.ask(n.machine, from.machine, func() {
			if n.lost != r || n.alive || from.disk == nil {
				return
			}
			newest := from.newestOwn()
			n.w.ask(from.machine, n.machine, func() { n.placed(r, from, newest) })
		})
	}
	power := n.powered()
	n.w.after(ms(500), func() {
		if power() && n.lost == r {
			n.recover()
		}
	})
}

// ask is carry without copies.
func (w *world) ask(from, to *machine, deliver func()) {
	if !to.up || w.cut(from, to) || w.lost() {
		return
	}
	w.after(w.delay(from), deliver)
}

// newestOwn is the round of the newest own vertex that was sent. A liar says what harms most.
func (n *node) newestOwn() types.Round {
	if !n.honest {
		return 0
	}
	for _, v := range slices.Backward(n.disk.order) {
		if v.Author() == n.member {
			return v.Round()
		}
	}
	return 0
}

func (n *node) placed(r *recovery, from *node, newest types.Round) {
	if n.lost != r || n.alive || !n.up {
		return
	}
	if _, known := r.newest[from.member]; !known {
		r.newest[from.member] = newest
		r.logs = append(r.logs, from)
	}
	var stake types.Stake
	var top types.Round
	for m := range n.era.committee.Len() {
		if at, known := r.newest[types.Member(m)]; known {
			stake += n.era.committee.Stake(types.Member(m))
			top = max(top, at)
		}
	}
	if stake < n.era.committee.Quorum() {
		return
	}
	n.adopt(r.logs)
	n.lost, n.machine.lost = nil, false
	n.w.trace.add(traced{n.w.now, n.index, "placed", types.VertexRef{}, uint64(top)})
	if top > 0 {
		n.disk.bound = top + 1
	}
	n.start()
}

// adopt takes the vertices of others' logs as the own log, parents first: a follower has accepted them.
func (n *node) adopt(logs []*node) {
	n.disk = newDisk()
	for _, from := range logs {
		if !from.honest || from.disk == nil {
			continue
		}
		for _, v := range from.disk.order {
			if n.disk.vertices[v.Digest()] != nil {
				continue
			}
			for _, r := range v.Body().Receipts {
				if !n.disk.bodies[r.Batch] {
					n.disk.append(record{batch: n.w.byID[r.Batch]})
				}
			}
			n.disk.append(record{vertex: v})
		}
	}
	n.disk.sync()
}
