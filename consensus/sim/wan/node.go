package wan

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// node is a core with what its driver keeps.
type node struct {
	w       *world
	member  types.Member
	core    *consensus.Core
	offset  time.Duration // of its clock
	faulty  bool
	crashed bool
	inbox   []consensus.Event
	busy    bool
	wake    types.Time

	bodies map[types.BatchID]bool
	log    map[types.Hash]*types.Vertex
}

// message is a push, or the answer to a request.
type message struct {
	batches  []*batch
	vertices []*types.Vertex
}

// request asks for vertices and bodies.
type request struct {
	vertices []types.Hash
	batches  []types.BatchID
}

func (w *world) newNode(m types.Member) (*node, error) {
	n := &node{w: w, member: m, bodies: make(map[types.BatchID]bool), log: make(map[types.Hash]*types.Vertex)}
	n.offset = time.Duration(w.rng.Int64N(int64(2*skew))) - skew
	core, err := consensus.New(consensus.Config{Network: w.network, Committee: w.committee, Seed: types.Hash{byte(w.cfg.Seed)},
		Self: int(m), Parent: types.Header{Version: types.Version, Network: w.network, Time: begin - 1000},
		Rules:  consensus.Rules{Interval: 500_000, Heartbeat: 10_000_000, BlockBytes: 2 << 20, BlockGas: 60_000_000, RuleVersion: 1},
		Pacing: w.cfg.Pacing})
	n.core = core
	return n, err
}

func (n *node) clock() types.Time { return n.w.now.Add(n.offset) }

func (n *node) hold(b *batch, from int) {
	if from >= 0 && n.bodies[b.id] {
		return
	}
	n.bodies[b.id] = true
	n.step(consensus.BatchHeld{ID: b.id, Txs: []consensus.TxInfo{b.tx}, Size: batchBytes, Time: n.clock(), Admitted: true, From: from})
}

// step feeds one event and does what follows from it, until nothing does.
func (n *node) step(ev consensus.Event) {
	n.inbox = append(n.inbox, ev)
	if n.busy {
		return
	}
	n.busy = true
	for len(n.inbox) > 0 && n.w.err == nil {
		next := n.inbox[0]
		n.inbox = n.inbox[1:]
		fx := n.core.Step(n.clock(), next)
		if err := n.core.Err(); err != nil {
			n.w.err = fmt.Errorf("member %d: %w", n.member, err)
			break
		}
		n.perform(&fx)
	}
	n.busy = false
}

// perform does a driver's duties.
func (n *node) perform(fx *consensus.Effects) {
	for _, v := range fx.Persist {
		n.log[v.Digest()] = v
	}
	for _, s := range fx.Send {
		n.send(s)
	}
	for _, digest := range fx.Sign {
		var sig types.Signature
		copy(sig[:], digest[:])
		n.step(consensus.Signed{Digest: digest, Signature: sig})
	}
	for _, e := range fx.Encode {
		n.step(consensus.Encoded{Height: e.Height, DataLength: 1, Commitment: sha256.Sum256([]byte(fmt.Sprint(e.Transactions)))})
	}
	if k := len(fx.Certified); k > 0 {
		n.step(consensus.Executed{Height: fx.Certified[k-1].Header.Height})
	}
	for _, f := range fx.Fetch {
		n.fetch(f)
	}
	for _, r := range fx.Released {
		if b := n.w.byID[r.Batch]; b.entry == n.member {
			b.released = n.w.now
		}
	}
	n.wakeAt(fx.Wake)
}

// send pushes a message, which takes a synced write first. Who half-publishes leaves out half of the others.
func (n *node) send(s consensus.Send) {
	own := s.Vertices[len(s.Vertices)-1]
	if n.faulty && n.w.fault == HalfPublished && (mix(uint64(own.Round()), uint64(n.member), uint64(s.To))&1 == 0) {
		return
	}
	m := &message{vertices: s.Vertices}
	sent := &n.w.sent
	for _, v := range s.Vertices[:len(s.Vertices)-1] {
		sent.Others += n.w.size(v)
	}
	sent.Own += n.w.size(own)
	for _, id := range s.Batches {
		m.batches = append(m.batches, n.w.byID[id])
		sent.Pushed += batchBytes
	}
	n.w.after(syncDelay+n.w.geo.delay(n.member, s.To), happening{what: pushed, to: s.To, from: n.member, load: m})
}

// mix is a hash of three small numbers.
func mix(a, b, c uint64) uint64 {
	x := a*0x9e3779b97f4a7c15 ^ b*0xbf58476d1ce4e5b9 ^ c*0x94d049bb133111eb
	x ^= x >> 31
	x *= 0xd6e8feb86659fd93
	return x >> 32
}

// take hands the content of a message to the core.
func (n *node) take(m *message, from types.Member, asked bool) {
	author := int(from)
	if asked {
		author = -1
	}
	for _, b := range m.batches {
		if !n.bodies[b.id] {
			n.hold(b, author)
		}
	}
	for _, v := range m.vertices {
		n.step(consensus.VertexReceived{Vertex: v, From: from, Asked: asked})
	}
}

// fetch asks the first member for what is missing; a body that the core forgot is told again.
func (n *node) fetch(f consensus.Fetch) {
	r := &request{vertices: f.Vertices}
	for _, id := range f.Batches {
		if n.bodies[id] {
			n.hold(n.w.byID[id], -1)
			continue
		}
		r.batches = append(r.batches, id)
	}
	n.w.sent.Fetched += 33*len(r.vertices) + 37*len(r.batches)
	n.w.after(n.w.geo.delay(n.member, f.From[0]), happening{what: asked, to: f.From[0], from: n.member, load: r})
}

// serve answers a request with what the node has.
func (n *node) serve(r *request, from types.Member) {
	if n.faulty && n.w.fault == HalfPublished {
		return
	}
	m := new(message)
	for _, digest := range r.vertices {
		if v := n.log[digest]; v != nil {
			m.vertices = append(m.vertices, v)
			n.w.sent.Fetched += n.w.size(v)
		}
	}
	for _, id := range r.batches {
		if n.bodies[id] {
			m.batches = append(m.batches, n.w.byID[id])
			n.w.sent.Fetched += batchBytes
		}
	}
	n.w.after(n.w.geo.delay(n.member, from), happening{what: answered, to: from, from: n.member, load: m})
}

// wakeAt schedules the tick the core asked for.
func (n *node) wakeAt(wake types.Time) {
	if wake == 0 {
		return
	}
	in := time.Duration(int64(wake)-int64(n.clock())) * time.Microsecond
	at := n.w.now.Add(max(in, 0))
	if n.wake > n.w.now && n.wake <= at {
		return
	}
	n.wake = at
	n.w.after(in, happening{what: wakes, to: n.member})
}
