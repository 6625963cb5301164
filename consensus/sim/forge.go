package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"sort"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// forger makes vertices of its own over what a core that only follows has accepted.
type forger struct {
	n      *node
	rounds map[types.Round]map[types.Member][]*types.Vertex
	own    *types.Vertex
	round  types.Round // the highest round it has dealt with
	listed map[types.BatchID]bool
	due    bool
}

func newForger(n *node) *forger {
	f := &forger{n: n, rounds: map[types.Round]map[types.Member][]*types.Vertex{}, listed: map[types.BatchID]bool{}}
	f.later()
	return f
}

func (f *forger) hits(percent int) bool { return f.n.rng.IntN(100) < percent }

// learn takes what the following core accepted.
func (f *forger) learn(accepted []*types.Vertex) {
	for _, v := range accepted {
		row := f.rounds[v.Round()]
		if row == nil {
			row = map[types.Member][]*types.Vertex{}
			f.rounds[v.Round()] = row
		}
		row[v.Author()] = append(row[v.Author()], v)
		delete(f.rounds, v.Round()-80)
	}
	f.later()
}

// later forges soon, if a round is ready.
func (f *forger) later() {
	if f.due || f.next() == 0 {
		return
	}
	f.due = true
	life := f.n.life
	f.n.w.after(ms(1+f.n.rng.IntN(f.n.w.m.Pacing.MinRound)), func() {
		if f.n.alive && f.n.life == life {
			f.due = false
			f.forge()
			f.later()
		}
	})
}

// next is the round that can be forged now; 0: none.
func (f *forger) next() types.Round {
	if f.round == 0 {
		return 1
	}
	for r := f.round + 1; ; r++ {
		if !f.quorum(r - 1) {
			return 0
		}
		if !f.quorum(r) {
			return r
		}
	}
}

func (f *forger) quorum(r types.Round) bool {
	var stake types.Stake
	for m := range f.rounds[r] {
		stake += f.n.era.committee.Stake(m)
	}
	return stake >= f.n.era.committee.Quorum()
}

// forge makes this round's vertex, or several, or none.
func (f *forger) forge() {
	round := f.next()
	if round == 0 {
		return
	}
	f.round = round
	how := f.n.liar.Forge
	if f.hits(how.Gap) {
		return
	}
	if f.hits(how.Invalid) {
		f.send(f.make(round, false), func(types.Member) bool { return true })
		return // with a valid one of the round besides, it would equivocate, and not be listened to
	}
	v := f.make(round, true)
	everybody := func(types.Member) bool { return true }
	bits := f.n.rng.Uint64()
	some := func(m types.Member) bool { return bits>>(m%64)&1 == 0 }
	narrow := func(m types.Member) bool { return f.n.era.amongF(bits, f.n.era.people[m]) }
	switch {
	case f.hits(how.Twin):
		f.send(v, some)
		f.send(f.make(round, true), func(m types.Member) bool { return !some(m) || bits>>(63-m%32)&1 == 0 })
	case f.hits(how.Narrow):
		f.send(v, narrow)
	default:
		f.send(v, everybody)
	}
	f.own = v
	f.n.step(consensus.VertexReceived{Vertex: v, From: f.n.member, Asked: true})
}

func (f *forger) send(v *types.Vertex, to func(types.Member) bool) {
	var bodies []types.BatchID
	for _, r := range v.Body().Receipts {
		bodies = append(bodies, r.Batch)
	}
	for _, other := range f.n.era.nodes {
		if other == f.n || !to(other.member) {
			continue
		}
		f.n.w.carry(f.n.machine, other.machine, f.n.era.schedule(v, other), func() {
			for _, id := range bodies {
				if !other.memory[id] {
					other.hold(f.n.w.byID[id], int(f.n.member))
				}
			}
			other.receive(v, f.n.member, false)
		})
	}
}

// make builds a vertex that keeps the rules.
func (f *forger) make(round types.Round, valid bool) *types.Vertex {
	w, e, how := f.n.w, f.n.era, f.n.liar.Forge
	body := types.VertexBody{Parents: types.NewBitmap(e.committee.Len())}
	previous, floor := e.parent.Time, types.Time(0)
	orphan := f.hits(how.Orphan)
	if own := f.own; own != nil && !orphan {
		if own.Round()+1 != round && own.Round()+64 >= round {
			body.Weak = []types.VertexRef{own.Ref()}
			previous = own.Time()
		}
	}
	if round > 1 {
		var times []stakedTime
		for _, p := range f.parents(round, orphan, len(body.Weak) > 0) {
			body.Parents.Set(p.Author())
			body.ParentDigests = append(body.ParentDigests, p.Digest())
			times = append(times, stakedTime{p.Time(), e.committee.Stake(p.Author())})
			if p.Author() == f.n.member {
				previous = p.Time()
			}
		}
		floor = floorOf(times, e.committee.F())
	}
	at := f.time(max(previous+1, floor))
	if orphan { // as early as the rules allow, so that its author's times fall
		at = max(previous+1, floor) + 8
	}
	if !valid {
		at = f.wrongTime(previous, floor)
	}
	body.Receipts = f.receipts(previous, at, valid)
	if f.hits(how.Lie) {
		lie := types.Hash(sha256.Sum256(binary.BigEndian.AppendUint64([]byte("lie"), f.n.rng.Uint64())))
		height := e.parent.Height + types.Height(max(1, len(e.truth.closed)+f.n.rng.IntN(3)-1))
		body.HeaderSignatures = []types.HeaderSignature{{Height: height, Digest: lie, Signature: w.sign(f.n.person, lie)}}
	}
	body.Verdicts = f.verdicts()
	v := types.NewVertex(types.VertexID{Version: types.Version, Network: w.network, Epoch: e.epoch, Round: round, Author: f.n.member, Time: at}, body)
	v = v.WithSignature(w.sign(f.n.person, v.Digest()))
	e.vertex[v.Digest()] = v
	return v
}

// parents picks a quorum of the round before, and of most others one vertex, in committee order.
func (f *forger) parents(round types.Round, orphan, weakSelf bool) []*types.Vertex {
	e := f.n.era
	row := f.rounds[round-1]
	var picked []*types.Vertex
	var stake types.Stake
	for _, i := range f.n.rng.Perm(e.committee.Len()) {
		m := types.Member(i)
		candidates := row[m]
		skip := m == f.n.member && (orphan || weakSelf) || stake >= e.committee.Quorum() && f.hits(25)
		if len(candidates) == 0 || skip {
			continue
		}
		picked = append(picked, candidates[f.n.rng.IntN(len(candidates))])
		stake += e.committee.Stake(m)
	}
	if stake < e.committee.Quorum() { // without itself it is not one
		if own := row[f.n.member]; len(own) > 0 && !weakSelf {
			picked = append(picked, own[0])
		}
	}
	sort.Slice(picked, func(i, j int) bool { return picked[i].Author() < picked[j].Author() })
	unique := picked[:0]
	for _, p := range picked {
		if len(unique) == 0 || unique[len(unique)-1].Author() != p.Author() {
			unique = append(unique, p)
		}
	}
	return unique
}

// floorOf is the parents' quantile.
func floorOf(times []stakedTime, f types.Stake) types.Time {
	sort.Slice(times, func(i, j int) bool { return times[i].time < times[j].time })
	var sum types.Stake
	for _, t := range times {
		if sum += t.stake; sum > f {
			return t.time
		}
	}
	return 0
}

func (f *forger) time(least types.Time) types.Time {
	switch f.n.liar.Forge.Time {
	case "floor":
		return least + 8
	case "ahead":
		return max(least+8, f.n.clock().Add(ms(f.n.rng.IntN(600))))
	}
	return max(least+8, f.n.clock())
}

func (f *forger) wrongTime(previous, floor types.Time) types.Time {
	switch f.n.rng.IntN(3) {
	case 0:
		return previous
	case 1:
		return max(previous+1, floor-1-types.Time(f.n.rng.IntN(20_000)))
	}
	return max(previous+8, floor, f.n.clock())
}

// receipts lists batches that the forger holds and has not listed, at times that suit it.
func (f *forger) receipts(previous, at types.Time, valid bool) []types.Receipt {
	w, how := f.n.w, f.n.liar.Forge
	if how.Receipts == "refused" {
		return nil
	}
	if how.Receipts == "junk" && f.hits(10) {
		b := w.newBatch()
		b.plain = false
		for i := range b.admit {
			b.admit[i] = i == f.n.person
		}
		f.n.hold(b, -1)
	}
	var ids []types.BatchID
	for _, b := range w.batches[max(0, len(w.batches)-60):] {
		if f.n.memory[b.id] && !f.listed[b.id] && len(ids) < 8 && at > previous+types.Time(len(ids))+1 {
			ids = append(ids, b.id)
			f.listed[b.id] = f.hits(90) // some it lists again
		}
	}
	var out []types.Receipt
	for i, id := range ids {
		t := at - types.Time(len(ids)-1-i)
		if how.Receipts == "early" {
			t = previous + 1 + types.Time(i)
		}
		if !valid {
			t = previous - types.Time(len(ids)-i)*1000
		}
		if t <= previous && valid || t > at {
			continue
		}
		out = append(out, types.Receipt{Batch: id, Time: t})
	}
	return out
}
