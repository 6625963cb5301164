package sim

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sort"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// begin is when every run starts.
const begin = types.Time(1_700_000_000_000_000)

// world is one run: virtual time, the nodes and what connects them, and what was seen so far.
type world struct {
	m         *Manifest
	committee *types.Committee
	keys      []ed25519.PrivateKey
	network   types.NetworkID
	seed      types.Hash
	parent    types.Header
	rules     consensus.Rules

	now    types.Time
	queue  timeline
	order  uint64
	nodes  []*node // honest and lying; twins are two
	healed bool
	trace  trace

	weather *rand.Rand
	work    *rand.Rand
	disk    *rand.Rand

	batches  []*batch
	byID     map[types.BatchID]*batch
	vertex   map[types.Hash]*types.Vertex // all that were ever sent
	leaders  map[types.Round]types.Member
	verified map[*types.Vertex]bool // of signed runs

	proven  map[types.Member]bool // equivocators that an honest node knew when the network was healed
	truth   truth
	failure *Failure
}

// Failure says which invariant broke, and how.
type Failure struct {
	Invariant string `json:"invariant"` // as in the package's documentation
	What      string `json:"what"`
	Node      int    `json:"node"`
	At        int64  `json:"atUs"` // since the start
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s at %d us, node %d: %s", f.Invariant, f.At, f.Node, f.What)
}

func newWorld(m *Manifest) (*world, error) {
	w := &world{m: m, now: begin, network: types.NetworkID{5}, trace: newTrace(),
		weather: stream(m.Seed, "weather"), work: stream(m.Seed, "work"), disk: stream(m.Seed, "disk"),
		byID: map[types.BatchID]*batch{}, vertex: map[types.Hash]*types.Vertex{}, leaders: map[types.Round]types.Member{}, verified: map[*types.Vertex]bool{}, proven: map[types.Member]bool{},
		rules: consensus.Rules{Interval: 100_000, Heartbeat: 1_000_000, BlockBytes: 6000, BlockGas: 2_000_000, RuleVersion: 1},
	}
	if err := w.makeCommittee(); err != nil {
		return nil, err
	}
	w.seed = sha256.Sum256(binary.BigEndian.AppendUint64([]byte("epoch"), m.Seed))
	w.parent = types.Header{Version: types.Version, Network: w.network, Time: begin - 1000}
	w.truth = newTruth(w)
	liars := map[int]Liar{}
	for _, l := range m.Liars {
		liars[l.Member] = l
	}
	for i := range m.n() {
		l, lying := liars[i]
		if !lying {
			w.addNode(i, nil)
			continue
		}
		w.addNode(i, &l)
		if l.Kind == Twins {
			w.addNode(i, &l)
		}
	}
	return w, nil
}

func (w *world) makeCommittee() error {
	type seat struct {
		key    ed25519.PrivateKey
		public types.PublicKey
	}
	seats := make([]seat, w.m.n())
	for i := range seats {
		seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("sim"), uint64(i)))
		key := ed25519.NewKeyFromSeed(seed[:])
		seats[i] = seat{key, types.PublicKey(key.Public().(ed25519.PublicKey))}
	}
	sort.Slice(seats, func(i, j int) bool { return bytes.Compare(seats[i].public[:], seats[j].public[:]) < 0 })
	members := make([]types.CommitteeMember, len(seats))
	for i, s := range seats {
		members[i] = types.CommitteeMember{Key: s.public, Stake: types.Stake(w.m.Stakes[i])}
		w.keys = append(w.keys, s.key)
	}
	c, err := types.NewCommittee(members)
	w.committee = c
	return err
}

func (w *world) addNode(member int, l *Liar) {
	n := &node{w: w, index: len(w.nodes), member: types.Member(member), liar: l, honest: l == nil}
	n.rng = stream(w.m.Seed, fmt.Sprintf("node %d", n.index))
	n.part = n.rng.Uint64() // which members a twin talks to
	if len(w.nodes) > 0 && w.nodes[len(w.nodes)-1].member == n.member {
		n.part = ^w.nodes[len(w.nodes)-1].part
	}
	w.nodes = append(w.nodes, n)
}

// config is what every core of the run is told.
func (w *world) config(self int) consensus.Config {
	return consensus.Config{Network: w.network, Committee: w.committee, Seed: w.seed, Self: self, Parent: w.parent,
		Rules: w.rules, Pacing: consensus.Pacing{MinRound: ms(w.m.Pacing.MinRound)}}
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func (w *world) after(d time.Duration, do func()) {
	w.order++
	w.queue.push(happening{w.now.Add(max(d, 0)), w.order, do})
}

// at schedules for a time since the start of the run.
func (w *world) at(t int, do func()) {
	w.after(time.Duration(int64(begin)-int64(w.now))*time.Microsecond+ms(t), do)
}

// run lets happen what happens until end, or until something is wrong.
func (w *world) run(end types.Time) {
	for len(w.queue) > 0 && w.queue[0].at <= end && w.failure == nil {
		h := w.queue.pop()
		w.now = h.at
		h.do()
	}
	if w.failure == nil {
		w.now = end
	}
}

// fail notes the first broken invariant.
func (w *world) fail(n *node, invariant, format string, args ...any) {
	if w.failure != nil {
		return
	}
	w.failure = &Failure{Invariant: invariant, What: fmt.Sprintf(format, args...), Node: -1, At: int64(w.now - begin)}
	if n != nil {
		w.failure.Node = n.index
	}
}

// leader is the author of a round's first slot.
func (w *world) leader(r types.Round) types.Member {
	m, known := w.leaders[r]
	if !known {
		m = w.committee.Draw(w.seed, r)[0]
		w.leaders[r] = m
	}
	return m
}
