package consensus_test

import (
	"encoding/binary"
	"math/rand/v2"
	"sort"

	"github.com/etherscale/bedrock/types"
)

// randomDAG is an adversarial history: honest authors make one vertex a round over what they have seen, crash and come
// back; up to f Byzantine ones send twins, half-publish, blame, backdate, refuse and junk.
type randomDAG struct {
	rng       *rand.Rand
	committee *types.Committee
	network   types.NetworkID
	start     types.Time
	rounds    types.Round

	byzantine []bool
	downFrom  []types.Round
	downTo    []types.Round
	slow      []int // extra rounds until others see the author's vertices

	vertices  []*types.Vertex // in order of making: parents first
	byDigest  map[types.Hash]*types.Vertex
	ancestors map[types.Hash]map[types.Hash]bool
	visible   []map[types.Hash]types.Round // per author: since which round it sees a vertex
	own       []*types.Vertex              // newest own vertex
	listed    []map[types.BatchID]types.Round
	repeats   types.Round // after so many rounds everybody may list a batch again; 0: never
	hidden    int         // in long histories: an author whose first vertices others see when they are about to fall below the horizon; else -1

	batches []randomBatch

	statements
}

type randomBatch struct {
	id    types.BatchID
	heard []types.Time // per author; 0: never by gossip
}

const roundLength = 20_000 // microseconds

func newRandomDAG(seed uint64, committee *types.Committee, network types.NetworkID, start types.Time) *randomDAG {
	n := committee.Len()
	d := &randomDAG{rng: rand.New(rand.NewPCG(seed, 1)), committee: committee, network: network, start: start,
		byDigest: map[types.Hash]*types.Vertex{}, ancestors: map[types.Hash]map[types.Hash]bool{},
		byzantine: make([]bool, n), downFrom: make([]types.Round, n), downTo: make([]types.Round, n), slow: make([]int, n),
		own: make([]*types.Vertex, n)}
	for range n {
		d.visible = append(d.visible, map[types.Hash]types.Round{})
		d.listed = append(d.listed, map[types.BatchID]types.Round{})
	}
	d.rounds = types.Round(12 + d.rng.IntN(12))
	if seed%4 == 2 {
		d.repeats = types.Round(4 + d.rng.IntN(4))
	}
	if d.rng.IntN(8) == 0 {
		d.rounds = 82 // long enough for a batch to become void
	}
	f := (n - 1) / 3
	var bad types.Stake
	for i := range d.rng.IntN(f + 1) {
		m := (int(seed) + 3*i) % n
		if bad += committee.Stake(types.Member(m)); bad > committee.F() {
			break
		}
		d.byzantine[m] = true
	}
	crashed := d.rng.IntN(f + 1)
	for range crashed {
		i := d.rng.IntN(n)
		d.downFrom[i] = types.Round(1 + d.rng.IntN(int(d.rounds)))
		d.downTo[i] = d.downFrom[i] + types.Round(1+d.rng.IntN(12))
	}
	if d.rng.IntN(3) == 0 {
		d.slow[d.rng.IntN(n)] = 1 + d.rng.IntN(4)
	}
	d.hidden = -1
	if d.rounds > 64 && d.rng.IntN(2) == 0 {
		d.hidden = d.rng.IntN(n)
		d.downFrom[d.hidden], d.downTo[d.hidden] = 5, d.rounds+1
	}
	d.makeBatches()
	d.makeChallenges(seed)
	return d
}

// play makes the vertices. What oracle, which may be nil, says of headers is signed.
func (d *randomDAG) play(oracle *observer) {
	d.oracle = oracle
	n := d.committee.Len()
	for r := types.Round(1); r <= d.rounds; r++ {
		for i := range n {
			d.step(types.Member(i), r)
		}
		d.sustain(r)
	}
}

// sustain stands for waiting: while a round lacks a quorum of authors, the next one sees the whole round before.
func (d *randomDAG) sustain(r types.Round) {
	for i := range d.committee.Len() {
		made := map[types.Member]bool{}
		var stake types.Stake
		for _, v := range d.vertices {
			if v.Round() == r && !made[v.Author()] {
				made[v.Author()] = true
				stake += d.committee.Stake(v.Author())
			}
		}
		if stake >= d.committee.Quorum() {
			return
		}
		for _, v := range d.vertices {
			if v.Round() == r-1 {
				d.show(i, v.Digest(), r)
			}
		}
		d.downFrom[i] = 0
		d.step(types.Member(i), r)
	}
}

func (d *randomDAG) makeBatches() {
	n := d.committee.Len()
	for k := range 4 + d.rng.IntN(16) {
		b := randomBatch{id: types.BatchIDOf(binary.BigEndian.AppendUint64(nil, uint64(k))), heard: make([]types.Time, n)}
		born := d.start + types.Time(d.rng.IntN(int(d.rounds)*roundLength*3/4))
		junk := d.rng.IntN(4) == 0
		if junk { // soon enough for a void
			born = d.start + types.Time(d.rng.IntN(4*roundLength))
		}
		only := d.rng.IntN(n)
		for i := range n {
			if junk && i != only {
				continue
			}
			if d.rng.IntN(6) > 0 {
				b.heard[i] = born + types.Time(1+d.rng.IntN(2*roundLength))
			}
		}
		d.batches = append(d.batches, b)
	}
}

func (d *randomDAG) step(a types.Member, r types.Round) {
	if r >= d.downFrom[a] && r < d.downTo[a] && d.downFrom[a] > 0 {
		return
	}
	if d.own[a] != nil && d.own[a].Round() >= r {
		return
	}
	v := d.make(a, r, 0)
	if v == nil {
		return
	}
	previous := d.own[a]
	d.publish(v, nil)
	if d.byzantine[a] && d.rng.IntN(12) == 0 {
		d.own[a] = previous
		if twin := d.make(a, r, 1); twin != nil && twin.Digest() != v.Digest() {
			d.publish(twin, v)
		}
		d.own[a] = v
	}
}

// seen lists what author a sees of a round, by author; of twins one at random.
func (d *randomDAG) seen(a types.Member, r types.Round, now types.Round) map[types.Member]*types.Vertex {
	out := map[types.Member]*types.Vertex{}
	for _, v := range d.vertices {
		since, ok := d.visible[a][v.Digest()]
		if v.Round() != r || !ok || since > now {
			continue
		}
		if _, has := out[v.Author()]; !has || d.rng.IntN(2) == 0 {
			out[v.Author()] = v
		}
	}
	return out
}

// make builds author a's vertex of round r, or nil where it sees no quorum.
func (d *randomDAG) make(a types.Member, r types.Round, variant uint64) *types.Vertex {
	body := types.VertexBody{Parents: types.NewBitmap(d.committee.Len()), RuleVersion: 1 + (uint64(a)+uint64(r/8))%3*2 + variant}
	strong := d.seen(a, r-1, r)
	if own := d.own[a]; own != nil && own.Round() == r-1 {
		strong[a] = own
	} else {
		delete(strong, a)
	}
	var chosen []types.Member
	if r > 1 {
		chosen = d.chooseParents(a, strong)
		if chosen == nil {
			return nil
		}
	}
	covered := map[types.Hash]bool{}
	var times []types.Time
	for _, m := range chosen {
		p := strong[m]
		body.Parents.Set(m)
		body.ParentDigests = append(body.ParentDigests, p.Digest())
		times = append(times, p.Time())
		d.cover(covered, p)
	}
	body.Weak = d.weakParents(a, r, body.Parents, covered)
	previous, floor := d.start, types.Time(0)
	if own := d.own[a]; own != nil && d.names(body, r, own) {
		previous = own.Time()
	}
	if len(times) > 0 {
		floor = d.quantile(chosen, times)
	}
	return d.finish(a, r, previous, floor, body)
}

func (d *randomDAG) chooseParents(a types.Member, strong map[types.Member]*types.Vertex) []types.Member {
	var members []types.Member
	for m := range strong {
		members = append(members, m)
	}
	sort.Slice(members, func(i, j int) bool { return members[i] < members[j] })
	stake := func(list []types.Member) (sum types.Stake) {
		for _, m := range list {
			sum += d.committee.Stake(m)
		}
		return sum
	}
	if stake(members) < d.committee.Quorum() {
		return nil
	}
	if d.rng.IntN(2) == 0 { // drop some, keeping a quorum and the own one
		d.rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		for i := 0; i < len(members); i++ {
			rest := append(append([]types.Member(nil), members[:i]...), members[i+1:]...)
			if members[i] != a && stake(rest) >= d.committee.Quorum() && d.rng.IntN(2) == 0 {
				members = rest
				i--
			}
		}
	}
	sort.Slice(members, func(i, j int) bool { return members[i] < members[j] })
	return members
}

func (d *randomDAG) cover(covered map[types.Hash]bool, p *types.Vertex) {
	covered[p.Digest()] = true
	for digest := range d.ancestors[p.Digest()] {
		covered[digest] = true
	}
}

func (d *randomDAG) weakParents(a types.Member, r types.Round, parents types.Bitmap, covered map[types.Hash]bool) []types.VertexRef {
	var weak []types.VertexRef
	for i := range d.committee.Len() {
		m := types.Member(i)
		if parents.Has(m) || (m != a && d.rng.IntN(4) == 0) {
			continue
		}
		var newest *types.Vertex
		for _, v := range d.vertices {
			since, ok := d.visible[a][v.Digest()]
			if v.Author() != m || !ok || since > r || v.Round()+2 > r || v.Round()+types.WeakDepth < r {
				continue
			}
			if newest == nil || v.Round() > newest.Round() {
				newest = v
			}
		}
		if m == a {
			newest = d.own[a]
			if newest != nil && (newest.Round()+2 > r || newest.Round()+types.WeakDepth < r) {
				newest = nil
			}
		}
		if newest != nil && (!covered[newest.Digest()] || m == a) {
			weak = append(weak, newest.Ref())
			d.cover(covered, newest)
		}
	}
	return weak
}

func (d *randomDAG) names(body types.VertexBody, r types.Round, own *types.Vertex) bool {
	if own.Round() == r-1 {
		return body.Parents.Has(own.Author())
	}
	for _, w := range body.Weak {
		if w.Digest == own.Digest() {
			return true
		}
	}
	return false
}

// quantile is the smallest time such that the parents up to it carry more than f stake.
func (d *randomDAG) quantile(members []types.Member, times []types.Time) types.Time {
	order := make([]int, len(times))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return times[order[i]] < times[order[j]] })
	var stake types.Stake
	for _, i := range order {
		stake += d.committee.Stake(members[i])
		if stake > d.committee.F() {
			return times[i]
		}
	}
	return times[order[len(order)-1]]
}

func (d *randomDAG) finish(a types.Member, r types.Round, previous, floor types.Time, body types.VertexBody) *types.Vertex {
	least := max(previous+1, floor)
	at := max(least, d.start+types.Time(uint64(r)*roundLength)+types.Time(d.rng.IntN(roundLength)))
	if d.byzantine[a] {
		switch d.rng.IntN(3) {
		case 0:
			at = least
		case 1:
			at += 3 * roundLength
		}
	}
	body.Receipts, at = d.receipts(a, r, previous, at)
	body.HeaderSignatures, body.Verdicts = d.signatures(a), d.verdicts(a, r)
	id := types.VertexID{Version: types.Version, Network: d.network, Round: r, Author: a, Time: at}
	return types.NewVertex(id, body)
}

func (d *randomDAG) receipts(a types.Member, r types.Round, previous, at types.Time) ([]types.Receipt, types.Time) {
	var heard []types.Receipt
	for _, b := range d.batches {
		before := d.listed[a][b.id]
		again := d.byzantine[a] && d.rng.IntN(20) == 0 || d.repeats > 0 && r >= before+d.repeats && d.rng.IntN(2) == 0
		refuses := d.byzantine[a] && d.rng.IntN(3) == 0
		if t := b.heard[a]; t > 0 && t <= at && !refuses && (before == 0 || again) {
			heard = append(heard, types.Receipt{Batch: b.id, Time: t})
		}
	}
	sort.Slice(heard, func(i, j int) bool {
		if heard[i].Time != heard[j].Time {
			return heard[i].Time < heard[j].Time
		}
		return string(heard[i].Batch[:]) < string(heard[j].Batch[:])
	})
	last := previous
	for i := range heard {
		heard[i].Time = max(heard[i].Time, last+1)
		last = heard[i].Time
		d.listed[a][heard[i].Batch] = r
	}
	return heard, max(at, last)
}

// publish adds the vertex and decides when each author sees it; sibling is its twin, shown to the others.
func (d *randomDAG) publish(v, sibling *types.Vertex) {
	a := v.Author()
	digest := v.Digest()
	if _, dup := d.byDigest[digest]; dup {
		return
	}
	d.vertices = append(d.vertices, v)
	d.byDigest[digest] = v
	all := map[types.Hash]bool{}
	for _, p := range append(v.StrongParents(), v.Body().Weak...) {
		d.cover(all, d.byDigest[p.Digest])
	}
	d.ancestors[digest] = all
	half := d.byzantine[a] && d.rng.IntN(3) == 0
	for i := range d.committee.Len() {
		at := v.Round() + 1 + types.Round(d.slow[a])
		switch {
		case int(a) == d.hidden && i != d.hidden && v.Round() < 5:
			at = 65 + types.Round(d.rng.IntN(4))
		case types.Member(i) == a && sibling == nil:
			at = v.Round()
		case sibling != nil && d.visible[i][sibling.Digest()] <= v.Round()+1 && d.rng.IntN(4) > 0:
			at += types.Round(d.rng.IntN(8))
		case half && d.rng.IntN(2) == 0:
			at += types.Round(1 + d.rng.IntN(6))
		case d.rng.IntN(5) == 0:
			at += types.Round(d.rng.IntN(3))
		}
		d.show(i, digest, at)
	}
	if sibling == nil {
		d.own[a] = v
	}
	if d.oracle != nil {
		d.oracle.receive(v)
	}
}

// show makes a vertex visible to author i from a round on, with its ancestors.
func (d *randomDAG) show(i int, digest types.Hash, at types.Round) {
	reveal := func(h types.Hash) {
		if since, ok := d.visible[i][h]; !ok || since > at {
			d.visible[i][h] = at
		}
	}
	reveal(digest)
	for h := range d.ancestors[digest] {
		reveal(h)
	}
}

// topological is a random order in which parents come before their children.
func (d *randomDAG) topological() []*types.Vertex {
	left := append([]*types.Vertex(nil), d.vertices...)
	done := map[types.Hash]bool{}
	var out []*types.Vertex
	for len(left) > 0 {
		// Choose among the first few that are ready, so that rounds mix but do not drift apart without bound.
		var ready []int
		for i, v := range left {
			if len(ready) < 2*d.committee.Len() && d.parentsDone(v, done) {
				ready = append(ready, i)
			}
		}
		i := ready[d.rng.IntN(len(ready))]
		done[left[i].Digest()] = true
		out = append(out, left[i])
		left = append(left[:i], left[i+1:]...)
	}
	return out
}

func (d *randomDAG) parentsDone(v *types.Vertex, done map[types.Hash]bool) bool {
	for _, p := range append(v.StrongParents(), v.Body().Weak...) {
		if !done[p.Digest] {
			return false
		}
	}
	return true
}
