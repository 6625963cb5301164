package sim

import "github.com/etherscale/bedrock/types"

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
	from := n.era.nodes[(n.index+1+n.chase.asked)%len(n.era.nodes)]
	n.chase.asked++
	life := n.life
	n.w.after(ms(chasePause), func() {
		if n.life == life {
			n.chase.running = false
		}
	})
	if from.member != n.member {
		n.w.carry(n.machine, from.machine, 0, func() { from.serveLog(n) })
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
	n.w.carry(n.machine, to.machine, 0, func() {
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
			n.w.carry(to.machine, n.machine, 0, func() { n.serveLog(to) })
		}
	})
}
