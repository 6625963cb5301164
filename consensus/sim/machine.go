package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// machine is one computer of a member: its clock, its power, and a node for every epoch it took part in. Twins are two
// machines of one member.
type machine struct {
	w      *world
	index  int
	person int // place in the manifest's list of members
	honest bool
	liar   *Liar
	rng    *rand.Rand
	part   uint64 // which members a twin talks to

	up     bool
	life   int           // what was scheduled before the power went is dropped
	offset time.Duration // of the clock
	stand  types.Time    // a frozen clock's time
	doom   *Crash        // the crash that waits for its point
	lost   bool          // the disk was lost, and no epoch has been joined since

	nodes map[types.Epoch]*node   // those of epochs it has, or had, a seat in
	chain []types.CertifiedHeader // last headers of the epochs it knows to have ended, from epoch 0 on
	over  types.Epoch             // nodes of epochs below are stopped for good
	asked int                     // machines asked for headers so far
}

func (w *world) addMachine(person int, l *Liar) {
	m := &machine{w: w, index: len(w.machines), person: person, liar: l, honest: l == nil, nodes: map[types.Epoch]*node{}}
	m.rng = stream(w.m.Seed, fmt.Sprintf("node %d", m.index))
	m.part = m.rng.Uint64()
	if len(w.machines) > 0 && w.machines[len(w.machines)-1].person == person {
		m.part = ^w.machines[len(w.machines)-1].part
	}
	w.machines = append(w.machines, m)
}

func (m *machine) is(kind string) bool { return m.liar != nil && m.liar.Kind == kind }

// inPart reports whether a liar that talks to a part of the members talks to this one.
func (m *machine) inPart(to *machine) bool {
	switch {
	case m.is(Twins):
		return m.part>>(to.person%64)&1 == 1
	case m.is(Half):
		return m.w.newest().amongF(m.part, to.person)
	}
	return true
}

func (m *machine) clock() types.Time {
	if m.is(Frozen) {
		return m.stand
	}
	return m.w.now.Add(m.offset)
}

func (m *machine) setClock(by int) {
	m.offset = ms(by)
	m.w.blurIfFar(by)
	for _, n := range m.running() {
		n.step(consensus.Tick{})
	}
}

// running lists the nodes that run, oldest epoch first.
func (m *machine) running() (out []*node) {
	for e := m.over; e <= types.Epoch(len(m.chain)); e++ {
		if n := m.nodes[e]; n != nil && n.alive {
			out = append(out, n)
		}
	}
	return out
}

// current is the running node of the newest epoch, or nil.
func (m *machine) current() *node {
	if all := m.running(); len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// start gives the machine power: every epoch that is not over goes on from its disk.
func (m *machine) start() {
	if m.up || m.is(Silent) || m.w.failure != nil {
		return
	}
	m.up, m.doom = true, nil
	m.life++
	if m.stand == 0 {
		m.stand = m.w.now
	}
	for e := m.over; e <= types.Epoch(len(m.chain)) && m.up; e++ {
		m.join(e)
	}
	m.pollSoon()
	if m.w.m.Load.Challenges > 0 {
		m.offerSoon()
	}
}

// crash takes the power away.
func (m *machine) crash(c *Crash) {
	if !m.up {
		return
	}
	m.w.trace.add(traced{m.w.now, m.index, "crash " + c.Point, types.VertexRef{}, uint64(c.Keep)})
	m.powerOff()
	m.w.blur()
	for _, n := range m.nodes { // in any order: they do not see one another
		n.crash(c.Keep)
	}
	if c.Lost {
		m.lost = true
		for _, n := range m.nodes {
			n.era.nodes = slices.DeleteFunc(n.era.nodes, func(x *node) bool { return x == n })
		}
		clear(m.nodes)
	}
	m.w.after(ms(c.Down), m.comeBack)
}

func (m *machine) powerOff() {
	m.up, m.doom = false, nil
	for _, n := range m.nodes {
		n.alive = false
	}
}

// comeBack gives the power back, but to those that stay down.
func (m *machine) comeBack() {
	if !m.up && !(m.w.healed && m.dead()) {
		m.start()
	}
}

func (m *machine) dead() bool {
	for _, d := range m.w.m.Dead {
		if d == m.person {
			return true
		}
	}
	return false
}

// hold hands a body that came by gossip to the newest epoch's node.
func (m *machine) hold(b *batch) {
	if n := m.current(); n != nil {
		n.hold(b, -1)
	}
}
