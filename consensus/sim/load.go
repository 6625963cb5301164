package sim

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// batch is something to order.
type batch struct {
	id       types.BatchID
	txs      []consensus.TxInfo
	size     uint64
	admit    []bool // by person: its pool would admit it
	late     []int  // by person: ms until its pool admits it
	plain    bool   // all admit it at once
	after    bool   // submitted after healing
	released bool
	// held and listed are the true times at which honest nodes first held it and could first list it; by person.
	held, listable []types.Time
	fresh          []bool // by transaction: it was in no other batch before
	blurred        bool   // listed anew, or met a crash: its order is not judged
}

func (w *world) newBatch() *batch {
	k := uint64(len(w.batches))
	b := &batch{id: types.BatchIDOf(binary.BigEndian.AppendUint64([]byte("batch"), k)), admit: make([]bool, w.m.n()),
		late: make([]int, w.m.n()), held: make([]types.Time, w.m.n()), listable: make([]types.Time, w.m.n()), plain: true}
	for i := range 1 + w.work.IntN(3) {
		tx := consensus.TxInfo{Hash: sha256.Sum256(binary.BigEndian.AppendUint64(b.id[:], uint64(i))),
			Gas: 21_000 + uint64(w.work.IntN(50_000)), Size: 100 + uint64(w.work.IntN(300))}
		if len(w.batches) > 0 && !w.healed && w.work.IntN(100) < w.m.Load.Repeated {
			old := w.batches[w.work.IntN(len(w.batches))]
			old.fresh[0] = false
			tx = old.txs[0]
		}
		b.txs = append(b.txs, tx)
		b.fresh = append(b.fresh, !w.submitted[tx.Hash])
		b.size += tx.Size
	}
	for i := range b.admit {
		b.admit[i] = true
	}
	w.register(b)
	return b
}

func (w *world) register(b *batch) {
	w.batches = append(w.batches, b)
	w.byID[b.id] = b
	for _, tx := range b.txs {
		w.submitted[tx.Hash] = true
	}
}

// rebatch makes a batch of some transactions of another, as a pool does with what a past epoch has left of it.
func (w *world) rebatch(of *batch, left []int) *batch {
	text := append([]byte("left"), of.id[:]...)
	for _, i := range left {
		text = append(text, byte(i))
	}
	id := types.BatchIDOf(text)
	if known := w.byID[id]; known != nil {
		return known
	}
	b := &batch{id: id, admit: of.admit, late: make([]int, w.m.n()), held: make([]types.Time, w.m.n()),
		listable: make([]types.Time, w.m.n()), after: of.after, released: true, blurred: true}
	for _, i := range left {
		b.txs = append(b.txs, of.txs[i])
		b.fresh = append(b.fresh, of.fresh[i])
		b.size += of.txs[i].Size
	}
	w.register(b)
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

// gossip lets the batch enter at a person's machine and brings it to all others.
func (w *world) gossip(b *batch, entry int, private bool) {
	var first *machine
	for _, m := range w.machines {
		if m.person == entry && m.current() != nil {
			first = m
			break
		}
	}
	if first == nil {
		return
	}
	first.hold(b)
	for _, m := range w.machines {
		if m == first || private || first.hides(m) {
			continue
		}
		w.carry(first, m, 0, func() { m.hold(b) })
	}
}

// hides: a withholding member keeps its batches to itself.
func (m *machine) hides(to *machine) bool { return m.is(Withhold) || m.is(Half) && !m.inPart(to) }

// loadOn submits batches at random times until the given time.
func (w *world) loadOn(until types.Time) {
	if w.now >= until {
		return
	}
	w.submit()
	gap := 1 + w.work.IntN(2*w.m.Load.Gap)
	w.after(ms(gap), func() { w.loadOn(until) })
}
