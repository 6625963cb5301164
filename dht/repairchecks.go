package dht

import (
	"time"

	"github.com/etherscale/bedrock/types"
)

// This file is the part of the plan that looks after live rows: which blocks to check, when to answer an alarm, when to try
// again.

// choose picks the checks of this round: half of the room for the newest that are due, the rest for any.
func (p *repairPlan) choose(now time.Time) {
	p.checks = p.checks[:0]
	seen := 0
	for _, b := range p.order {
		if b.beyond || !b.alarmAt.IsZero() || now.Before(b.checkAt) {
			continue
		}
		if len(p.checks) < maxChecks {
			p.checks = append(p.checks, b)
			continue
		}
		seen++
		if i := p.chance.IntN(seen + maxChecks/2); i < maxChecks/2 {
			p.checks[maxChecks/2+i] = b
		}
	}
}

// nextCheck is the next block whose live rows to count: alarms first.
func (p *repairPlan) nextCheck(now time.Time) job {
	for _, b := range p.order {
		if !b.alarmAt.IsZero() && !now.Before(b.alarmAt) {
			return job{kind: jobRebuild, commitment: b.commitment, missing: b.missing}
		}
	}
	if len(p.checks) == 0 {
		return job{}
	}
	b := p.checks[0]
	p.checks = p.checks[1:]
	return job{kind: jobCheck, commitment: b.commitment}
}

// checked books an estimate: the share of live rows, and the sampled ones that nobody had.
func (p *repairPlan) checked(c types.Hash, now time.Time, share float64, missing []uint32) {
	b := p.blocks[c]
	if b == nil {
		return
	}
	b.share = share
	every := checkEvery * time.Duration(len(p.rosters[p.version])+1)
	b.checkAt = now.Add(every/2 + p.spread(every))
	if share < lowShare {
		b.alarmAt, b.missing = now.Add(alarmDelay+p.spread(alarmDelay)), missing
	}
}

// postponed books that rows of an alarm have come to life: somebody is at work. What is still missing is looked at later.
func (p *repairPlan) postponed(c types.Hash, now time.Time, missing []uint32) {
	b := p.blocks[c]
	if b == nil {
		return
	}
	if share := 1 - float64(len(missing))/checkRows; share >= lowShare {
		b.share = share
		b.alarmAt, b.missing = time.Time{}, nil
		return
	}
	b.alarmAt, b.missing = now.Add(b.slot()+p.spread(alarmDelay)), missing
}

// rebuilt books the end of a repair: the share of live rows after it, whether it failed, and whether it always will.
func (p *repairPlan) rebuilt(c types.Hash, now time.Time, share float64, failed, beyond bool) {
	b := p.blocks[c]
	if b == nil {
		return
	}
	b.alarmAt, b.missing, b.beyond = time.Time{}, nil, beyond
	if share >= 0 {
		b.share = share
	}
	b.failed++
	if !failed {
		b.failed = 0
	}
	wait := retryRebuild << min(b.failed, 5)
	b.checkAt = now.Add(wait + p.spread(wait))
}

// survey tells how the known blocks are.
func (p *repairPlan) survey(s *RepairStats) {
	for _, b := range p.order {
		if b.beyond {
			s.Beyond++
		}
		if !b.alarmAt.IsZero() {
			s.Pending++
		}
		if b.share < 0 {
			continue
		}
		live := Live{Height: b.height, Share: b.share}
		if s.Known == 0 {
			s.Newest, s.Lowest = live, live
		}
		if s.Known++; live.Share < s.Lowest.Share {
			s.Lowest = live
		}
	}
}
