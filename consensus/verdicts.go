package consensus

import (
	"slices"

	"github.com/etherscale/bedrock/types"
)

const (
	// maxSaid is how many statements of one member are counted at a time: more than an honest one has verified and others
	// have not. One more takes the oldest back, so whoever states falsehoods gets only its own forgotten.
	maxSaid = 256
	// maxDue is how many verdicts may wait for a block: 16 blocks' worth. Statements sequenced meanwhile say nothing.
	maxDue = 16 * types.MaxHeaderVerdicts
	// maxPerAccused is how many verdicts on one key an epoch lists. The first takes the bond; further ones can only show
	// that another challenger committed earlier.
	maxPerAccused = 16
)

// verdicts counts what members state about challenges, a function of the committed sequence alone. A statement is due when
// authors with a quorum of stake have made it, word for word; the next block lists it.
type verdicts struct {
	committee *types.Committee
	said      [][]types.Verdict // by member: what it stated that is not due, oldest first, at most maxSaid
	tallies   map[types.Verdict]*verdictTally
	due       []dueVerdict // of the epoch, in order of becoming due
	listed    int          // how many of them are in closed blocks: the first ones
	known     map[types.Verdict]struct{}
	accused   map[types.PublicKey]int // verdicts in due, by key
}

// verdictTally is who has made a statement that is not due.
type verdictTally struct {
	by    memberSet
	stake types.Stake
}

// dueVerdict is a verdict with the height of the block that lists it; 0: none yet.
type dueVerdict struct {
	verdict types.Verdict
	height  types.Height
}

func newVerdicts(c *types.Committee) verdicts {
	return verdicts{
		committee: c, said: make([][]types.Verdict, c.Len()), tallies: make(map[types.Verdict]*verdictTally),
		known: make(map[types.Verdict]struct{}), accused: make(map[types.PublicKey]int),
	}
}

// over reports whether stating the verdict says nothing any more in this epoch.
func (d *verdicts) over(v *types.Verdict) bool {
	_, due := d.known[*v]
	return due || d.accused[v.Accused] >= maxPerAccused
}

// says reports whether the member's statement is counted and not due.
func (d *verdicts) says(m types.Member, v *types.Verdict) bool {
	t := d.tallies[*v]
	return t != nil && t.by.has(m)
}

// full reports whether so many verdicts wait for a block that no more are counted.
func (d *verdicts) full() bool { return len(d.due)-d.listed >= maxDue }

// waiting reports whether a verdict is due and in no block.
func (d *verdicts) waiting() bool { return len(d.due) > d.listed }

// count takes the statements of the author's next vertex in the sequence.
func (d *verdicts) count(author types.Member, list []types.Verdict) {
	for i := range list {
		if v := &list[i]; !d.full() && !d.over(v) && !d.says(author, v) {
			d.state(author, *v)
		}
	}
}

func (d *verdicts) state(author types.Member, v types.Verdict) {
	if len(d.said[author]) >= maxSaid {
		d.takeBack(author, 0)
	}
	t := d.tallies[v]
	if t == nil {
		t = &verdictTally{by: newMemberSet(d.committee.Len())}
		d.tallies[v] = t
	}
	t.by.add(author)
	t.stake += d.committee.Stake(author)
	d.said[author] = append(d.said[author], v)
	if t.stake >= d.committee.Quorum() {
		t.by.each(nil, func(m types.Member) { d.takeBack(m, slices.Index(d.said[m], v)) })
		d.becomeDue(dueVerdict{verdict: v})
	}
}

func (d *verdicts) becomeDue(x dueVerdict) {
	d.due = append(d.due, x)
	d.known[x.verdict] = struct{}{}
	d.accused[x.verdict.Accused]++
}

// takeBack forgets statement i of the author.
func (d *verdicts) takeBack(author types.Member, i int) {
	v := d.said[author][i]
	if i == 0 { // the usual case of a flood: nothing is moved
		d.said[author] = d.said[author][1:]
	} else {
		d.said[author] = slices.Delete(d.said[author], i, i+1)
	}
	t := d.tallies[v]
	t.by.remove(author)
	if t.stake -= d.committee.Stake(author); t.stake == 0 {
		delete(d.tallies, v)
	}
}

// exclude forgets what an excluded author stated, as far as it is not due.
func (d *verdicts) exclude(author types.Member) {
	for len(d.said[author]) > 0 {
		d.takeBack(author, len(d.said[author])-1)
	}
}

// list is what the block of a height lists.
func (d *verdicts) list(height types.Height) []types.Verdict {
	var out []types.Verdict
	for len(out) < types.MaxHeaderVerdicts && d.waiting() {
		d.due[d.listed].height = height
		out = append(out, d.due[d.listed].verdict)
		d.listed++
	}
	return out
}

// listedAt is what the block of a height has listed.
func (d *verdicts) listedAt(height types.Height) []types.Verdict {
	from, _ := slices.BinarySearchFunc(d.due[:d.listed], height, func(x dueVerdict, h types.Height) int { return int(x.height) - int(h) })
	var out []types.Verdict
	for _, x := range d.due[from:d.listed] {
		if x.height != height {
			break
		}
		out = append(out, x.verdict)
	}
	return out
}

// accusedAbove reports whether a block above the height lists a verdict on the key.
func (d *verdicts) accusedAbove(height types.Height, key types.PublicKey) bool {
	for _, x := range d.due[:d.listed] {
		if x.height > height && x.verdict.Accused == key {
			return true
		}
	}
	return false
}

// cutVerdicts is the part of a cut's state about verdicts.
type cutVerdicts struct {
	Said [][]types.Verdict // by member
	Due  []cutDue          // in order
}

type cutDue struct {
	Verdict types.Verdict
	Height  types.Height // of the block that lists it; 0: none yet
}

func (d *verdicts) cut() cutVerdicts {
	s := cutVerdicts{Said: d.said}
	for _, x := range d.due {
		s.Due = append(s.Due, cutDue{x.verdict, x.height})
	}
	return s
}

// fits checks the lengths and the order of heights, which are above the parent's and at most closed.
func (s *cutVerdicts) fits(n int, parent, closed types.Height) bool {
	if len(s.Said) != n {
		return false
	}
	for _, said := range s.Said {
		if len(said) > maxSaid {
			return false
		}
	}
	waiting := 0
	for i, x := range s.Due {
		switch {
		case x.Height == 0:
			waiting++
		case waiting > 0, x.Height <= parent, x.Height > closed, i > 0 && s.Due[i-1].Height > x.Height:
			return false
		}
	}
	return waiting <= maxDue
}

// resume takes the state; what does not come out of it again is found by comparing encodings.
func (d *verdicts) resume(s *cutVerdicts) {
	for _, x := range s.Due {
		d.becomeDue(dueVerdict{x.Verdict, x.Height})
		if x.Height > 0 {
			d.listed++
		}
	}
	for m, said := range s.Said {
		for i := range said {
			if !d.says(types.Member(m), &said[i]) {
				d.state(types.Member(m), said[i])
			}
		}
	}
}
