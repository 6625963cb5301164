package sim

import (
	"slices"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// transmit pushes bodies and vertices to one member; every node that has its key gets them.
func (n *node) transmit(s consensus.Send) {
	n.noteSent(s.Vertices)
	own := s.Vertices[len(s.Vertices)-1]
	for _, to := range n.w.nodes {
		if to.member != s.To || to == n || !n.inPart(to) || n.is(Selective) && n.rng.IntN(100) < 40 {
			continue
		}
		n.w.carry(n, to, n.w.schedule(own, to), func() {
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
	if n.w.m.Signed && !n.w.genuine(v) {
		return
	}
	n.step(consensus.VertexReceived{Vertex: v, From: from, Asked: asked})
}

// genuine verifies the signatures of a vertex, once for all nodes.
func (w *world) genuine(v *types.Vertex) bool {
	good, known := w.verified[v]
	if !known {
		good = v.CheckShape(w.network, 0, w.committee) != nil || v.CheckSignatures(w.committee) == nil
		w.verified[v] = good
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
	for _, from := range n.w.nodes {
		if from.member == f.From[0] {
			n.w.carry(n, from, 0, func() { from.serve(n, f.Vertices, bodies) })
		}
	}
}

// serve answers a request with what the node has. Some liars do not.
func (n *node) serve(to *node, digests []types.Hash, bodies []*batch) {
	if n.is(Withhold) || n.is(Forger) && n.rng.IntN(3) == 0 {
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
	n.w.carry(n, to, 0, func() {
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

const (
	chaseItems = 256  // vertices of a log in one answer
	chasePause = 1000 // ms
	chaseLag   = 16   // rounds behind others at which the logs of others are read
	stallTime  = 3000 // ms without a new round
)

// chase is the state of reading others' logs.
type chase struct {
	asked    int // members asked so far
	running  bool
	top      types.Round
	advanced types.Time
	stalls   int
}

// startChase reads a log after every start and then whenever the node is far behind or rounds stall.
func (n *node) startChase() {
	n.chase = chase{advanced: n.w.now}
	n.readLog()
	life := n.life
	var look func()
	look = func() {
		if !n.alive || n.life != life || n.w.failure != nil {
			return
		}
		s := n.core.Status()
		if s.AcceptedRound > n.chase.top {
			n.chase.top, n.chase.advanced, n.chase.stalls = s.AcceptedRound, n.w.now, 0
		}
		stalled := n.w.now > n.chase.advanced.Add(ms(stallTime<<min(n.chase.stalls, 4)))
		if stalled {
			n.chase.stalls++
			n.chase.advanced = n.w.now
		}
		if stalled || s.HeardRound > s.AcceptedRound+chaseLag {
			n.readLog()
		}
		n.w.after(ms(chasePause), look)
	}
	n.w.after(ms(chasePause), look)
}

// readLog asks the next member for what its log has and the own one lacks.
func (n *node) readLog() {
	if n.chase.running {
		return
	}
	n.chase.running = true
	from := n.w.nodes[(n.index+1+n.chase.asked)%len(n.w.nodes)]
	n.chase.asked++
	life := n.life
	n.w.after(ms(chasePause), func() {
		if n.life == life {
			n.chase.running = false
		}
	})
	if from.member != n.member {
		n.w.carry(n, from, 0, func() { from.serveLog(n) })
	}
}

// serveLog sends the first stretch of the log that the asker lacks; the asker goes on with the same member.
func (n *node) serveLog(to *node) {
	if n.is(Withhold) || n.is(Forger) || n.disk == nil || to.disk == nil {
		return
	}
	var stretch []*types.Vertex
	for _, v := range n.disk.order {
		if to.disk.vertices[v.Digest()] == nil {
			if stretch = append(stretch, v); len(stretch) == chaseItems {
				break
			}
		}
	}
	if len(stretch) == 0 {
		return
	}
	n.w.carry(n, to, 0, func() {
		before := len(to.disk.order)
		for _, v := range stretch {
			for _, r := range v.Body().Receipts {
				if b := n.w.byID[r.Batch]; !to.memory[r.Batch] {
					to.hold(b, -1)
				}
			}
			to.receive(v, n.member, true)
		}
		if to.alive && len(stretch) == chaseItems && len(to.disk.order) > before {
			n.w.carry(to, n, 0, func() { n.serveLog(to) })
		}
	})
}

// recovery is the state of a node that lost its log: the newest own vertex of every other member that answered.
type recovery struct {
	newest map[types.Member]types.Round
	logs   []*node
}

// recover asks all others for their newest own vertices until others with a quorum of stake have answered, then starts
// above them, from what their logs hold.
func (n *node) recover() {
	if n.alive || n.lost == nil || n.w.failure != nil {
		return
	}
	if n.lost.newest == nil {
		n.lost.newest = map[types.Member]types.Round{}
	}
	r := n.lost
	for _, from := range n.w.nodes {
		if from.member == n.member || from.lost != nil {
			continue
		}
		n.w.ask(n, from, func() {
			if n.lost != r || n.alive || from.disk == nil {
				return
			}
			newest := from.newestOwn()
			n.w.ask(from, n, func() { n.placed(r, from, newest) })
		})
	}
	n.w.after(ms(500), n.recover)
}

// ask is carry to a node that is up without running a core, as one that lost its log is.
func (w *world) ask(from, to *node, deliver func()) {
	if !to.alive && to.lost == nil || w.cut(from, to) || w.lost() {
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
	if n.lost != r || n.alive {
		return
	}
	if _, known := r.newest[from.member]; !known {
		r.newest[from.member] = newest
		r.logs = append(r.logs, from)
	}
	var stake types.Stake
	var top types.Round
	for m := range n.w.m.n() {
		if at, known := r.newest[types.Member(m)]; known {
			stake += n.w.committee.Stake(types.Member(m))
			top = max(top, at)
		}
	}
	if stake < n.w.committee.Quorum() {
		return
	}
	n.adopt(r.logs)
	n.lost = nil
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
