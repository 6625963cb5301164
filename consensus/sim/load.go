package sim

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// batch is something to order.
type batch struct {
	id    types.BatchID
	txs   []consensus.TxInfo
	size  uint64
	admit []bool // by member: its pool would admit it
	late  []int  // by member: ms until its pool admits it
	plain bool   // all admit it at once
	after bool   // submitted after healing
	// held and listed are the true times at which honest nodes first held it and could first list it; by member.
	held, listable []types.Time
	blurred        bool // listed anew, or met a crash: its order is not judged
}

func (w *world) newBatch() *batch {
	k := uint64(len(w.batches))
	b := &batch{id: types.BatchIDOf(binary.BigEndian.AppendUint64([]byte("batch"), k)), admit: make([]bool, w.m.n()),
		late: make([]int, w.m.n()), held: make([]types.Time, w.m.n()), listable: make([]types.Time, w.m.n()), plain: true}
	for i := range 1 + w.work.IntN(3) {
		tx := consensus.TxInfo{Hash: sha256.Sum256(binary.BigEndian.AppendUint64(b.id[:], uint64(i))),
			Gas: 21_000 + uint64(w.work.IntN(50_000)), Size: 100 + uint64(w.work.IntN(300))}
		if len(w.batches) > 0 && w.work.IntN(100) < w.m.Load.Repeated {
			tx = w.batches[w.work.IntN(len(w.batches))].txs[0]
		}
		b.txs = append(b.txs, tx)
		b.size += tx.Size
	}
	for i := range b.admit {
		b.admit[i] = true
	}
	w.batches = append(w.batches, b)
	w.byID[b.id] = b
	for _, tx := range b.txs {
		w.truth.submitted[tx.Hash] = true
	}
	return b
}

// submit makes a batch that enters at a random member and is gossiped from there.
func (w *world) submit() {
	b := w.newBatch()
	entry := w.work.IntN(w.m.n())
	w.temper(b, entry)
	private := !w.healed && w.work.IntN(100) < w.m.Load.Private
	b.after = w.healed
	w.gossip(b, entry, private)
}

// temper decides whose pool admits the batch, and when.
func (w *world) temper(b *batch, entry int) {
	if w.healed {
		return
	}
	switch p := w.work.IntN(100); {
	case p < w.m.Load.Junk:
		b.plain = false
		room := w.m.f()
		for i := range b.admit {
			b.admit[i] = false
		}
		for _, i := range w.work.Perm(w.m.n()) {
			if room >= w.m.Stakes[i] {
				room -= w.m.Stakes[i]
				b.admit[i] = true
			}
		}
	case p < w.m.Load.Junk+w.m.Load.Partial:
		b.plain = false
		for i := range b.admit {
			b.admit[i] = i == entry || w.work.IntN(3) > 0
		}
	}
	if w.work.IntN(100) < w.m.Load.Late {
		b.plain = false
		for i := range b.late {
			if w.work.IntN(2) == 0 {
				b.late[i] = w.work.IntN(800)
			}
		}
	}
}

func (w *world) gossip(b *batch, entry int, private bool) {
	var first *node
	for _, n := range w.nodes {
		if int(n.member) == entry && n.alive {
			first = n
			break
		}
	}
	if first == nil {
		return
	}
	first.hold(b, -1)
	for _, n := range w.nodes {
		if n == first || private || first.w.liarHides(first, n) {
			continue
		}
		w.carry(first, n, 0, func() { n.hold(b, -1) })
	}
}

// liarHides: a withholding member keeps its batches to itself.
func (w *world) liarHides(from, to *node) bool {
	return from.is(Withhold) || from.is(Half) && !from.inPart(to)
}

// loadOn submits batches at random times until the given time.
func (w *world) loadOn(until types.Time) {
	if w.now >= until {
		return
	}
	w.submit()
	gap := 1 + w.work.IntN(2*w.m.Load.Gap)
	w.after(ms(gap), func() { w.loadOn(until) })
}
