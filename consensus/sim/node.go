package sim

import (
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// node is a machine's part in one epoch: a core with what its driver keeps.
type node struct {
	*machine
	era    *era
	member types.Member

	core   *consensus.Core
	alive  bool
	life   int // what was scheduled in an earlier life is dropped
	inbox  []consensus.Event
	busy   bool
	wake   types.Time
	events uint64
	haste  int // wishes to be woken at once, in a row

	disk     *disk
	memory   map[types.BatchID]bool // bodies in memory
	admitted []*batch               // of those, what the own pool admits

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

// begin gives the node a new life from its disk, or, if the log is lost, asks for the others' places first.
func (n *node) begin() {
	if n.lost != nil {
		if n.lost.since != n.machine.life { // else it is asking already
			n.lost.since = n.machine.life
			n.recover()
		}
		return
	}
	n.start()
}

func (n *node) start() {
	if n.alive || !n.up || n.w.failure != nil {
		return
	}
	if n.disk == nil {
		n.disk = newDisk()
	}
	if n.fetched.wanted == nil {
		n.fetched.wanted = map[[36]byte]bool{}
	}
	self := int(n.member)
	if n.is(Forger) {
		self = -1
	}
	core, err := consensus.New(n.era.config(self))
	if err != nil {
		n.w.fail(n, "S9", "a core cannot be made: %v", err)
		return
	}
	n.core, n.alive, n.wake, n.busy, n.inbox = core, true, 0, false, nil
	n.life++
	n.view = view{}
	n.memory, n.admitted = map[types.BatchID]bool{}, nil
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
func (n *node) crash(keep int) {
	n.alive, n.core = false, nil
	if n.disk != nil {
		n.disk = n.disk.crash(keep)
	}
}

// hold hands a body to the core. from is the author whose vertex brought it, or -1.
func (n *node) hold(b *batch, from int) {
	if !n.alive {
		return
	}
	n.memory[b.id] = true
	now := n.clock()
	admits := n.admits(b)
	admitted := admits && b.late[n.person] == 0
	n.noteHeld(b, admitted)
	if admitted {
		n.admitted = append(n.admitted, b)
	}
	n.step(consensus.BatchHeld{ID: b.id, Txs: b.txs, Size: b.size, Time: now, Admitted: admitted, From: from})
	if late := b.late[n.person]; late > 0 && admits {
		life := n.life
		n.w.after(ms(late), func() {
			if n.alive && n.life == life {
				n.step(consensus.BatchHeld{ID: b.id, Txs: b.txs, Size: b.size, Time: n.clock(), Admitted: true, From: -1})
			}
		})
	}
}

// admits reports whether the machine's pool admits the batch: not one with transactions in blocks of epochs before, nor one
// that is wholly in certified blocks of this one.
func (n *node) admits(b *batch) bool {
	if !b.admit[n.person] || n.is(Refuse) {
		return false
	}
	left := false
	for _, tx := range b.txs {
		height, in := n.w.included[tx.Hash]
		if in && height <= n.era.parent.Height {
			return false
		}
		left = left || !in || height > n.era.parent.Height+types.Height(n.view.certified)
	}
	return left
}

func (n *node) noteHeld(b *batch, listable bool) {
	if !n.honest {
		return
	}
	if b.held[n.person] == 0 {
		b.held[n.person] = n.w.now
	}
	if listable && b.listable[n.person] == 0 {
		b.listable[n.person] = n.w.now
	}
}
