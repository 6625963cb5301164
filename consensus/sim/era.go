package sim

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"sort"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// era is one epoch of the run: what all its nodes agree on before the first vertex, and what they said so far.
type era struct {
	w         *world
	epoch     types.Epoch
	committee *types.Committee
	people    []int // by member: place in the manifest's list
	seats     map[int]types.Member
	seed      types.Hash
	parent    types.Header
	nodes     []*node                      // of all machines with a seat that were ever started, in order of their start
	vertex    map[types.Hash]*types.Vertex // all that were ever sent
	leaders   map[types.Round]types.Member
	verified  map[*types.Vertex]bool // of signed runs
	proven    map[types.Member]bool  // equivocators that an honest node knew when the network was healed
	truth     truth
}

// makeKeys gives every person of the manifest a key; the list is in order of the public keys, as committees are.
func (w *world) makeKeys() {
	for i := range w.m.n() {
		seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("sim"), uint64(i)))
		w.keys = append(w.keys, ed25519.NewKeyFromSeed(seed[:]))
	}
	sort.Slice(w.keys, func(i, j int) bool { return bytes.Compare(w.public(i), w.public(j)) < 0 })
	for i := range w.keys {
		w.byKey[types.PublicKey(w.public(i))] = i
	}
}

func (w *world) public(person int) []byte { return w.keys[person].Public().(ed25519.PublicKey) }

// bonded is the committee that the state names for an epoch.
func (w *world) bonded(epoch types.Epoch) (out []types.CommitteeMember) {
	for i, stake := range w.m.stakesAt(int(epoch)) {
		if stake > 0 {
			out = append(out, types.CommitteeMember{Key: types.PublicKey(w.public(i)), Stake: types.Stake(stake)})
		}
	}
	return out
}

func (w *world) newEra(epoch types.Epoch, members []types.CommitteeMember, seed types.Hash, parent types.Header) error {
	c, err := types.NewCommittee(members)
	if err != nil {
		return err
	}
	e := &era{w: w, epoch: epoch, committee: c, seats: map[int]types.Member{}, seed: seed, parent: parent,
		vertex: map[types.Hash]*types.Vertex{}, leaders: map[types.Round]types.Member{}, verified: map[*types.Vertex]bool{}, proven: map[types.Member]bool{}}
	for i, m := range c.Members() {
		person := w.byKey[m.Key]
		e.people = append(e.people, person)
		e.seats[person] = types.Member(i)
	}
	e.truth = newTruth(c.Len())
	w.eras = append(w.eras, e)
	return nil
}

// newest is the era that began last.
func (w *world) newest() *era { return w.eras[len(w.eras)-1] }

// config is what every core of the era is told.
func (e *era) config(self int) consensus.Config {
	version := e.w.rules.RuleVersion
	if x := e.w.m.Epochs; x != nil && x.Upgrade {
		version++
	}
	return consensus.Config{Network: e.w.network, RuleVersion: version, Windows: e.w.windows(), Epoch: e.epoch, Committee: e.committee, Seed: e.seed, Self: self, Parent: e.parent,
		Rules: e.w.rules, Pacing: consensus.Pacing{MinRound: ms(e.w.m.Pacing.MinRound)}}
}

func (w *world) windows() consensus.Windows {
	if x := w.m.Windows; x != nil {
		return consensus.Windows{Repeats: types.Round(x.Repeats), Transactions: x.Transactions}
	}
	return consensus.Windows{}
}

// answer is what the state says about the epoch after this one.
func (e *era) answer() consensus.NextEpoch {
	return consensus.NextEpoch{Committee: e.w.bonded(e.epoch + 1), SettledHeight: e.parent.Height,
		SettledClaim: sha256.Sum256(binary.BigEndian.AppendUint64([]byte("claim"), uint64(e.epoch)))}
}

// leader is the author of a round's first slot.
func (e *era) leader(r types.Round) types.Member {
	m, known := e.leaders[r]
	if !known {
		m = e.committee.Draw(e.seed, r)[0]
		e.leaders[r] = m
	}
	return m
}

// amongF picks members with at most f stake by the bits of a number.
func (e *era) amongF(bits uint64, person int) bool {
	n := uint64(e.committee.Len())
	room := e.committee.F()
	for k := range n {
		i := types.Member((k + bits) % n)
		stake := e.committee.Stake(i)
		if stake > room {
			return false
		}
		if e.people[i] == person {
			return true
		}
		room -= stake
	}
	return false
}

// honestMember reports whether a member runs honest machines only.
func (e *era) honestMember(m types.Member) bool {
	if int(m) >= len(e.people) {
		return false
	}
	for _, x := range e.w.machines {
		if x.person == e.people[m] {
			return x.honest
		}
	}
	return false
}

// tolerated reports whether the faulty have at most f stake in the committee. Members that are left out of it make it
// smaller, so that what the protocol stands may be exceeded by the faults of a manifest that began within it.
func (e *era) tolerated() bool {
	var stake types.Stake
	for person := range e.w.m.faulty() { // a sum
		if seat, has := e.seats[person]; has {
			stake += e.committee.Stake(seat)
		}
	}
	return stake <= e.committee.F()
}
