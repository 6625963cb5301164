package dht

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	kb "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/types"
)

// rosterOf are servers with the given names.
func rosterOf(names ...string) []server {
	var out []server
	for _, name := range names {
		out = append(out, server{id: peer.ID(name), place: [32]byte(kb.ConvertPeerID(peer.ID(name)))})
	}
	return out
}

func numbered(n int) []server {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint("server", i))
	}
	return rosterOf(names...)
}

func planOf(self peer.ID, seed uint64) *repairPlan {
	return newRepairPlan(self, 3, rand.New(rand.NewPCG(seed, 1)))
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// drain takes all copy jobs that are due and books each as done.
func drain(p *repairPlan, now time.Time) []types.Height {
	var out []types.Height
	for j := p.nextCopy(now, false); j.kind == jobCopy; j = p.nextCopy(now, false) {
		out = append(out, p.blocks[j.commitment].height)
		p.copied(j, now, false, false)
	}
	return out
}

func blocksUpTo(n int) []heldRows {
	var out []heldRows
	for i := range n {
		out = append(out, heldRows{commitment: types.Hash{byte(i), 1}, height: types.Height(i), length: 1 << 20})
	}
	return out
}

// Copies are looked at once for each change of the roster, the newest block first; a block that was just published, not
// at all.
func TestPlanOfCopies(t *testing.T) {
	p, now := planOf("server0", 1), epoch
	p.look(now, numbered(5), 0, blocksUpTo(4))
	if got := drain(p, now); !slices.Equal(got, []types.Height{3, 2, 1, 0}) {
		t.Fatalf("after a start: %v", got)
	}
	p.look(now, numbered(5), 0, blocksUpTo(6))
	if got := drain(p, now); len(got) != 0 {
		t.Fatalf("nothing changed, but %v are looked at", got)
	}
	p.look(now, numbered(6), 0, blocksUpTo(6))
	j := p.nextCopy(now, false)
	if p.blocks[j.commitment].height != 5 || len(j.old) != 5 || len(j.now) != 6 {
		t.Fatalf("%+v", j)
	}
	p.copied(j, now, false, false)
	if got := drain(p, now); !slices.Equal(got, []types.Height{4, 3, 2, 1, 0}) {
		t.Fatalf("after a change: %v", got)
	}
	// A block that is not held any more is forgotten.
	p.look(now, numbered(6), 0, blocksUpTo(1))
	if len(p.blocks) != 1 || len(p.order) != 1 {
		t.Fatalf("%d blocks are remembered", len(p.blocks))
	}
}

// What could not be asked is asked again, ever later, and then left to the next change; what was left to others comes up
// once more.
func TestPlanOfCopiesThatFail(t *testing.T) {
	p, now := planOf("server0", 1), epoch
	p.look(now, numbered(5), 0, blocksUpTo(1))
	tries := 0
	for j := p.nextCopy(now, false); j.kind == jobCopy; j = p.nextCopy(now, false) {
		tries++
		p.copied(j, now, true, false)
		if p.look(now, numbered(5), 0, blocksUpTo(1)); p.nextCopy(now, false).kind != jobNone {
			t.Fatal("asked again at once")
		}
		now = now.Add(2 * retryCopy << tries)
		p.look(now, numbered(5), 0, blocksUpTo(1))
	}
	if tries != copyTries+1 {
		t.Fatalf("%d tries", tries)
	}
	p.look(now, numbered(6), 0, blocksUpTo(1))
	j := p.nextCopy(now, false)
	p.copied(j, now, false, true)
	now = now.Add(2 * secondLook)
	p.look(now, numbered(6), 0, blocksUpTo(1))
	if j = p.nextCopy(now, false); j.kind != jobCopy || !j.second {
		t.Fatalf("no second look: %+v", j)
	}
	p.copied(j, now, false, true)
	if p.look(now, numbered(6), 0, blocksUpTo(1)); p.nextCopy(now, false).kind != jobNone {
		t.Fatal("a third look")
	}
}

// Of the holders of a row that are left exactly one copies it to each newcomer at once, and all would at the second look;
// nobody asks a server that had its place before.
func TestCopies(t *testing.T) {
	const r = 3
	before, after := numbered(20), append(numbered(20)[2:], rosterOf("new1", "new2", "new3")...)
	c, held := types.Hash{7}, make([]uint32, 200)
	for i := range held {
		held[i] = uint32(i)
	}
	first, second := make(map[uint32][]peer.ID), make(map[uint32]int)
	for _, s := range before[2:] {
		var own []uint32
		for _, i := range held {
			if slices.Contains(nearest(before, Key(c, i), r), s.id) {
				own = append(own, i)
			}
		}
		j := job{kind: jobCopy, commitment: c, old: before, now: after}
		for p, indices := range copies(s.id, c, own, j, r, nil).ask {
			for _, i := range indices {
				first[i] = append(first[i], p)
			}
		}
		j.second = true
		for _, indices := range copies(s.id, c, own, j, r, nil).ask {
			for _, i := range indices {
				second[i]++
			}
		}
	}
	for _, i := range held {
		old, holders := nearest(before, Key(c, i), r), 0
		var want []peer.ID
		for _, p := range nearest(after, Key(c, i), r) {
			if !slices.Contains(old, p) {
				want = append(want, p)
			}
		}
		for _, p := range old {
			if p != before[0].id && p != before[1].id {
				holders++
			}
		}
		if holders == 0 {
			continue // lost; that is for a rebuild
		}
		slices.Sort(want)
		slices.Sort(first[i])
		if !slices.Equal(first[i], want) || second[i] != holders*len(want) {
			t.Fatalf("row %d is offered to %v, want %v; %d at the second look by %d holders", i, first[i], want, second[i], holders)
		}
	}
}

// A great loss brings checks forward, in turns; once.
func TestPlanOfLoss(t *testing.T) {
	p, now := planOf("server0", 1), epoch
	p.look(now, numbered(50), 0, blocksUpTo(10))
	for i, step := range []struct {
		lost     float64
		min, max int // blocks that are checked soon
	}{{0.3, 0, 0}, {0.8, 10, 10}, {0.8, 0, 0}} {
		for _, b := range p.blocks {
			b.checkAt = now.Add(24 * time.Hour)
		}
		p.look(now, numbered(50), step.lost, blocksUpTo(10))
		soon := 0
		for _, b := range p.blocks {
			if b.checkAt.Before(now.Add(maxRank*b.slot() + b.slot())) {
				soon++
			}
		}
		if soon < step.min || soon > step.max {
			t.Fatalf("step %d, %v lost: %d blocks are checked soon", i, step.lost, soon)
		}
	}
	if p.look(now, numbered(50), 0.9, blocksUpTo(10)); p.lost != 0.9 {
		t.Fatal("a further loss does not count")
	}
	if p.look(now, numbered(50), 0, blocksUpTo(10)); p.lost != 0 {
		t.Fatal("a loss that is over is remembered")
	}
}

// Fifty servers see the same loss. Whoever rebuilds first is seen at work by the others: at most three begin in any of a
// hundred runs, and two in nearly all.
func TestNoRepairStorm(t *testing.T) {
	table, often := numbered(50), 0
	for seed := range uint64(100) {
		begun := storm(table, seed)
		if begun == 0 || begun > 3 {
			t.Fatalf("seed %d: %d rebuilds", seed, begun)
		}
		if begun > 1 {
			often++
		}
	}
	t.Logf("more than one rebuild in %d of 100 runs", often)
	if often > 10 {
		t.Fatalf("more than one rebuild in %d of 100 runs", often)
	}
}

// storm plays one loss of 80 % to many servers and counts rebuilds. A rebuild needs a while before it shows, and then
// brings half of the missing rows at once and the rest at its end.
func storm(table []server, seed uint64) (begun int) {
	chance := rand.New(rand.NewPCG(seed, 2))
	plans, at := make([]*repairPlan, len(table)), make([]time.Duration, len(table))
	block := heldRows{commitment: types.Hash{byte(seed)}, height: 1, length: 8 << 20}
	for i, s := range table {
		plans[i] = planOf(s.id, seed*100+uint64(i))
		plans[i].look(epoch, table, 0, []heldRows{block})
		plans[i].blocks[block.commitment].checkAt = epoch.Add(24 * time.Hour)
		at[i] = time.Duration(chance.Int64N(int64(time.Minute))) // notices the loss
	}
	full := []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	shows, done := time.Duration(-1), time.Duration(-1)
	missing := func(now time.Duration) []uint32 {
		switch {
		case shows < 0 || now < shows:
			return full
		case now < done:
			return full[:8]
		}
		return nil
	}
	for now := time.Duration(0); now < 30*time.Minute; now += time.Second {
		for i, p := range plans {
			if now >= at[i] && (now-at[i])%roundEvery < time.Second {
				p.look(epoch.Add(now), table, 0.8, []heldRows{block})
			}
			switch j := p.nextCheck(epoch.Add(now)); j.kind {
			case jobCheck:
				left := missing(now)
				p.checked(block.commitment, epoch.Add(now), 1-float64(len(left))/checkRows, left)
			case jobRebuild:
				if left := missing(now); len(left) < len(j.missing) {
					p.postponed(block.commitment, epoch.Add(now), left)
					continue
				}
				begun++
				if shows < 0 { // 30 s to fetch, two minutes to push
					shows, done = now+30*time.Second, now+150*time.Second
				}
				p.rebuilt(block.commitment, epoch.Add(now), 1, false, false)
			}
		}
	}
	return begun
}

// A block that failed to be rebuilt is tried again ever later; one that cannot be is left alone.
func TestPlanOfFailures(t *testing.T) {
	p, now := planOf("server0", 1), epoch
	p.look(now, numbered(5), 0, blocksUpTo(1))
	b := p.blocks[blocksUpTo(1)[0].commitment]
	var last time.Duration
	for range 8 {
		p.rebuilt(b.commitment, now, 0.3, true, false)
		wait := b.checkAt.Sub(now)
		if wait < last/2 || wait > 64*retryRebuild {
			t.Fatalf("looks again after %v, then after %v", last, wait)
		}
		last = wait
	}
	if last < 32*retryRebuild {
		t.Fatalf("after 8 failures it is tried again after %v", last)
	}
	p.rebuilt(b.commitment, now, 0.3, true, true)
	if p.look(now.Add(1000*time.Hour), numbered(5), 0, blocksUpTo(1)); p.nextCheck(now.Add(1000*time.Hour)).kind != jobNone {
		t.Fatal("a block that cannot be rebuilt is checked again")
	}
	var s RepairStats
	if p.survey(&s); s.Beyond != 1 || s.Known != 1 || s.Lowest.Share != 0.3 {
		t.Fatalf("%+v", s)
	}
}

// Rosters that are remembered, checks of a round and turns that are waited for have their limits.
func TestLimitsOfRepair(t *testing.T) {
	p, now := planOf("server0", 1), epoch
	held := blocksUpTo(maxChecks + 1)
	p.look(now, numbered(30), 0, held)
	drain(p, now)
	for i := range maxRosters {
		j := func() job {
			p.look(now, numbered(31+i), 0, held)
			return p.nextCopy(now, false)
		}()
		if remembered := i < maxRosters-1; (j.old != nil) != remembered {
			t.Fatalf("after %d changes: the old roster is remembered: %v", i+1, j.old != nil)
		}
	}
	for due, want := range map[int]int{maxChecks: maxChecks, maxChecks + 1: maxChecks} {
		for i, b := range p.order {
			b.checkAt = now
			if i >= due {
				b.checkAt = now.Add(time.Hour)
			}
		}
		if p.choose(now); len(p.checks) != want {
			t.Fatalf("%d of %d due checks are chosen", len(p.checks), due)
		}
	}
	longest := time.Duration(0)
	for _, b := range p.order {
		longest = max(longest, p.turn(b)/b.slot())
	}
	if longest != maxRank {
		t.Fatalf("the longest turn is after %d others", longest)
	}
}

// Of a large network the nearest servers are looked at, for they are near the rows that are held.
func TestLimitOfRoster(t *testing.T) {
	for heard, want := range map[int]int{maxRoster: maxRoster, maxRoster + 1: maxRoster} {
		s := newServers(silentHost{}, "kad", false, func() []peer.ID { return nil })
		var ids []peer.ID
		for i := range heard {
			id := peer.ID(fmt.Sprint("server", i))
			s.heard[id], ids = mention{at: time.Now()}, append(ids, id)
		}
		table := s.roster()
		if len(table) != want {
			t.Fatalf("%d of %d servers are looked at", len(table), heard)
		}
		near := kb.SortClosestPeers(ids, kb.ConvertPeerID("self"))[:want]
		for _, sv := range table {
			if !slices.Contains(near, sv.id) {
				t.Fatalf("%s is not among the nearest", sv.id)
			}
		}
	}
}
