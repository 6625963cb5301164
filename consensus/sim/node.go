package sim

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// node is one core with what its driver keeps.
type node struct {
	w      *world
	index  int
	member types.Member
	honest bool
	liar   *Liar
	rng    *rand.Rand
	part   uint64

	core  *consensus.Core
	alive bool
	life  int // what was scheduled in an earlier life is dropped
	inbox []consensus.Event
	busy  bool
	wake  types.Time

	disk   *disk
	memory map[types.BatchID]bool // bodies in memory
	offset time.Duration          // of the clock
	stand  types.Time             // a frozen clock's time
	doom   *Crash                 // the crash that waits for its point

	view    view          // of this life
	last    *types.Vertex // the newest own one that was sent, since the log began
	fetched fetched
	chase   chase
	lost    *recovery
	forger  *forger
}

// fetched counts items asked for, and items that answers brought.
type fetched struct {
	wanted  map[[36]byte]bool
	brought int
}

func (n *node) is(kind string) bool { return n.liar != nil && n.liar.Kind == kind }

// inPart reports whether a liar that talks to a part of the committee talks to this node.
func (n *node) inPart(to *node) bool {
	switch {
	case n.is(Twins):
		return n.part>>(to.member%64)&1 == 1
	case n.is(Half):
		return n.w.amongF(n.part, to.member)
	}
	return true
}

// amongF picks members with at most f stake by the bits of a number.
func (w *world) amongF(bits uint64, m types.Member) bool {
	room := w.committee.F()
	for k := range w.m.n() {
		i := types.Member((uint64(k) + bits) % uint64(w.m.n()))
		stake := w.committee.Stake(i)
		if stake > room {
			return false
		}
		if i == m {
			return true
		}
		room -= stake
	}
	return false
}

func (n *node) clock() types.Time {
	if n.is(Frozen) {
		return n.stand
	}
	return n.w.now.Add(n.offset)
}

// start gives the node a new life from its disk.
func (n *node) start() {
	if n.alive || n.is(Silent) || n.w.failure != nil {
		return
	}
	if n.disk == nil {
		n.disk = newDisk()
		n.fetched.wanted = map[[36]byte]bool{}
		n.stand = n.w.now
	}
	self := int(n.member)
	if n.is(Forger) {
		self = -1
	}
	core, err := consensus.New(n.w.config(self))
	if err != nil {
		n.w.fail(n, "S9", "a core cannot be made: %v", err)
		return
	}
	n.core, n.alive, n.wake, n.busy, n.inbox = core, true, 0, false, nil
	n.life++
	n.doom = nil
	n.view = view{}
	n.memory = map[types.BatchID]bool{}
	n.replay()
	n.startChase()
	if n.is(Forger) {
		n.forger = newForger(n)
	}
}

// replay hands the log to the core, as the driver does after a restart.
func (n *node) replay() {
	n.w.trace.add(traced{n.w.now, n.index, "start", types.VertexRef{}, uint64(len(n.disk.order))})
	var chunk []*types.Vertex
	flush := func() {
		if len(chunk) > 0 {
			n.step(consensus.Restored{Vertices: chunk})
			chunk = nil
		}
	}
	for _, r := range n.disk.records {
		if r.batch != nil {
			flush()
			n.memory[r.batch.id] = true
			n.step(consensus.BatchHeld{ID: r.batch.id, Txs: r.batch.txs, Size: r.batch.size, Time: n.clock(), From: -1})
			continue
		}
		if chunk = append(chunk, r.vertex); len(chunk) == 64 {
			flush()
		}
	}
	flush()
	n.step(consensus.Start{Above: n.disk.bound})
	n.view.started = true
}

// crash ends this life.
func (n *node) crash(c *Crash) {
	if !n.alive {
		return
	}
	n.w.trace.add(traced{n.w.now, n.index, "crash " + c.Point, types.VertexRef{}, uint64(c.Keep)})
	n.alive, n.core, n.doom = false, nil, nil
	n.w.blur()
	if c.Lost {
		n.disk = newDisk()
		n.lost, n.last = &recovery{}, nil
	} else {
		n.disk = n.disk.crash(c.Keep)
	}
	n.w.after(ms(c.Down), n.comeBack)
}

// comeBack starts the node, or, if its log is lost, its question for the others' places.
func (n *node) comeBack() {
	switch {
	case n.alive || n.w.healed && n.dead():
	case n.lost != nil:
		n.recover()
	default:
		n.start()
	}
}

func (n *node) dead() bool {
	for _, d := range n.w.m.Dead {
		if d == int(n.member) {
			return true
		}
	}
	return false
}

// hold hands a body to the core. from is the author whose vertex brought it, or -1.
func (n *node) hold(b *batch, from int) {
	if !n.alive {
		return
	}
	n.memory[b.id] = true
	now := n.clock()
	admitted := b.admit[n.member] && b.late[n.member] == 0 && !n.is(Refuse)
	n.noteHeld(b, admitted)
	n.step(consensus.BatchHeld{ID: b.id, Txs: b.txs, Size: b.size, Time: now, Admitted: admitted, From: from})
	if late := b.late[n.member]; late > 0 && b.admit[n.member] {
		life := n.life
		n.w.after(ms(late), func() {
			if n.alive && n.life == life {
				n.step(consensus.BatchHeld{ID: b.id, Txs: b.txs, Size: b.size, Time: n.clock(), Admitted: true, From: -1})
			}
		})
	}
}

func (n *node) noteHeld(b *batch, listable bool) {
	if !n.honest {
		return
	}
	if b.held[n.member] == 0 {
		b.held[n.member] = n.w.now
	}
	if listable && b.listable[n.member] == 0 {
		b.listable[n.member] = n.w.now
	}
}

// step feeds one event and does what follows from it, until nothing does.
func (n *node) step(ev consensus.Event) {
	if !n.alive || n.w.failure != nil {
		return
	}
	n.inbox = append(n.inbox, ev)
	if n.busy {
		return
	}
	n.busy = true
	for len(n.inbox) > 0 && n.alive && n.w.failure == nil {
		next := n.inbox[0]
		n.inbox = n.inbox[1:]
		n.traceEvent(next)
		fx := n.core.Step(n.clock(), next)
		if err := n.core.Err(); err != nil {
			n.stopped(err)
			break
		}
		n.perform(&fx)
	}
	n.busy = false
}

func (n *node) traceEvent(ev consensus.Event) {
	t := traced{at: n.w.now, node: n.index}
	switch e := ev.(type) {
	case consensus.VertexReceived:
		t.what, t.ref, t.info = "vertex", e.Vertex.Ref(), uint64(e.From)
	case consensus.BatchHeld:
		t.what, t.ref.Digest = "body", types.Hash(e.ID[4:])
	case consensus.Encoded:
		t.what, t.info = "encoded", uint64(e.Height)
	case consensus.Signed:
		t.what, t.ref.Digest = "signed", e.Digest
	case consensus.Restored:
		t.what, t.info = "restored", uint64(len(e.Vertices))
	case consensus.Start:
		t.what, t.info = "started", uint64(e.Above)
	case consensus.Executed:
		t.what, t.info = "executed", uint64(e.Height)
	default:
		t.what = "tick"
	}
	n.w.trace.add(t)
}

// stopped: no honest core ever stops. A twin may: its key is convicted before its eyes.
func (n *node) stopped(err error) {
	n.alive = false
	if n.honest {
		n.w.fail(n, "S9", "the core stopped: %v", err)
	}
}

// perform does a driver's duties in a driver's order. A doomed node loses power on the way.
func (n *node) perform(fx *consensus.Effects) {
	n.observe(fx)
	n.persist(fx.Persist)
	if len(fx.Send) > 0 {
		if n.dies(BeforeSync) {
			return
		}
		n.disk.sync()
		if n.dies(AfterSync) {
			return
		}
		if !n.sendAll(fx.Send) {
			return
		}
	}
	n.answer(fx)
	for _, f := range fx.Fetch {
		n.fetch(f)
	}
	n.wakeAt(fx.Wake)
	if n.forger != nil {
		n.forger.learn(fx.Persist)
	}
}

func (n *node) persist(vertices []*types.Vertex) {
	for _, v := range vertices {
		for _, r := range v.Body().Receipts {
			b := n.w.byID[r.Batch]
			if b == nil || !n.memory[r.Batch] {
				n.w.fail(n, "S5", "round %d of member %d is accepted without the body of %s", v.Round(), v.Author(), r.Batch)
				return
			}
			if !n.disk.bodies[r.Batch] {
				n.disk.append(record{batch: b})
			}
		}
		n.disk.append(record{vertex: v})
		n.w.vertex[v.Digest()] = v
	}
}

// dies crashes the node if its doom waits for this point.
func (n *node) dies(point string) bool {
	if n.doom == nil || n.doom.Point != point {
		return false
	}
	n.crash(n.doom)
	return true
}

func (n *node) sendAll(sends []consensus.Send) bool {
	for i, s := range sends {
		if i == len(sends)/2 && n.dies(InSend) {
			return false
		}
		n.transmit(s)
	}
	return true
}

// answer gives the core what a driver computes: signatures and encodings.
func (n *node) answer(fx *consensus.Effects) {
	for _, digest := range fx.Sign {
		n.step(consensus.Signed{Digest: digest, Signature: n.w.sign(n.member, digest)})
	}
	for _, e := range fx.Encode {
		n.encode(e)
	}
	if k := len(fx.Certified); k > 0 {
		n.step(consensus.Executed{Height: fx.Certified[k-1].Header.Height})
	}
	for _, id := range fx.Recall {
		b := n.w.byID[id]
		n.step(consensus.BatchHeld{ID: id, Txs: b.txs, Size: b.size, Time: n.clock(), From: -1})
	}
	for _, id := range fx.Forgotten {
		b := n.w.byID[id]
		b.blurred = true
		n.step(consensus.BatchHeld{ID: id, Txs: b.txs, Size: b.size, Time: n.clock(), Admitted: b.admit[n.member] && !n.is(Refuse), From: -1})
	}
}

// encode answers after some time; blocks of an earlier life are stored already.
func (n *node) encode(e consensus.Encode) {
	encoded := encodingOf(e)
	if n.view.replaying() || n.w.m.Pacing.Encode == 0 {
		n.step(encoded)
		return
	}
	life := n.life
	n.w.after(ms(n.w.m.Pacing.Encode), func() {
		if n.alive && n.life == life {
			n.step(encoded)
		}
	})
}

func encodingOf(e consensus.Encode) consensus.Encoded {
	h := sha256.New()
	for _, tx := range e.Transactions {
		fmt.Fprintf(h, "%x/%d,", tx.Batch[4:], tx.Index)
	}
	return consensus.Encoded{Height: e.Height, DataLength: uint64(len(e.Transactions)), Commitment: types.Hash(h.Sum(nil))}
}

// sign is a real signature in signed runs; else a stub that nobody checks.
func (w *world) sign(m types.Member, digest types.Hash) types.Signature {
	if w.m.Signed {
		return types.SignDigest(w.keys[m], digest)
	}
	var s types.Signature
	copy(s[:], digest[:])
	s[63] = byte(m)
	return s
}

// wakeAt schedules the tick the core asked for.
func (n *node) wakeAt(wake types.Time) {
	if wake == 0 {
		return
	}
	in := time.Duration(int64(wake)-int64(n.clock())) * time.Microsecond
	if n.is(Frozen) {
		in = max(in, 30*time.Millisecond)
	}
	at := n.w.now.Add(max(in, 0))
	if n.wake > n.w.now && n.wake <= at {
		return
	}
	n.wake = at
	life := n.life
	n.w.after(in, func() {
		if n.alive && n.life == life && n.wake == at {
			n.step(consensus.Tick{})
		}
	})
}
