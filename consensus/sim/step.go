package sim

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

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
		if n.events++; n.events%boundEvery == 0 && n.honest && n.alive {
			n.checkBounds()
		}
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
	case consensus.NextEpoch:
		t.what, t.info = "next epoch", uint64(len(e.Committee))
	case consensus.Upheld:
		t.what, t.ref.Digest = "upheld", types.Hash(e.Verdict.Challenge[4:])
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
	n.turnOver(fx)
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
		n.era.vertex[v.Digest()] = v
	}
}

// dies crashes the node if its doom waits for this point.
func (n *node) dies(point string) bool {
	if n.doom == nil || n.doom.Point != point {
		return false
	}
	n.machine.crash(n.doom)
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
		n.step(consensus.Signed{Digest: digest, Signature: n.w.sign(n.person, digest)})
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
		n.step(consensus.BatchHeld{ID: id, Txs: b.txs, Size: b.size, Time: n.clock(), Admitted: n.admits(b), From: -1})
	}
}

// turnOver does what the end of an epoch asks for: it reads the next committee from the state, and begins the next epoch.
func (n *node) turnOver(fx *consensus.Effects) {
	if fx.AskNextEpoch > 0 {
		life := n.life
		n.w.after(ms(n.rng.IntN(2+4*n.w.m.Pacing.Encode)), func() {
			if n.alive && n.life == life {
				n.step(n.era.answer())
			}
		})
	}
	if k := len(fx.Certified); k > 0 && fx.Certified[k-1].Header.Next != nil {
		n.learn(fx.Certified[k-1])
		power := n.powered()
		n.w.after(0, func() { // when the core has been told all that is here
			if power() {
				n.join(n.era.epoch + 1)
			}
		})
	}
	if len(fx.Persist) > 0 && n.alive {
		n.retireOlder()
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
func (w *world) sign(person int, digest types.Hash) types.Signature {
	if w.m.Signed {
		return types.SignDigest(w.keys[person], digest)
	}
	var s types.Signature
	copy(s[:], digest[:])
	s[63] = byte(person)
	return s
}

// wakeAt schedules the tick the core asked for.
func (n *node) wakeAt(wake types.Time) {
	if wake == 0 {
		return
	}
	n.checkHaste(wake)
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
