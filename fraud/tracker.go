package fraud

import (
	"errors"
	"slices"
	"sync"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// Why the tracker does not take an assertion; each wraps nothing and is tested with errors.Is.
var (
	// ErrEarly: the assertion covers blocks whose headers are not certified here yet; offer it again later.
	ErrEarly = errors.New("assertion covers blocks that are not certified here yet")
	// ErrOld: everything it covers is settled.
	ErrOld = errors.New("assertion covers settled blocks only")
	// ErrForeignHeader: it speaks of headers that are not of this chain.
	ErrForeignHeader = errors.New("assertion names a header that is not of this chain")
	// ErrNotProver: its prover has no bond that stands.
	ErrNotProver = errors.New("prover of the assertion has no bond that stands")
	// ErrTooMany: its prover has too many unsettled assertions.
	ErrTooMany = errors.New("prover has too many unsettled assertions")
)

// Bounds of what the tracker holds for each prover.
const (
	// An honest prover asserts every block once, a window of them being open: 3600 in half an hour.
	maxUnsettledBlocks = 1 << 14
	maxUnsettledBytes  = 32 << 20
	maxRecords         = 1024
	// maxPast is how many settled values are remembered: an hour of blocks.
	maxPast = 1 << 13
)

// TrackerConfig makes a tracker.
type TrackerConfig struct {
	Rules  execution.Rules
	Base   Parent     // settled without question: genesis, or where the tracker was before a restart
	Time   types.Time // of the base's header
	Window uint64     // microseconds of header time that an assertion stands open
	Step   uint64     // microseconds that one block adds at most
	// Ordered says that a window starts when Order tells of the assertion on the ledger; else when the assertion arrives.
	Ordered bool
	// Bond says who speaks for a prover's key, and whether its bond stands.
	Bond func(types.PublicKey) (Bond, bool)
	// Available reports whether this peer found a block's data available. It is called with the tracker locked.
	Available func(types.Height) bool
	// Unchallenged reports whether peers were asked for challenges against a height, and none is left that was not
	// verified. It is asked once the height's window is over (see Due); nil means always. Called with the tracker locked.
	Unchallenged func(types.Height) bool
}

// Tracker knows which steps are asserted and refuted, and from that which values are settled. A step's window starts in the
// block that orders its first assertion, or, where blocks are not read, at the newest certified header that this peer knew
// when the step was first asserted. Safe for concurrent use.
type Tracker struct {
	mu      sync.Mutex
	config  TrackerConfig
	clocks  map[types.Height]tick
	head    types.Height
	steps   map[Step]*step
	heights map[types.Height][]Step // in order of arrival
	said    map[saying]*SignedAssertion
	provers map[types.PublicKey]*standing
	known   map[types.BatchID]bool
	settled Parent
	past    map[types.Height]Parent // settled ones, the newest maxPast heights
	sampled types.Height            // blocks above the settled one are available up to here
	records []Record
}

// tick is a header's place in time.
type tick struct {
	digest types.Hash
	time   types.Time
	clock  uint64 // header time since the base, of which each block adds at most Step
}

type step struct {
	height   types.Height
	parent   Parent // its value as a parent
	provers  []types.PublicKey
	start    uint64 // clock when its window began; unset until open
	open     bool   // the window began
	asserted bool   // false: known from a refutation only
	refuted  bool
}

// saying is what a prover can say only one way.
type saying struct {
	prover types.PublicKey
	height types.Height
	before Value
}

type standing struct {
	assertions []held
	blocks     int // in all of them
	bytes      int
	convicted  bool
}

type held struct {
	id     types.BatchID
	last   types.Height
	blocks int
	size   int
}

// Standing is where a height stands on the way to settlement.
type Standing string

// The standings of a height, in order.
const (
	StandingNone     Standing = ""
	StandingAsserted Standing = "asserted" // exactly one unrefuted step, on settled or asserted ones
	StandingSettled  Standing = "settled"
)

// AssertedValue is a step that somebody asserted.
type AssertedValue struct {
	Height  types.Height
	Step    Step
	Claim   execution.Claim // the last of the block
	Provers []types.PublicKey
	Refuted bool
}

// Record tells of a challenge that was verified here.
type Record struct {
	ID         types.BatchID
	Kind       Kind
	Height     types.Height
	Accused    []types.PublicKey
	Challenger [20]byte // payee
	Valid      bool
	Reason     string
	Bytes      int
	Millis     float64 // that verification took
	At         types.Time
}

// NewTracker starts at the base value.
func NewTracker(config TrackerConfig) *Tracker {
	t := &Tracker{config: config, settled: config.Base, head: config.Base.Height, sampled: config.Base.Height,
		clocks:  map[types.Height]tick{config.Base.Height: {digest: config.Base.Digest, time: config.Time}},
		steps:   make(map[Step]*step),
		heights: make(map[types.Height][]Step),
		said:    make(map[saying]*SignedAssertion),
		provers: make(map[types.PublicKey]*standing),
		known:   make(map[types.BatchID]bool),
		past:    make(map[types.Height]Parent),
	}
	t.remember()
	return t
}

// AddHeader moves time on: certified headers in order of height. Headers that are not the next are ignored.
func (t *Tracker) AddHeader(h *types.Header) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.clocks[t.head]
	if h.Height != t.head+1 || h.Parent != last.digest {
		return
	}
	step := uint64(0)
	if h.Time > last.time {
		step = min(uint64(h.Time-last.time), t.config.Step)
	}
	t.head = h.Height
	t.clocks[h.Height] = tick{digest: h.Digest(), time: h.Time, clock: last.clock + step}
	t.settle()
}

// Convict takes the consequences of a valid challenge: a wrong step falls together with all that builds on it, and the
// accused are known as convicted. Values that convicted provers asserted rightly keep standing, and what they assert from
// now on is taken and has to be refuted again: whether a key may assert is TrackerConfig.Prover's to say, which is where
// the loss of a bond shows.
func (t *Tracker) Convict(f *Finding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.Kind == KindWrongState || f.Kind == KindWrongPrefix || f.Kind == KindDoubleAssertion {
		for _, key := range f.Accused {
			if t.provers[key] == nil {
				t.provers[key] = new(standing)
			}
			t.provers[key].convicted = true
		}
	}
	if f.Kind == KindBadEncoding || f.Kind == KindDoubleHeader {
		t.sampled = min(t.sampled, max(f.Height, 1)-1) // Available says otherwise from now on
	}
	if f.Refuted == nil || f.Height <= t.settled.Height {
		return
	}
	t.step(*f.Refuted, f.Height).refuted = true
	t.settle()
}

// step finds or makes the record of a step.
func (t *Tracker) step(id Step, height types.Height) *step {
	s := t.steps[id]
	if s == nil {
		s = &step{height: height}
		t.steps[id] = s
		t.heights[height] = append(t.heights[height], id)
	}
	return s
}

// Note keeps the record of a verified challenge; the oldest give way.
func (t *Tracker) Note(r Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.records = append(t.records, r)
	if len(t.records) > maxRecords {
		t.records = slices.Delete(t.records, 0, len(t.records)-maxRecords)
	}
}
