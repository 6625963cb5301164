package wan

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"sort"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/sim/internal/timeline"
	"github.com/etherscale/bedrock/types"
)

// begin is when every run starts.
const begin = types.Time(1_700_000_000_000_000)

const (
	payloadBytes  = 250
	batchPayloads = 16
	batchBytes    = payloadBytes * batchPayloads
	batchGap      = time.Second * batchPayloads / 1000 // mean time between two batches of the whole network
)

// world is one run.
type world struct {
	cfg       Config
	fault     Fault
	committee *types.Committee
	geo       *geography
	mesh      [][]types.Member
	rng       *rand.Rand
	network   types.NetworkID

	now   types.Time
	queue timeline.Queue[happening]
	nodes []*node

	batches []*batch
	byID    map[types.BatchID]*batch
	sizes   map[*types.Vertex]int // of the encoding
	sent    Traffic
	err     error
}

// batch is something to order.
type batch struct {
	id        types.BatchID
	tx        consensus.TxInfo
	entry     types.Member
	submitted types.Time
	released  types.Time // at its entry; 0: not yet
}

func newWorld(cfg Config, fault Fault) (*world, error) {
	w := &world{cfg: cfg, fault: fault, now: begin, network: types.NetworkID{5},
		rng:  rand.New(rand.NewPCG(cfg.Seed, uint64(cfg.N))),
		byID: make(map[types.BatchID]*batch), sizes: make(map[*types.Vertex]int)}
	w.geo = newGeography(cfg.N, cfg.Jitter, w.rng)
	if err := w.makeCommittee(); err != nil {
		return nil, err
	}
	w.mesh = newMesh(cfg.N, w.rng)
	faulty := w.faulty()
	for i := range cfg.N {
		n, err := w.newNode(types.Member(i))
		if err != nil {
			return nil, err
		}
		n.faulty = faulty[i]
		if fault == Clock && n.faulty {
			n.offset += wrong
		}
		w.nodes = append(w.nodes, n)
	}
	return w, nil
}

// faulty picks the members that the fault befalls.
func (w *world) faulty() map[int]bool {
	out := make(map[int]bool)
	switch w.fault {
	case None, Idle:
	case Crashed, HalfPublished:
		for _, i := range w.rng.Perm(w.cfg.N)[:int(w.committee.F())] {
			out[i] = true
		}
	case Slow:
		w.geo.slow = w.rng.IntN(w.cfg.N)
		out[w.geo.slow] = true
	case Clock:
		out[w.rng.IntN(w.cfg.N)] = true
	}
	return out
}

func (w *world) makeCommittee() error {
	members := make([]types.CommitteeMember, w.cfg.N)
	for i := range members {
		seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("wan"), uint64(i)))
		public := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
		members[i] = types.CommitteeMember{Key: types.PublicKey(public), Stake: 1}
	}
	sort.Slice(members, func(i, j int) bool { return bytes.Compare(members[i].Key[:], members[j].Key[:]) < 0 })
	c, err := types.NewCommittee(members)
	w.committee = c
	return err
}

func (w *world) after(d time.Duration, h happening) {
	w.queue.Push(w.now.Add(max(d, 0)), h)
}

// run lets happen what happens until end.
func (w *world) run(end types.Time) {
	for w.queue.Due(end) && w.err == nil {
		at, h := w.queue.Pop()
		w.now = at
		w.happen(h)
	}
	w.now = end
}

func (w *world) happen(h happening) {
	n := w.nodes[h.to]
	if n.crashed {
		return
	}
	switch load := h.load.(type) {
	case *batch:
		n.hold(load, -1)
		if h.what == submitted {
			w.gossip(load)
		}
	case *message:
		n.take(load, h.from, h.what == answered)
	case *request:
		n.serve(load, h.from)
	default:
		if n.wake == w.now {
			n.step(consensus.Tick{})
		}
	}
}

func (w *world) anybody() types.Member { return types.Member(w.rng.IntN(w.cfg.N)) }

// submit makes a batch enter, and the next one some time later.
func (w *world) submit(until types.Time) {
	for at := w.now; ; {
		at = at.Add(time.Duration(w.rng.ExpFloat64() * float64(batchGap)))
		if at >= until {
			return
		}
		b := &batch{id: types.BatchIDOf(binary.BigEndian.AppendUint64([]byte("batch"), uint64(len(w.batches)))), submitted: at}
		b.tx = consensus.TxInfo{Hash: sha256.Sum256(b.id[:]), Gas: 21_000, Size: batchBytes}
		for b.entry = w.anybody(); w.nodes[b.entry].faulty && (w.fault == Crashed || w.fault == HalfPublished); {
			b.entry = w.anybody()
		}
		w.batches = append(w.batches, b)
		w.byID[b.id] = b
		w.after(time.Duration(int64(at-w.now))*time.Microsecond, happening{what: submitted, to: b.entry, load: b})
	}
}

// size is the length of the vertex's encoding.
func (w *world) size(v *types.Vertex) int {
	size, known := w.sizes[v]
	if !known {
		size = len(v.Encode())
		w.sizes[v] = size
	}
	return size
}
