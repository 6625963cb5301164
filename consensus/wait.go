package consensus

import (
	"time"

	"github.com/etherscale/bedrock/types"
)

// wait is how long after the quorum of a round the vertices of expected authors are waited for; false if all are here, or
// enough of them.
func (c *Core) wait(r types.Round) (time.Duration, bool) {
	rs := c.dag.round(r)
	if rs == nil {
		return 0, false
	}
	behind := r + 1 - c.dag.current // rounds since the last decided one
	stalled := r+1 >= c.dag.current && behind >= stallRounds
	var missing types.Stake
	var allowance types.Time
	for a := range c.authors {
		s := &c.authors[a]
		expected := stalled || s.punctual&punctualMask != 0
		if own := c.member && a == int(c.self); own || !expected || c.proven[a] || len(rs.slots[a].candidates) > 0 {
			continue
		}
		if newest := c.dag.newest[a]; newest != nil && newest.ref.Round > r {
			continue // it left this round out: its later vertices name all that it made
		}
		missing += c.cfg.Committee.Stake(types.Member(a))
		allowance = max(allowance, s.lag+lagDeviations*s.lagOff)
	}
	wait := min(max(time.Duration(allowance)*time.Microsecond, c.pacing.Wait), max(c.pacing.MaxWait, c.pacing.Wait))
	if stalled {
		wait <<= min((behind-stallRounds)/stallStep, stallMax)
	}
	return wait, missing > 0 && (stalled || !c.enough(rs, missing))
}

// enough reports whether a vertex that names what is here of a round helps to decide the slots about as well as one that
// waits for the missing stake. Some authors may be left out: if every vertex leaves out less than a sixth of the stake, and
// every author is left out by less than that, any two vertices have a quorum of voters in common; an eighth, less one
// member, leaves room for chance (small committees wait for all). And each slot of the round below is certified by what is
// here, or would not be with the missing vertices either.
func (c *Core) enough(rs *roundSlots, missing types.Stake) bool {
	if total := c.cfg.Committee.Total(); rs.stake+total/spareShare < total+c.largest {
		return false
	}
	below := c.dag.round(rs.number - 1)
	if below == nil {
		return true
	}
	for a := range below.slots {
		votes := rs.stake - min(below.slots[a].blameStake, rs.stake)
		if votes < c.dag.quorum && votes+missing >= c.dag.quorum {
			return false
		}
	}
	return true
}

// noteLag measures how long after its round's quorum an author's vertex comes, and how much that varies, as TCP does with
// round trips (RFC 6298).
func (c *Core) noteLag(n *node) {
	rs := c.dag.round(n.ref.Round)
	if n.ref.Round+2 < c.dag.top() || len(rs.slots[n.ref.Author].candidates) > 1 {
		return
	}
	var lag types.Time
	if rs.quorum && c.now > rs.quorumAt {
		lag = min(c.now-rs.quorumAt, types.Time(c.pacing.MaxWait.Microseconds()))
	}
	a := &c.authors[n.ref.Author]
	off := max(a.lag, lag) - min(a.lag, lag)
	a.lagOff = (3*a.lagOff + off) / 4
	a.lag = (7*a.lag + lag) / 8
}

// notePunctual records who was on time for the own vertex that names round r.
func (c *Core) notePunctual(r types.Round) {
	rs := c.dag.round(r)
	if rs == nil {
		return
	}
	for a := range c.authors {
		s := &c.authors[a]
		s.punctual <<= 1
		if len(rs.slots[a].candidates) > 0 {
			s.punctual |= 1
		}
	}
}
