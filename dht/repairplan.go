package dht

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/types"
)

// This file decides what repair looks at next. It asks nobody and knows no clock: time, chance and rosters are handed in.

const (
	// secondLook is how long the other holders of a row leave it to the nearest of them to copy it, and at most as long
	// again, by chance: then one offers what the first did not, and the rest find it done.
	secondLook = 2 * time.Minute
	// retryCopy is when a server is asked again that did not answer or could not take rows, and at most as long again;
	// each time twice as late, copyTries times. Then it is left to the next change of the roster.
	retryCopy = time.Minute
	copyTries = 5
	// checkEvery is how often somebody looks for a block's live rows while nothing happens: each server does so that much
	// less often, half of it more or less, by chance.
	checkEvery = 6 * time.Minute
	// checkRows is the number of rows that tell how many live.
	checkRows = 32
	// lowShare of live rows in the sample raises an alarm; below repairShare of all a block is rebuilt. The margin is one
	// and a half standard deviations of the sample: of blocks with half of their rows, 98 in 100 are noticed at once.
	lowShare    = 0.72
	repairShare = 0.6
	// lossShare: when no more of the rows than this can be expected to have kept a holder, blocks are checked without delay;
	// and again when lossStep more of the servers are gone.
	lossShare = 0.85
	lossStep  = 0.05
	// alarmDelay is how long after an alarm the same rows are asked for again, and at most as long again, by chance.
	alarmDelay = 10 * time.Second
	// retryRebuild is when a block is looked at again after a rebuild, and at most as long again; twice as late after each
	// that failed, up to 32 times.
	retryRebuild = 10 * time.Minute
	// repairRate is how fast, in bytes of block data a second, one is expected to rebuild a block before the next looks.
	repairRate = 256 << 10
	// maxRank is how many turns a node waits at most for those who are nearer to a block.
	maxRank = 16
	// maxRosters is how many old rosters are remembered; who was checked against an older one asks about everything.
	maxRosters = 16
	// maxChecks is the number of blocks that a round chooses for checks.
	maxChecks = 64
)

type jobKind int

const (
	jobNone    jobKind = iota
	jobCopy            // look whether the nearest have the rows that this node has
	jobCheck           // estimate how many rows live
	jobRebuild         // look again, and rebuild unless somebody does
)

// job is the next thing to do.
type job struct {
	kind       jobKind
	commitment types.Hash
	old        []server // copy: the roster the block was last checked against; nil if forgotten
	now        []server // copy: the roster to reach
	version    int      // copy: of now
	second     bool     // copy: do what others were to do, too
	whole      bool     // copy: the block is here whole
	missing    []uint32 // rebuild: sampled rows that nobody had
}

// heldRows names a block of which this node has rows.
type heldRows struct {
	commitment types.Hash
	height     types.Height
	length     uint64 // bytes of data
}

// patient is what the plan knows of one block.
type patient struct {
	heldRows
	settled int       // version of the roster that copies were checked against; 0: none
	second  bool      // the next look is the second
	tries   int       // looks at copies that left something open
	copyAt  time.Time // no look at copies before
	checkAt time.Time // no estimate before
	alarmAt time.Time // when to look again after an alarm; zero: no alarm
	missing []uint32  // what the alarm is about
	share   float64   // of rows that live, by the last look; negative: not known
	failed  int       // rebuilds in a row that failed
	beyond  bool      // the block cannot be rebuilt, however many rows there are
	round   int       // the last round that named it
}

// repairPlan is the pure half of repair.
type repairPlan struct {
	self    peer.ID
	r       int // copies of a row
	chance  *rand.Rand
	round   int
	version int
	lost    float64 // the share of servers gone when blocks were last checked for it
	rosters map[int][]server
	blocks  map[types.Hash]*patient
	order   []*patient // the newest first
	cursor  int        // all before it was offered as a copy job in this round
	checks  []*patient // chosen in this round
}

func newRepairPlan(self peer.ID, replicas int, chance *rand.Rand) *repairPlan {
	return &repairPlan{self: self, r: replicas, chance: chance, rosters: make(map[int][]server), blocks: make(map[types.Hash]*patient)}
}

// look begins a round: roster are the servers that can be holders, lost the share of those met that are gone, held what
// this node holds. Blocks seen for the first time were just published, which is their publishers' care, except in the first round, after a start.
func (p *repairPlan) look(now time.Time, roster []server, lost float64, held []heldRows) {
	p.round++
	known := p.version
	p.adopt(roster)
	loss := p.grave(lost)
	for _, h := range held {
		b := p.blocks[h.commitment]
		if b == nil {
			b = &patient{heldRows: h, settled: known, share: -1}
			b.checkAt = now.Add(time.Minute + p.spread(time.Duration(len(roster)+1)*time.Minute))
			p.blocks[h.commitment] = b
		}
		b.round = p.round
		if soon := now.Add(p.turn(b)); loss && soon.Before(b.checkAt) {
			b.checkAt = soon
		}
	}
	p.order = p.order[:0]
	for c, b := range p.blocks {
		if b.round != p.round {
			delete(p.blocks, c)
			continue
		}
		p.order = append(p.order, b)
	}
	slices.SortFunc(p.order, func(a, b *patient) int {
		return cmp.Or(cmp.Compare(b.height, a.height), bytes.Compare(a.commitment[:], b.commitment[:]))
	})
	p.cursor = 0
	p.choose(now)
}

// adopt makes a roster the current one.
func (p *repairPlan) adopt(roster []server) {
	if p.version > 0 && sameServers(p.rosters[p.version], roster) {
		return
	}
	p.version++
	p.rosters[p.version] = roster
	delete(p.rosters, p.version-maxRosters)
	for _, b := range p.blocks {
		b.second, b.tries, b.copyAt = false, 0, time.Time{}
	}
}

func sameServers(a, b []server) bool {
	return slices.EqualFunc(a, b, func(x, y server) bool { return x.id == y.id && x.group == y.group })
}

// grave reports whether so many servers left that rows may have lost all holders; once for each such loss.
func (p *repairPlan) grave(lost float64) bool {
	if lost < p.lost {
		p.lost = lost
	}
	if 1-math.Pow(lost, float64(p.r)) > lossShare || lost < p.lost+lossStep {
		return false
	}
	p.lost = lost
	return true
}

func serverSet(table []server) map[peer.ID]bool {
	out := make(map[peer.ID]bool, len(table))
	for _, s := range table {
		out[s.id] = true
	}
	return out
}

// turn is how long this node leaves a block to those who are nearer to it: they all see a loss, one is to rebuild.
func (p *repairPlan) turn(b *patient) time.Duration {
	slot := b.slot()
	return time.Duration(min(p.rank(b.commitment), maxRank))*slot + p.spread(slot/4)
}

// slot is what one rebuild is given before somebody else looks.
func (b *patient) slot() time.Duration {
	return 30*time.Second + time.Duration(b.length)*time.Second/repairRate
}

// rank is the number of servers nearer to a block's own place than this node.
func (p *repairPlan) rank(c types.Hash) int {
	place := sha256.Sum256(append([]byte("bedrock/repair/1"), c[:]...))
	var self [32]byte
	table := p.rosters[p.version]
	at := slices.IndexFunc(table, func(s server) bool { return s.id == p.self })
	if at < 0 {
		return len(table)
	}
	self, rank := xor(table[at].place, place), 0
	for _, s := range table {
		if d := xor(s.place, place); bytes.Compare(d[:], self[:]) < 0 {
			rank++
		}
	}
	return rank
}

// spread is a random time below d.
func (p *repairPlan) spread(d time.Duration) time.Duration {
	return time.Duration(p.chance.Int64N(int64(d) + 1))
}

// nextCopy is the next block whose copies to look at; jobNone if all is settled. If likely is set, only those count where
// something is likely to be missing: first looks after a change of the roster.
func (p *repairPlan) nextCopy(now time.Time, likely bool) job {
	for ; p.cursor < len(p.order); p.cursor++ {
		b := p.order[p.cursor]
		if b.settled == p.version || now.Before(b.copyAt) || likely && (b.second || p.rosters[b.settled] == nil) {
			continue
		}
		p.cursor++
		return job{kind: jobCopy, commitment: b.commitment, old: p.rosters[b.settled], now: p.rosters[p.version], version: p.version, second: b.second}
	}
	return job{}
}

// copied books a look at a block's copies: open if a server could not be asked or take rows, left if rows were left to
// their nearest holder.
func (p *repairPlan) copied(j job, now time.Time, open, left bool) {
	b := p.blocks[j.commitment]
	if b == nil || j.version != p.version {
		return // the roster changed meanwhile: the next look asks about all that changed since the last settled one
	}
	switch {
	case open && b.tries < copyTries:
		b.copyAt = now.Add(retryCopy<<b.tries + p.spread(retryCopy<<b.tries))
		b.tries++
	case left && !b.second:
		b.second, b.copyAt = true, now.Add(secondLook+p.spread(secondLook))
	default:
		b.settled, b.second = p.version, false
	}
}
