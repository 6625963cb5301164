package sim

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/sim/internal/timeline"
	"github.com/etherscale/bedrock/types"
)

// begin is when every run starts.
const begin = types.Time(1_700_000_000_000_000)

// world is one run: virtual time, the machines and what connects them, and what was seen so far.
type world struct {
	m        *Manifest
	network  types.NetworkID
	keys     []ed25519.PrivateKey // by person
	byKey    map[types.PublicKey]int
	rules    consensus.Rules
	machines []*machine // honest and lying; twins are two
	eras     []*era     // from epoch 0 on

	now      types.Time
	queue    timeline.Queue[func()]
	healed   bool
	progress progress
	beyond   bool // members left out made the faulty ones too many: the run ends
	trace    trace

	weather *rand.Rand
	work    *rand.Rand
	disk    *rand.Rand

	batches   []*batch
	byID      map[types.BatchID]*batch
	submitted map[types.Hash]bool

	challenges []*challenge
	included   map[types.Hash]types.Height // transactions in closed blocks
	failure    *Failure
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
	w := &world{m: m, now: begin, network: types.NetworkID{5}, trace: newTrace(), byKey: map[types.PublicKey]int{},
		weather: stream(m.Seed, "weather"), work: stream(m.Seed, "work"), disk: stream(m.Seed, "disk"),
		byID: map[types.BatchID]*batch{}, submitted: map[types.Hash]bool{}, included: map[types.Hash]types.Height{},
		rules: consensus.Rules{Interval: 100_000, Heartbeat: 1_000_000, BlockBytes: 6000, BlockGas: 2_000_000, RuleVersion: 1},
	}
	if m.Epochs != nil {
		w.rules.EpochLength = uint64(m.Epochs.Length)
	}
	w.makeKeys()
	seed := types.Hash(sha256.Sum256(binary.BigEndian.AppendUint64([]byte("epoch"), m.Seed)))
	parent := types.Header{Version: types.Version, Network: w.network, Time: begin - 1000}
	if err := w.newEra(0, w.bonded(0), seed, parent); err != nil {
		return nil, err
	}
	liars := map[int]Liar{}
	for _, l := range m.Liars {
		liars[l.Member] = l
	}
	for i := range m.n() {
		l, lying := liars[i]
		if !lying {
			w.addMachine(i, nil)
			continue
		}
		w.addMachine(i, &l)
		if l.Kind == Twins {
			w.addMachine(i, &l)
		}
	}
	return w, nil
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func (w *world) after(d time.Duration, do func()) {
	w.queue.Push(w.now.Add(max(d, 0)), do)
}

// at schedules for a time since the start of the run.
func (w *world) at(t int, do func()) {
	w.after(time.Duration(int64(begin)-int64(w.now))*time.Microsecond+ms(t), do)
}

// run lets happen what happens until end, or until something is wrong.
func (w *world) run(end types.Time) {
	for w.queue.Due(end) && w.failure == nil && !w.beyond {
		at, do := w.queue.Pop()
		w.now = at
		do()
	}
	if w.failure == nil {
		w.now = end
	}
}

// fail notes the first broken invariant.
func (w *world) fail(n *node, invariant, format string, args ...any) {
	if n == nil {
		w.failMachine(nil, invariant, format, args...)
		return
	}
	w.failMachine(n.machine, invariant, format, args...)
}

func (w *world) failMachine(m *machine, invariant, format string, args ...any) {
	if w.failure != nil {
		return
	}
	w.failure = &Failure{Invariant: invariant, What: fmt.Sprintf(format, args...), Node: -1, At: int64(w.now - begin)}
	if m != nil {
		w.failure.Node = m.index
	}
}
