package consensus

import (
	"time"

	"github.com/etherscale/bedrock/types"
)

const (
	punctualMask = 0x0f // an author is expected if it was on time in one of the last 4 own rounds
	// burstRounds is how many rounds follow each other as fast as the network carries them; then comes one pause that makes
	// up for all. What a round receipts is committed by the two after it: on average a batch then waits half a pause and
	// two message delays, where even spacing costs it 2.5 times MinRound. Where messages take longer than MinRound, rounds
	// never wait and bursts make no difference.
	burstRounds = 3

	stallRounds = 8 // rounds without a decision after which everybody is waited for
	stallStep   = 3 // rounds after which the wait doubles
	stallMax    = 6 // doublings

	lagDeviations = 4 // mean deviations by which a vertex may be later than it mostly is (RFC 6298)
	spareShare    = 8 // a vertex may leave out authors with about an eighth of the stake

	// idleRate is how many bytes a second a member may send for nothing, and slowestHeartbeat how far that may stretch the
	// heartbeat: below the 3 s without a round after which a driver looks for what it missed.
	idleRate         = 50_000
	slowestHeartbeat = 2500 * time.Millisecond

	maxWaitingReleased = 64 << 20 // bytes released and in no block
	maxUncertified     = 64       // closed blocks without a certificate
	maxUnexecuted      = 64       // certified blocks that the own execution lacks

	// maxSleep bounds Wake: a vertex dated to the end of time must not make a sum of times overflow in the driver.
	maxSleep = time.Hour
)

// ownRound is the round of the newest accepted own vertex; 0: none.
func (c *Core) ownRound() types.Round {
	if c.own == nil {
		return 0
	}
	return c.own.ref.Round
}

// lastRound is the highest round for which an own vertex exists, or may exist.
func (c *Core) lastRound() types.Round { return max(c.ownRound(), c.ownHeard, c.above) }

// nextRound is the round of the next own vertex, if its parents are here. Every round's vertex is made in turn, except
// rounds whose slots two below are all decided here: those may be left out.
func (c *Core) nextRound() (types.Round, bool) {
	if c.ownHeard > c.ownRound() && c.dag.needed(c.ownHeard) {
		return 0, false // an own vertex from before a loss is still on its way
	}
	last := c.lastRound()
	for r := min(c.dag.current+2, c.dag.top()+1); r > last+1; r-- {
		if c.buildable(r - 1) {
			return r, true
		}
	}
	return last + 1, c.buildable(last)
}

// buildable reports whether vertices of the round by a quorum of authors may be named as parents.
func (c *Core) buildable(r types.Round) bool {
	if r == 0 {
		return true
	}
	if !c.dag.hasQuorum(r) {
		return false
	}
	var stake types.Stake
	rs := c.dag.round(r)
	for a := range rs.slots {
		if c.nameable(rs, types.Member(a)) != nil {
			stake += c.cfg.Committee.Stake(types.Member(a))
		}
	}
	return stake >= c.dag.quorum
}

// nameable is the author's vertex of the round that an own vertex may name as a parent. One of a proven equivocator is
// named only where there is no quorum without it: see strongParents.
func (c *Core) nameable(rs *roundSlots, a types.Member) *node {
	candidates := rs.slots[a].candidates
	if a == c.self && c.own != nil && c.own.ref.Round == rs.number {
		return c.own
	}
	if len(candidates) == 0 || !candidates[0].checked {
		return nil
	}
	return candidates[0]
}

// burstOf is the burst that a round belongs to.
func burstOf(round types.Round) types.Round { return (round + burstRounds - 1) / burstRounds }

// opensBurst reports whether the round is the first of its burst: the one that the pause comes before.
func opensBurst(round types.Round) bool { return round%burstRounds == 1 }

// dueAt is the local time from which the vertex of the round may be made.
func (c *Core) dueAt(round types.Round) types.Time {
	if c.dag.hasQuorum(round) {
		return 0 // we are late
	}
	var due types.Time
	if c.madeAt > 0 {
		// All open a burst together, as soon as an honest member's pause is over: whoever opens alone waits for the others.
		moved := c.othersMoved(round)
		if due = c.madeAt; opensBurst(round) && !moved {
			due = c.burstAt.Add(burstRounds * c.pacing.MinRound)
		}
		if !c.busy() && !moved {
			due = c.madeAt.Add(c.heartbeat())
		}
	}
	if wait, waiting := c.wait(round - 1); waiting {
		due = max(due, c.dag.round(round-1).quorumAt.Add(wait))
	}
	return due
}

// nextBurst is when the burst after the one that the newest own vertex belongs to may begin; 0: at no certain time.
func (c *Core) nextBurst() types.Time {
	if !c.member || c.convicted || c.burstAt == 0 || !c.busy() {
		return 0
	}
	return c.burstAt.Add(burstRounds * c.pacing.MinRound)
}

// busy reports whether there is something to order: a batch held that is not in a certified block, or a verdict. More than two
// blocks without a certificate, as the heartbeats after an outage, count too: their signatures travel in vertices. When the
// epoch has ended only its last header counts.
func (c *Core) busy() bool {
	if c.ended() {
		return c.certs.done < c.epoch.last
	}
	return len(c.pending) > 0 || c.active > 0 || len(c.fair.live) > 0 || len(c.fair.ready) > 0 ||
		c.hastens() || len(c.blocks.queue) > 0 || c.certs.content > 0 || c.certs.closed > c.certs.done+2
}

// heartbeat is the time between own vertices when there is nothing to order: longer in large committees, where each vertex
// names many parents and goes to many members.
func (c *Core) heartbeat() time.Duration {
	bytes := time.Duration(c.n) * time.Duration(vertexBytes+digestBytes*c.n)
	return max(c.pacing.HeartbeatRound, min(bytes*time.Second/idleRate, slowestHeartbeat))
}

// othersMoved reports whether an honest member has made its vertex of the round already.
func (c *Core) othersMoved(round types.Round) bool {
	var stake types.Stake
	for a, n := range c.dag.newest {
		if n != nil && n.ref.Round >= round {
			stake += c.cfg.Committee.Stake(types.Member(a))
		}
	}
	return stake > c.dag.f
}

// congested reports whether the own receipts have to wait for blocks, certificates or execution.
func (c *Core) congested() bool {
	return c.blocks.bytes > maxWaitingReleased || c.certs.closed-c.certs.done >= maxUncertified ||
		c.certs.done >= c.executed+maxUnexecuted
}

// wake is when time alone makes the next difference.
func (c *Core) wake() types.Time {
	var next types.Time
	consider := func(t types.Time) {
		if t = max(t, c.now+1); next == 0 || t < next {
			next = t
		}
	}
	if c.member && !c.convicted && c.draft == nil && !c.farBehind() {
		if round, ok := c.nextRound(); ok {
			consider(c.dueAt(round))
		} else if c.own != nil {
			consider(c.resendAt)
		}
	}
	if len(c.wants.list) > 0 {
		consider(max(c.wants.due, c.wants.rest))
	}
	for _, s := range c.delayed {
		if early := c.pacing.MaxDrift; s.v.Time() > c.now.Add(early) {
			consider(s.v.Time().Add(-early))
		} else {
			consider(c.now.Add(c.pacing.FetchDelay))
		}
	}
	if next == 0 {
		return 0
	}
	return min(next, c.now.Add(maxSleep))
}
