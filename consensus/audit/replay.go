package audit

import (
	"errors"
	"fmt"
	"slices"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// DefaultMaxBodyBytes is what Config.MaxBodyBytes means when it is 0.
const DefaultMaxBodyBytes = 256 << 20

// Config says what to recompute, and what the auditor knows already.
type Config struct {
	Genesis *types.Genesis
	// Origin is the last header of the epoch before the one whose log is replayed, its certificate verified by the caller;
	// nil: epoch 0 is replayed.
	Origin *types.Header
	// Target is the hash of the transaction that is looked for.
	Target types.Hash
	// Now is the auditor's clock: vertices made later than it, but for a small drift, are refused.
	Now types.Time
	// Info says what a transaction's hash and declared gas limit are, or why it is no transaction. Size is set by Replay.
	Info func(envelope []byte) (consensus.TxInfo, error)
	// Header is the header at a height as certified, if the caller knows it (and has verified its certificate). Known
	// headers are compared with the recomputed ones, and spare encoding blocks that do not hold the target. May be nil:
	// then every block is encoded, and the result holds if at most f stake is faulty.
	Header func(types.Height) (types.Header, bool)
	// Recompute asks to encode the block of a height even though Header knows it. The target's block always is. May be nil.
	Recompute func(types.Height) bool
	// MaxBodyBytes bounds the bodies kept at a time; 0: DefaultMaxBodyBytes.
	MaxBodyBytes int
}

func (c *Config) validate() error {
	var problems []error
	if c.Genesis == nil {
		problems = append(problems, errors.New("audit config: Genesis is missing"))
	} else {
		problems = append(problems, c.Genesis.Validate())
	}
	if c.Origin != nil && c.Origin.Next == nil {
		problems = append(problems, errors.New("audit config: Origin ends no epoch"))
	}
	if c.Info == nil {
		problems = append(problems, errors.New("audit config: Info is missing"))
	}
	if c.Now == 0 {
		problems = append(problems, errors.New("audit config: Now is missing"))
	}
	if c.MaxBodyBytes < 0 {
		problems = append(problems, errors.New("audit config: MaxBodyBytes is negative"))
	}
	return errors.Join(problems...)
}

// Replay derives the order from a log of signed vertices, up to the block that holds the target.
type Replay struct {
	cfg       Config
	network   types.NetworkID
	epoch     types.Epoch
	committee *types.Committee
	core      *consensus.Core

	clock    types.Time                 // newest time in a vertex: what the core is told the time is
	taken    uint64                     // vertices taken, in order of the log
	accepted map[types.Hash]types.Round // vertices above the horizon
	base     types.Round                // the lowest undecided round
	swept    types.Round                // base at the last sweep

	bodies    map[types.BatchID]*body
	bodyBytes int
	records   map[types.BatchID]Record // released, not yet wholly in blocks
	queue     []types.BatchID          // keys of records in order of release
	encodes   []consensus.Encode
	encoder   coding.Encoder // of blocks whose commitment is compared and nothing kept

	met     bool // a body with the target was fed
	left    bool // a batch with the target left the fair order
	height  types.Height
	last    types.Height // of the epoch
	finding *Finding
	err     error
}

// New starts at the epoch's origin. A vertex of another epoch is refused as forged.
func New(cfg Config) (*Replay, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.MaxBodyBytes == 0 {
		cfg.MaxBodyBytes = DefaultMaxBodyBytes
	}
	core, err := coreConfig(cfg.Genesis, cfg.Origin)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	r := &Replay{
		cfg: cfg, network: core.Network, epoch: core.Epoch, committee: core.Committee, base: 1,
		accepted: make(map[types.Hash]types.Round), bodies: make(map[types.BatchID]*body),
		records: make(map[types.BatchID]Record), clock: core.Parent.Time, height: core.Parent.Height,
		last: (core.Parent.Height/types.Height(cfg.Genesis.EpochLength) + 1) * types.Height(cfg.Genesis.EpochLength),
	}
	if r.core, err = consensus.New(core); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	r.step(consensus.Start{}) // an observer makes nothing; started, it tells what it accepts
	return r, r.err
}

// coreConfig is an observer at the start of the epoch after origin, of epoch 0 if that is nil.
func coreConfig(g *types.Genesis, origin *types.Header) (consensus.Config, error) {
	parent, err := g.Header()
	if err != nil {
		return consensus.Config{}, err
	}
	cfg := consensus.Config{Network: parent.Network, Self: -1, Parent: parent, Rules: consensus.RulesOf(g)}
	members := g.Committee
	if origin == nil {
		cfg.Seed, err = g.Seed()
	} else {
		cfg.Parent, cfg.Epoch, cfg.Seed, members = *origin, origin.Epoch+1, types.EpochSeed(origin.Encode()), origin.Next.Committee
	}
	if err != nil {
		return consensus.Config{}, err
	}
	cfg.Committee, err = types.NewCommittee(members)
	return cfg, err
}

// Feed takes the next part of a log: bodies first, then vertices in the responder's order of acceptance, as in
// types.FetchResponse. What was taken before may come again. It returns nil while all is well, also once Done; after a
// MissingError feed what is missing and go on from its position, after any other error give the responder up.
func (r *Replay) Feed(batches, vertices [][]byte) error {
	for _, encoded := range batches {
		if r.Done() || r.err != nil {
			break
		}
		r.err = r.takeBody(encoded)
	}
	for _, encoded := range vertices {
		if r.Done() || r.err != nil {
			break
		}
		if err := r.takeVertex(encoded); errors.Is(err, ErrMissing) {
			return err
		} else if r.err == nil {
			r.err = err
		}
	}
	return r.err
}

// Done reports whether the target's block is closed: more of the log changes nothing.
func (r *Replay) Done() bool { return r.finding != nil }

// Taken is how many vertices of the log were taken so far, repeats not counted.
func (r *Replay) Taken() uint64 { return r.taken }

// Height is the last block that the log has closed so far.
func (r *Replay) Height() types.Height { return r.height }

// step hands an event to the core and everything that follows from it.
func (r *Replay) step(event consensus.Event) {
	effects := r.core.Step(r.clock, event)
	r.absorb(effects)
	for len(r.encodes) > 0 && r.err == nil && !r.Done() {
		next := r.encodes[0]
		r.encodes = r.encodes[1:]
		answer, err := r.encode(next)
		if err != nil {
			r.err = err
			return
		}
		r.absorb(r.core.Step(r.clock, answer))
	}
}

// nextEpoch answers who orders next, as every sequencer did. Where a contract's state decides it, which a log of vertices
// does not show, the epoch's last header as certified says what came of it.
func (r *Replay) nextEpoch() {
	in := consensus.NextEpoch{Committee: r.cfg.Genesis.NextCommittee(r.epoch+1, r.committee)}
	if r.cfg.Genesis.Bonding != nil {
		last, known := r.certified(r.last)
		if !known || last.Next == nil {
			return // the replay ends before that header
		}
		in = consensus.NextEpoch{Committee: last.Next.Committee, SettledHeight: last.Next.SettledHeight, SettledClaim: last.Next.SettledClaim}
		if slices.Equal(in.Committee, r.committee.Members()) {
			in.Committee = nil // the old one stays, whoever of it did nothing
		}
	}
	r.absorb(r.core.Step(r.clock, in))
}

// absorb notes what the core derived. A step's releases come before the blocks they are in.
func (r *Replay) absorb(effects consensus.Effects) {
	if err := r.core.Err(); err != nil {
		r.err = fmt.Errorf("%w: %w", ErrConflict, err)
		return
	}
	for _, v := range effects.Persist {
		r.accepted[v.Digest()] = v.Round()
	}
	for _, rejected := range effects.Rejected {
		r.err = fmt.Errorf("member %d, round %d: %w: %w", rejected.Vertex.Author, rejected.Vertex.Round, ErrRules, rejected.Reason)
		return
	}
	for _, released := range effects.Released {
		r.release(released)
	}
	r.encodes = append(r.encodes, effects.Encode...)
	if effects.AskNextEpoch != 0 {
		defer r.nextEpoch()
	}
	for _, closed := range effects.Closed {
		if r.err = r.closeBlock(closed); r.err != nil || r.Done() {
			return
		}
	}
}
