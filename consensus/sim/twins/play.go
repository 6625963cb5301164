package twins

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

const (
	// HealRounds is how many rounds after the last partition a new batch must be released in: those who lag catch up in
	// the first, its receipt is in a vertex of the next, which is decided three rounds above, or by an anchor three rounds
	// above that, and theta passes it with the vertices sequenced after.
	HealRounds = 12

	roundTime = time.Second
	pulseTime = 50 * time.Millisecond // between messages and the requests that follow from them
	pulses    = 4
	begin     = types.Time(1_700_000_000_000_000)
)

// Failure says what broke.
type Failure struct {
	Scenario Scenario `json:"scenario"`
	Round    int      `json:"round"` // of the scheduler, from 1
	Node     int      `json:"node"`
	What     string   `json:"what"`
}

func (f *Failure) Error() string {
	return fmt.Sprintf("round %d, node %d: %s", f.Round, f.Node, f.What)
}

// world is one run.
type world struct {
	scenario  Scenario
	committee *types.Committee
	seed      types.Hash
	parent    types.Header
	rng       *rand.Rand

	now     types.Time
	round   int
	part    Partition
	nodes   []*node
	mail    []func() // what is under way inside the parts
	batches map[types.BatchID]consensus.BatchHeld
	truth   truth
	failure *Failure
}

// node is one core with the little that its driver keeps.
type node struct {
	w      *world
	index  int
	member types.Member
	honest bool
	core   *consensus.Core
	dead   bool // a twin's core may stop: its key is convicted before its eyes
	bodies map[types.BatchID]bool
	held   map[types.Hash]*types.Vertex
	log    []*types.Vertex
	said   said
}

// Play plays a scenario, and returns what broke, or nil.
func Play(s Scenario) (failure *Failure) {
	w := newWorld(s)
	defer func() {
		if p := recover(); p != nil {
			w.fail(nil, "panic: %v", p)
		}
		failure = w.failure
	}()
	for _, p := range s.Rounds {
		w.turn(p, true)
		w.checkDefinition()
	}
	w.heal()
	w.checkDefinition()
	w.checkOrder()
	return nil
}

func newWorld(s Scenario) *world {
	w := &world{scenario: s, committee: committees[s.Members], now: begin, rng: rand.New(rand.NewPCG(s.Seed, 1)), batches: map[types.BatchID]consensus.BatchHeld{}}
	w.seed = sha256.Sum256(binary.BigEndian.AppendUint64([]byte("twins"), s.Seed))
	w.parent = types.Header{Version: types.Version, Time: begin - 1000}
	twins := doubled(s.Members)
	for i := range s.Members + twins {
		n := &node{w: w, index: i, member: types.Member(i % s.Members), honest: i >= twins && i < s.Members,
			bodies: map[types.BatchID]bool{}, held: map[types.Hash]*types.Vertex{}}
		w.nodes = append(w.nodes, n)
		core, err := consensus.New(w.config(int(n.member)))
		if err != nil {
			w.fail(n, "a core cannot be made: %v", err)
			return w
		}
		n.core = core
	}
	return w
}

// committees are those of equal stakes, by size.
var committees = func() (out [MaxMembers + 1]*types.Committee) {
	for n := MinMembers; n <= MaxMembers; n++ {
		members := make([]types.CommitteeMember, n)
		for i := range members {
			seed := sha256.Sum256([]byte{'t', 'w', 'i', 'n', 's', byte(i)})
			members[i] = types.CommitteeMember{Key: types.PublicKey(ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)), Stake: 1}
		}
		sort.Slice(members, func(i, j int) bool { return bytes.Compare(members[i].Key[:], members[j].Key[:]) < 0 })
		c, err := types.NewCommittee(members)
		if err != nil {
			panic(err) // of constants
		}
		out[n] = c
	}
	return out
}()

// config lets a core make one vertex a round of the scheduler: all waits of its own are shorter than that.
func (w *world) config(self int) consensus.Config {
	return consensus.Config{Committee: w.committee, Seed: w.seed, Self: self, Parent: w.parent,
		Rules: rules,
		Pacing: consensus.Pacing{MinRound: roundTime - pulses*pulseTime, HeartbeatRound: roundTime - pulses*pulseTime, Wait: time.Millisecond,
			MaxWait: time.Millisecond, FetchDelay: time.Millisecond, FetchRetry: pulseTime / 2, Resend: roundTime / 2}}
}

var rules = consensus.Rules{Interval: 500_000, Heartbeat: 10_000_000, BlockBytes: 1 << 20, BlockGas: 60_000_000, RuleVersion: 1}

// turn plays one round of the scheduler. Every part with load is handed a batch of its own.
func (w *world) turn(p Partition, load bool) {
	w.round++
	w.part = p
	w.now += types.Time(roundTime.Microseconds())
	for d := byte('0'); load && d < '0'+maxParts; d++ {
		b := w.newBatch(d)
		for _, n := range w.nodes {
			if p[n.index] == d {
				n.hold(b, -1)
			}
		}
	}
	for i := range pulses {
		for _, n := range w.nodes {
			if w.round == 1 && i == 0 {
				n.step(consensus.Start{})
			}
			n.step(consensus.Tick{})
		}
		w.deliver()
		w.now += types.Time(pulseTime.Microseconds())
	}
	w.now -= types.Time(pulses * pulseTime.Microseconds())
}

// deliver lets messages arrive, in a drawn order, until none is under way.
func (w *world) deliver() {
	for len(w.mail) > 0 && w.failure == nil {
		i, last := w.rng.IntN(len(w.mail)), len(w.mail)-1
		arrive := w.mail[i]
		w.mail[i] = w.mail[last]
		w.mail = w.mail[:last]
		arrive()
	}
}

// heal joins all nodes and demands that what is new is released.
func (w *world) heal() {
	whole := partitions(len(w.nodes))[0]
	fresh := types.BatchID{}
	for i := range HealRounds {
		if w.failure != nil || fresh != (types.BatchID{}) && w.truth.releasedByAll(w, fresh) {
			return
		}
		w.turn(whole, i == 0)
		if i == 0 {
			fresh = w.batchID('0')
		}
	}
	if w.failure == nil && !w.truth.releasedByAll(w, fresh) {
		w.fail(nil, "a new batch is not released everywhere %d rounds after the last partition", HealRounds)
	}
}

func (w *world) batchID(part byte) types.BatchID {
	return types.BatchIDOf([]byte(fmt.Sprintf("batch %d %c", w.round, part)))
}

func (w *world) newBatch(part byte) consensus.BatchHeld {
	id := w.batchID(part)
	b := consensus.BatchHeld{ID: id, Txs: []consensus.TxInfo{{Hash: types.Hash(id[4:]), Gas: 21_000, Size: 100}}, Size: 100, Admitted: true, From: -1}
	w.batches[id] = b
	return b
}

func (w *world) fail(n *node, format string, args ...any) {
	if w.failure != nil {
		return
	}
	w.failure = &Failure{Scenario: w.scenario, Round: w.round, Node: -1, What: fmt.Sprintf(format, args...)}
	if n != nil {
		w.failure.Node = n.index
	}
}

// together reports whether messages pass between two nodes.
func (w *world) together(a, b *node) bool { return w.part[a.index] == w.part[b.index] }
