package consensus

import (
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// Core is the ordering state machine of one epoch. Make it by New; use it from one goroutine at a time.
type Core struct {
	cfg      Config
	pacing   Pacing
	n        int
	self     types.Member // valid if member is true
	member   bool
	started  bool
	err      error
	now      types.Time
	fx       Effects
	counters Counters

	dag       *dag
	fair      *fairOrder
	blocks    *blockQueue
	certs     certifier
	epoch     epochEnd
	windows   Windows
	seals     seals
	verdicts  verdicts
	unsealed  map[types.Height]*blockState // closed blocks above the seals
	recent    []types.VertexRef            // appended, of rounds above the horizon, and some below
	owed      map[types.BatchID]struct{}   // bodies that a resumed core was not handed yet
	sequenced uint64                       // length of the committed sequence

	// Reception.
	suspended map[types.Hash]*suspended
	authors   []authorState
	ready     []*suspended // nothing is missing; in order
	delayed   []*suspended // held back by time or by the byte limit
	refused   refusedSet
	proven    []bool      // equivocators
	topHeard  types.Round // highest round in a signed vertex
	// heardLimit is the (f+1)-th largest of the newest times heard, unless heardStale.
	heardLimit types.Time
	largest    types.Stake // of one member
	heardStale bool
	wants      wants

	// Bodies and own receipts.
	batches      map[types.BatchID]*batch
	pending      []*batch // to be receipted, in order of receipt
	pendingBytes int      // their cost
	active       int      // batches with an accepted receipt that is not in the sequence yet
	swept        types.Round
	loose        []looseBody
	looseBytes   int // their cost

	// Own vertices.
	own       *node         // newest accepted own vertex
	draft     *types.Vertex // waits for its signature
	ownHeard  types.Round   // highest round of any own vertex ever seen: never made again
	above     types.Round   // no own vertex up to here: the log was lost
	madeAt    types.Time    // local time of the last own vertex
	burst     types.Round   // the burst that the last own vertex belongs to
	burstAt   types.Time    // local time of the first own vertex in it
	resendAt  types.Time    // when the own vertex goes out again if its round still lacks a quorum
	convicted bool          // an equivocation of the own key is proven: make nothing more
	evidence  []types.Equivocation
	executed  types.Height
	upheld    []ownVerdict // own statements that are not due, at most maxSaid
}

// authorState is what is known about one author's vertices, accepted or not.
type authorState struct {
	heardTime  types.Time  // newest time in a signed vertex
	heardRound types.Round // highest round in a signed vertex
	pushed     room        // its suspended vertices that nobody asked for
	asked      room        // suspended answers to fetches for what it pushed
	tokens     int64       // bytes of bodies its vertices may still bring
	tokensAt   types.Time
	credit     int        // bytes that may be sent for what its vertices lack; negative: in debt
	punctual   uint8      // bit i: its vertex was here when the own one was made, i rounds ago
	lag        types.Time // smoothed delay of its vertex behind the quorum of its round
	lagOff     types.Time // smoothed deviation of that delay
	relayed    uint8      // bit i: its vertex accepted i before the last came from another member
}

// ConflictError says that the core stopped because it saw what at most f faulty stake cannot cause, or what only a bug
// can. Vertices are the evidence, as far as vertices show it.
type ConflictError struct {
	What     string
	Vertices []*types.Vertex
}

// Error says what happened and what to do.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("ordering stopped: %s: keep the data directory and report it", e.What)
}

// New checks the configuration and builds a core at the start of its epoch. ErrRuleVersion: only a newer program can.
func New(cfg Config) (*Core, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n, windows := cfg.Committee.Len(), cfg.Windows.withDefaults()
	c := &Core{
		cfg: cfg, pacing: cfg.Pacing.withDefaults(), n: n,
		dag: newDAG(cfg.Committee, cfg.Seed), blocks: newBlockQueue(cfg.Rules, cfg.Parent.Time, windows.Transactions),
		certs: newCertifier(&cfg), epoch: newEpochEnd(&cfg), windows: windows,
		unsealed: make(map[types.Height]*blockState), owed: make(map[types.BatchID]struct{}),
		suspended: make(map[types.Hash]*suspended), authors: make([]authorState, n), proven: make([]bool, n),
		refused: newRefusedSet(), wants: newWants(), batches: make(map[types.BatchID]*batch),
		seals: newSeals(&cfg), verdicts: newVerdicts(cfg.Committee),
	}
	c.fair = newFairOrder(cfg.Committee, cfg.Seed, cfg.Parent.Time, windows.Repeats, &c.counters)
	if cfg.Self >= 0 {
		c.self, c.member = types.Member(cfg.Self), true
	}
	for i := range c.authors {
		c.authors[i] = authorState{tokens: bodyBurst, punctual: punctualMask}
		c.largest = max(c.largest, cfg.Committee.Stake(types.Member(i)))
	}
	c.executed = cfg.Parent.Height
	return c, nil
}

// Err is the reason why the core stopped; nil while it runs.
func (c *Core) Err() error { return c.err }

// Step takes one event at local time now and returns what the driver must do. The slices of the result belong to the
// caller; the vertices in them are immutable. After a conflict (Err) it does nothing and returns nothing.
func (c *Core) Step(now types.Time, ev Event) Effects {
	if c.err != nil {
		return Effects{}
	}
	c.fx = Effects{}
	c.setClock(now)
	c.dropLoose()
	c.handle(ev)
	c.settle()
	if c.err == nil && c.started {
		c.propose()
		c.resend()
		c.flushFetches()
		c.fx.Wake, c.fx.Burst = c.wake(), c.nextBurst()
	}
	if c.replaying() {
		c.recall()
	}
	c.flushEncodes()
	fx := c.fx
	c.fx = Effects{}
	if c.err != nil {
		return Effects{Equivocations: fx.Equivocations}
	}
	return fx
}

// setClock follows the local clock; when that is set back, intervals that were being waited for begin anew.
func (c *Core) setClock(now types.Time) {
	if now < c.now {
		c.madeAt = min(c.madeAt, now)
		c.burstAt = min(c.burstAt, now)
		c.resendAt = min(c.resendAt, now)
		for r := c.dag.current; r <= c.dag.top(); r++ {
			if rs := c.dag.round(r); rs != nil {
				rs.quorumAt = min(rs.quorumAt, now)
			}
		}
		for i := range c.authors {
			c.authors[i].tokensAt = min(c.authors[i].tokensAt, now)
		}
		c.wants.rewind(now)
	}
	c.now = now
}

func (c *Core) handle(ev Event) {
	switch e := ev.(type) {
	case VertexReceived:
		c.receive(e.Vertex, e.From, e.Asked)
	case BatchHeld:
		c.batchHeld(e)
	case Encoded:
		c.encoded(e)
	case Signed:
		c.signed(e)
	case Upheld:
		c.uphold(e.Verdict)
	case Executed:
		c.executed = max(c.executed, e.Height)
	case NextEpoch:
		c.nextEpoch(e)
	case Restored:
		for _, v := range e.Vertices {
			c.restore(v)
			c.settle()
		}
	case Start:
		c.start(e.Above)
	case Tick:
	}
}

// settle accepts what can be accepted until nothing changes any more.
func (c *Core) settle() {
	c.retryDelayed()
	for len(c.ready) > 0 && c.err == nil {
		s := c.ready[0]
		c.ready = c.ready[1:]
		c.admit(s)
	}
}

// restore takes a vertex of the own log.
func (c *Core) restore(v *types.Vertex) {
	if v != nil {
		c.receive(v, v.Author(), true)
	}
}

// recall asks for the bodies that restored vertices lack: those of batches forgotten since an earlier vertex listed them.
func (c *Core) recall() {
	for _, x := range c.wants.list {
		if x.isBody && !x.done && x.tries == 0 && x.alive() {
			x.tries++
			c.fx.Recall = append(c.fx.Recall, x.body)
		}
	}
}

// replaying is true while the log is handed back after a restart.
func (c *Core) replaying() bool { return !c.started }

func (c *Core) halt(err error) {
	if c.err == nil {
		c.err = err
	}
}

// start ends the replay: the own last vertex is sent again, and headers that lack the own signature are signed.
func (c *Core) start(above types.Round) {
	if c.started {
		return
	}
	if len(c.owed) > 0 {
		c.halt(fmt.Errorf("%w: bodies of %d batches of it were not handed over", ErrCut, len(c.owed)))
		return
	}
	c.started, c.above = true, max(c.above, above)
	c.wants.delayAll(c.now)
	if c.own != nil {
		c.send(c.own)
	}
	c.signHeaders()
	c.askNextEpoch()
}
