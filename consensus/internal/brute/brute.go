// Package brute is the dumb twin of the ordering core: it decides slots, orders vertices and batches and closes blocks
// straight from the definitions (docs/design.md, sections 4 and 11), over a whole set of vertices at once, with no
// increments, caches or indices worth the name. It shares no code with package consensus and exists to disagree with it.
package brute

import (
	"crypto/sha256"
	"math"
	"sort"

	"github.com/etherscale/bedrock/types"
)

// Verdict is what was decided for a slot.
type Verdict int

// The verdicts, and whether the direct or the indirect rule gave them.
const (
	Undecided Verdict = iota
	DirectCommit
	DirectSkip
	IndirectCommit
	IndirectSkip
)

// Setting is what all peers agree on before the first vertex.
type Setting struct {
	Committee *types.Committee
	Seed      types.Hash
	Start     types.Time // time of the header before

	Repeats      types.Round // a receipt from so many rounds above the slot that released its batch counts anew; 0: 4096
	Transactions int         // of a generation; 0: 2^18
}

func (s Setting) withDefaults() Setting {
	if s.Repeats == 0 {
		s.Repeats = 4096
	}
	if s.Transactions == 0 {
		s.Transactions = 1 << 18
	}
	return s
}

// Appended is a vertex of the committed sequence with the round of the slot whose commit appended it.
type Appended struct {
	Vertex    *types.Vertex
	SlotRound types.Round
}

// dag is a set of vertices that holds the parents of each of its members.
type dag struct {
	Setting
	byDigest  map[types.Hash]*types.Vertex
	byRound   map[types.Round][]*types.Vertex // ascending by (author, digest)
	place     map[types.Hash]int              // by (round, author, digest)
	ancestors map[types.Hash]set              // of places
	byPlace   []*types.Vertex
	top       types.Round
	verdicts  map[slot]decision
}

type slot struct {
	round  types.Round
	author types.Member
}

type decision struct {
	verdict Verdict
	vertex  *types.Vertex
}

func newDAG(s Setting, vertices []*types.Vertex) *dag {
	d := &dag{Setting: s, byDigest: map[types.Hash]*types.Vertex{}, byRound: map[types.Round][]*types.Vertex{},
		place: map[types.Hash]int{}, ancestors: map[types.Hash]set{}, verdicts: map[slot]decision{}}
	for _, v := range vertices {
		d.byDigest[v.Digest()] = v
		d.byRound[v.Round()] = append(d.byRound[v.Round()], v)
		d.top = max(d.top, v.Round())
	}
	for _, row := range d.byRound {
		sort.Slice(row, func(i, j int) bool { return before(row[i], row[j]) })
	}
	for r := types.Round(1); r <= d.top; r++ {
		for _, v := range d.byRound[r] {
			d.place[v.Digest()] = len(d.byPlace)
			d.byPlace = append(d.byPlace, v)
			d.addAncestors(v)
		}
	}
	return d
}

// before is the order (round, author, digest).
func before(a, b *types.Vertex) bool {
	if a.Round() != b.Round() {
		return a.Round() < b.Round()
	}
	if a.Author() != b.Author() {
		return a.Author() < b.Author()
	}
	da, db := a.Digest(), b.Digest()
	return string(da[:]) < string(db[:])
}

func parents(v *types.Vertex) []types.VertexRef { return append(v.StrongParents(), v.Body().Weak...) }

func (d *dag) addAncestors(v *types.Vertex) {
	all := make(set, len(d.byDigest)/64+1)
	for _, p := range parents(v) {
		if at, known := d.place[p.Digest]; known {
			all.add(at)
		}
		for i, word := range d.ancestors[p.Digest] {
			all[i] |= word
		}
	}
	d.ancestors[v.Digest()] = all
}

// set is a set of small numbers.
type set []uint64

func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]>>(i%64)&1 == 1 }

// stakeOf sums the stake of a set of authors.
func (d *dag) stakeOf(authors map[types.Member]bool) (sum types.Stake) {
	for a := range authors {
		sum += d.Committee.Stake(a)
	}
	return sum
}

// certifies: a quorum of c's parents of the round before have v as parent.
func (d *dag) certifies(c, v *types.Vertex) bool {
	voters := map[types.Member]bool{}
	for _, p := range c.StrongParents() {
		for _, vote := range d.byDigest[p.Digest].StrongParents() {
			if vote.Digest == v.Digest() {
				voters[p.Author] = true
			}
		}
	}
	return d.stakeOf(voters) >= d.Committee.Quorum()
}

func (d *dag) decide(s slot) decision {
	if known, ok := d.verdicts[s]; ok {
		return known
	}
	result := d.decideDirect(s)
	if result.verdict == Undecided {
		result = d.decideIndirect(s)
	}
	d.verdicts[s] = result
	return result
}

func (d *dag) candidates(s slot) (out []*types.Vertex) {
	for _, v := range d.byRound[s.round] {
		if v.Author() == s.author {
			out = append(out, v)
		}
	}
	return out
}

func (d *dag) decideDirect(s slot) decision {
	blamers := map[types.Member]bool{}
	for _, v := range d.byRound[s.round+1] {
		if !v.Body().Parents.Has(s.author) {
			blamers[v.Author()] = true
		}
	}
	if d.stakeOf(blamers) >= d.Committee.Quorum() {
		return decision{verdict: DirectSkip}
	}
	for _, v := range d.candidates(s) {
		certifiers := map[types.Member]bool{}
		for _, c := range d.byRound[s.round+2] {
			if d.certifies(c, v) {
				certifiers[c.Author()] = true
			}
		}
		if d.stakeOf(certifiers) >= d.Committee.Quorum() {
			return decision{DirectCommit, v}
		}
	}
	return decision{}
}

func (d *dag) decideIndirect(s slot) decision {
	for r := s.round + 3; r <= d.top; r++ {
		for _, author := range d.Committee.Draw(d.Seed, r) {
			anchor := d.decide(slot{r, author})
			switch anchor.verdict {
			case DirectSkip, IndirectSkip:
				continue
			case Undecided:
				return decision{}
			}
			for _, v := range d.candidates(s) {
				for _, c := range d.byRound[s.round+2] {
					if d.ancestors[anchor.vertex.Digest()].has(d.place[c.Digest()]) && d.certifies(c, v) {
						return decision{IndirectCommit, v}
					}
				}
			}
			return decision{verdict: IndirectSkip}
		}
	}
	return decision{}
}

// Sequence decides slots in order up to the first undecided one and lists what they append. counts tells how often each
// verdict was reached.
func Sequence(s Setting, vertices []*types.Vertex) (appended []Appended, counts map[Verdict]int) {
	d := newDAG(s, vertices)
	counts = map[Verdict]int{}
	done := map[types.Hash]bool{}
	for r := types.Round(1); r <= d.top; r++ {
		for _, author := range s.Committee.Draw(s.Seed, r) {
			result := d.decide(slot{r, author})
			if result.verdict == Undecided {
				return appended, counts
			}
			counts[result.verdict]++
			if result.vertex == nil {
				continue
			}
			var fresh []*types.Vertex
			for i, v := range d.byPlace {
				if d.ancestors[result.vertex.Digest()].has(i) && !done[v.Digest()] && v.Round()+64 > r {
					fresh = append(fresh, v)
				}
			}
			if !done[result.vertex.Digest()] {
				fresh = append(fresh, result.vertex)
			}
			sort.Slice(fresh, func(i, j int) bool { return before(fresh[i], fresh[j]) })
			for _, v := range fresh {
				done[v.Digest()] = true
				appended = append(appended, Appended{v, r})
			}
		}
	}
	return appended, counts
}

// Forever is the watermark of an excluded author.
const Forever = types.Time(math.MaxUint64)

// quantile is the smallest value such that the values up to it carry more than f stake.
func quantile(c *types.Committee, values []types.Time) types.Time {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return values[order[i]] < values[order[j]] })
	var stake types.Stake
	for _, i := range order {
		stake += c.Stake(types.Member(i))
		if stake > c.F() {
			return values[i]
		}
	}
	return Forever
}

// tieBreak orders batches of equal fair time.
func tieBreak(seed types.Hash, id types.BatchID) types.Hash {
	return sha256.Sum256(append(seed[:], id[:]...))
}
