package sim

import (
	"slices"

	"github.com/etherscale/bedrock/types"
)

// pollPause is how often a machine asks another for headers, in milliseconds.
const pollPause = 400

// pollSoon asks one machine after the other for the last headers of epochs, as long as the power is on. Who was down
// while an epoch ended, who has no seat, and who is to join learn of the next one so.
func (m *machine) pollSoon() {
	power := m.powered()
	m.w.after(ms(pollPause), func() {
		if !power() || m.w.failure != nil {
			return
		}
		m.poll()
		m.pollSoon()
	})
}

// powered tells whether the power has been on since.
func (m *machine) powered() func() bool {
	since := m.life
	return func() bool { return m.up && m.life == since }
}

func (m *machine) poll() {
	m.asked++
	from := m.w.machines[(m.index+m.asked)%len(m.w.machines)]
	m.w.carry(m, from, 0, func() {
		if len(from.chain) <= len(m.chain) && from.over <= m.over || from.is(Withhold) {
			return
		}
		chain, over := slices.Clone(from.chain), from.over
		m.w.carry(from, m, 0, func() { m.follow(chain, over) })
	})
}

// follow takes headers from another machine as a light client does: each must be certified by the committee that the one
// before it names. over is the epoch below which the other has stopped its nodes.
func (m *machine) follow(chain []types.CertifiedHeader, over types.Epoch) {
	for e := len(m.chain); e < len(chain) && m.up; e++ {
		if why := m.w.notCertified(types.Epoch(e), &chain[e]); why != "" {
			m.w.failMachine(m, "S12", "the last header of epoch %d is not certified: %s", e, why)
			return
		}
		m.learn(chain[e])
	}
	m.join(types.Epoch(len(m.chain)))
	for e := m.over; e < over && m.up && int(e) < len(m.chain); e++ {
		if _, seated := m.w.eras[e+1].seats[m.person]; !seated {
			m.retire(e)
		}
	}
}

// notCertified says what is wrong with the last header of an epoch, knowing only the committee named before.
func (w *world) notCertified(epoch types.Epoch, c *types.CertifiedHeader) string {
	committee := w.eras[epoch].committee
	switch {
	case c.Header.Epoch != epoch || c.Header.Next == nil:
		return "it ends another epoch, or none"
	case uint64(c.Header.Height)%w.rules.EpochLength != 0:
		return "its height is not an epoch's last"
	case committee.StakeOf(c.Certificate.Signers) < committee.Quorum():
		return "its signers are no quorum"
	case w.m.Signed && c.Verify(w.network, committee) != nil:
		return c.Verify(w.network, committee).Error()
	}
	return ""
}

// learn takes the last header of the newest epoch known; the next one is to be joined.
func (m *machine) learn(end types.CertifiedHeader) {
	w, epoch := m.w, end.Header.Epoch
	if int(epoch) != len(m.chain) || !m.up {
		return
	}
	if int(epoch)+1 == len(w.eras) {
		if err := w.newEra(epoch+1, end.Header.Next.Committee, types.EpochSeed(end.Header.Encode()), end.Header); err != nil {
			w.failMachine(m, "S12", "the committee of epoch %d is none: %v", epoch+1, err)
			return
		}
		w.beyond = w.beyond || !w.newest().tolerated()
	}
	if known := w.eras[epoch+1].parent; known.Digest() != end.Header.Digest() {
		w.failMachine(m, "S1", "epoch %d ends with another header", epoch)
		return
	}
	w.trace.add(traced{w.now, m.index, "epoch", types.VertexRef{}, uint64(epoch + 1)})
	m.chain = append(m.chain, end)
}

// join starts, or starts again, the node of an epoch, if the machine has a seat in it. It gets what the one before has not
// ordered and the pool still admits.
func (m *machine) join(epoch types.Epoch) {
	e := m.w.eras[epoch]
	seat, seated := e.seats[m.person]
	if !m.up || !seated || int(epoch) < len(m.chain) && m.nodes[epoch] == nil {
		return // an epoch that has ended is not begun any more
	}
	n := m.nodes[epoch]
	if n != nil && n.alive {
		return
	}
	if n == nil {
		n = &node{machine: m, era: e, member: seat}
		m.nodes[epoch] = n
		e.nodes = append(e.nodes, n)
		if m.lost {
			n.lost = &recovery{}
		}
	}
	n.begin()
	m.handOver(epoch)
}

// handOver takes the unordered batches of the epoch before over.
func (m *machine) handOver(epoch types.Epoch) {
	if epoch == 0 || m.nodes[epoch-1] == nil || m.nodes[epoch-1].core == nil {
		return
	}
	next, last := m.nodes[epoch], m.nodes[epoch-1]
	unordered := last.core.Unordered()
	last.checkKept(unordered)
	for _, id := range unordered {
		b := m.w.byID[id]
		b.blurred = true
		if left := m.w.leftOf(b); left != nil && !next.memory[left.id] {
			next.hold(left, -1)
		}
	}
}

// checkKept: of what the node's pool admitted no transaction is lost: it is in a block, or left for the next epoch.
func (n *node) checkKept(unordered []types.BatchID) {
	if !n.honest {
		return
	}
	left := map[types.Hash]bool{}
	for _, id := range unordered {
		for _, tx := range n.w.byID[id].txs {
			left[tx.Hash] = true
		}
	}
	for _, b := range n.admitted {
		for _, tx := range b.txs {
			if _, in := n.w.included[tx.Hash]; !in && !left[tx.Hash] {
				n.w.fail(n, "S12", "%s was admitted, and one of its transactions is in no block and not left for the next epoch", b.id)
			}
		}
	}
}

// leftOf is the batch as pools would make it anew when its epoch is over: without the transactions that are in blocks.
// Nil: all are.
func (w *world) leftOf(b *batch) *batch {
	var left []int
	for i := range b.txs {
		if _, in := w.included[b.txs[i].Hash]; !in {
			left = append(left, i)
		}
	}
	switch len(left) {
	case 0:
		return nil
	case len(b.txs):
		return b
	}
	return w.rebatch(b, left)
}

// retire stops the node of an epoch for good.
func (m *machine) retire(epoch types.Epoch) {
	m.over = max(m.over, epoch+1)
	if n := m.nodes[epoch]; n != nil && n.alive {
		n.checkBounds()
		n.disk.sync()
		n.alive = false
	}
}

// retireOlder stops the nodes of earlier epochs when vertices of a quorum of this one are here.
func (n *node) retireOlder() {
	if n.era.epoch == 0 || n.machine.over >= n.era.epoch {
		return
	}
	var stake types.Stake
	for i, r := range n.core.Status().Newest {
		if r > 0 {
			stake += n.era.committee.Stake(types.Member(i))
		}
	}
	if stake < n.era.committee.Quorum() {
		return
	}
	for e := n.machine.over; e < n.era.epoch; e++ {
		n.machine.retire(e)
	}
}
