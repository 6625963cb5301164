package sim

import (
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// heal ends the faults and demands service: everybody not counted as faulty is up, and certifies what is new and what was
// left. It returns after how many milliseconds that was so.
func (w *world) heal() int {
	w.healed = true
	for _, m := range w.machines {
		m.doom = nil
		switch {
		case m.dead():
			m.powerOff()
		case !m.up:
			m.comeBack()
		}
	}
	start := w.now
	w.noteProven()
	w.after(ms(100), w.fresh)
	for w.now < start.Add(ms(w.m.Heal)) && w.failure == nil && !w.beyond {
		w.run(w.now.Add(ms(healStep)))
		if w.served() {
			return int(w.now-start) / 1000
		}
		w.submitAgain()
		w.countRounds()
	}
	if w.failure == nil && !w.beyond {
		w.fail(nil, "L1", "no full service %d ms after healing: %s", w.m.Heal, w.whatIsMissing())
	}
	return int(w.now-start) / 1000
}

// noteProven notes who is known to equivocate in the newest epoch.
func (w *world) noteProven() {
	e := w.newest()
	for _, n := range e.nodes {
		if n.alive && n.isCore() {
			for _, m := range n.core.Status().Equivocators {
				e.proven[m] = true
			}
		}
	}
}

// fresh submits the batches that have to be served.
func (w *world) fresh() {
	for i := range freshBatches {
		w.after(ms(20*i), func() {
			b := w.newBatch()
			b.after = true
			w.enter(b, i)
		})
	}
	if w.m.Load.Challenges > 0 {
		for range freshChallenges {
			w.challenge(w.work, false)
		}
	}
}

// enter lets a batch in at one of the core's members of the newest epoch.
func (w *world) enter(b *batch, turn int) {
	var entries []*machine
	for _, m := range w.core() {
		if n := m.current(); n != nil && n.era == w.newest() {
			entries = append(entries, m)
		}
	}
	if len(entries) > 0 {
		w.gossip(b, entries[turn%len(entries)].person, false)
	}
}

// submitAgain does what clients do whose batch was held only by members that have left.
func (w *world) submitAgain() {
	for i, b := range w.batches {
		if _, all := w.heightOf(b); b.after && !all && !w.heldAnywhere(b) {
			w.enter(b, i)
		}
	}
}

func (w *world) heldAnywhere(b *batch) bool {
	for _, m := range w.core() {
		for _, n := range m.running() {
			if n.era.epoch+1 >= w.newest().epoch && n.memory[b.id] {
				return true
			}
		}
	}
	return false
}

// core lists the machines of which service is demanded.
func (w *world) core() (out []*machine) {
	for _, m := range w.machines {
		if m.isCore() {
			out = append(out, m)
		}
	}
	return out
}

func (m *machine) isCore() bool { return m.honest && !m.w.m.faulty()[m.person] }

// served reports whether all new batches, and all that honest nodes hold and admit, are in blocks, and these are certified
// at all machines of the core that have a seat where the last of them is.
func (w *world) served() bool {
	after := 0
	var last types.Height
	for _, b := range w.batches {
		if b.after {
			after++
			if height, all := w.heightOf(b); all {
				last = max(last, height)
			} else {
				return false
			}
		}
	}
	if after < freshBatches || w.owed() != nil || w.unlisted() != nil {
		return false
	}
	e := w.eraOf(last)
	for _, m := range w.core() {
		if _, seated := e.seats[m.person]; seated && m.certified() < last {
			return false
		}
	}
	return true
}

// heightOf is the height of the last block with a transaction of the batch, if all are in blocks.
func (w *world) heightOf(b *batch) (last types.Height, all bool) {
	for _, tx := range b.txs {
		height, in := w.included[tx.Hash]
		if !in {
			return 0, false
		}
		last = max(last, height)
	}
	return last, true
}

// owed is a batch that a member of the core holds and admits, and that is in no block; nil: there is none.
func (w *world) owed() *batch {
	for _, m := range w.core() {
		n := m.current()
		if n == nil {
			continue
		}
		for _, b := range n.admitted {
			if _, all := w.heightOf(b); b.plain && !all {
				return b
			}
		}
	}
	return nil
}

// eraOf is the epoch of a height.
func (w *world) eraOf(h types.Height) *era {
	at := w.eras[0]
	for _, e := range w.eras {
		if e.parent.Height < h {
			at = e
		}
	}
	return at
}

// certified is the highest height that the machine knows to be certified.
func (m *machine) certified() types.Height {
	var h types.Height
	if k := len(m.chain); k > 0 {
		h = m.chain[k-1].Header.Height
	}
	for _, n := range m.running() {
		h = max(h, n.era.parent.Height+types.Height(n.view.certified))
	}
	return h
}

func (w *world) whatIsMissing() string {
	missing := 0
	for _, b := range w.batches {
		if _, all := w.heightOf(b); b.after && !all {
			missing++
		}
	}
	text := fmt.Sprintf("%d new batches are in no block", missing)
	if b := w.owed(); b != nil {
		text += fmt.Sprintf("; %s is held, admitted and in no block", b.id)
	}
	if c := w.unlisted(); c != nil {
		text += fmt.Sprintf("; challenge %s is upheld by all and not listed", c.verdict.Challenge)
	}
	for _, m := range w.core() {
		if len(m.running()) == 0 {
			text += fmt.Sprintf("; node %d runs nothing (up %t, epochs known %d)", m.index, m.up, len(m.chain)+1)
		}
		for _, n := range m.running() {
			s := n.core.Status()
			text += fmt.Sprintf("; node %d: epoch %d, round %d, decided %d, heard %d, sequenced %d, released %d, height %d, certified %d of %d, missing %d", n.index,
				n.era.epoch, s.Round, s.DecidedRound, s.HeardRound, s.Sequenced, n.view.released, s.Height, s.CertifiedHeight, s.Last, s.Missing)
		}
	}
	return text
}
