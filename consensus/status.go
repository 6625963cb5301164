package consensus

import "github.com/etherscale/bedrock/types"

// Counters count what happened since the epoch's start (after a restart: since the replay began).
type Counters struct {
	Accepted, Rejected, Fetched  uint64
	DirectCommit, DirectSkip     uint64 // slots, when their turn in the order came
	IndirectCommit, IndirectSkip uint64
	Openings, ImplicitEntries    uint64
	Voids, Exclusions            uint64
	CommitteesRefused            uint64 // next committees from the state that are none: the old one stays
}

func (k *Counters) count(s decided) {
	switch {
	case s.vertex != nil && s.direct:
		k.DirectCommit++
	case s.vertex != nil:
		k.IndirectCommit++
	case s.direct:
		k.DirectSkip++
	default:
		k.IndirectSkip++
	}
}

// Counters returns a copy of the counters.
func (c *Core) Counters() Counters { return c.counters }

// Status is a summary of the core's state.
type Status struct {
	Round           types.Round  // of the newest own vertex; 0: none
	AcceptedRound   types.Round  // highest round of an accepted vertex
	HeardRound      types.Round  // a round that at least one honest member has reached
	DecidedRound    types.Round  // all slots up to it are decided
	Sequenced       uint64       // vertices in the committed sequence
	Theta           types.Time   // fair times below it are final
	Height          types.Height // of the last closed block
	BuiltHeight     types.Height // of the last built header
	CertifiedHeight types.Height
	// IncompleteBatches have a receipt in the sequence and no fair time; PendingReceipts wait for an own vertex;
	// WaitingTransactions and WaitingBytes are released and in no block.
	IncompleteBatches   int
	PendingReceipts     int
	WaitingTransactions int
	WaitingBytes        uint64
	HeldBatches         int
	Rounds              int // of vertices in memory
	Suspended           int // vertices that wait to be accepted
	Missing             int // vertices and bodies that are being fetched
	Congested           bool
	Busy                bool          // something is left to order
	Ended               bool          // the epoch's last block is closed: nothing more is ordered
	Last                types.Height  // last height of the epoch; 0: it does not end
	Convicted           bool          // the own key was proven to equivocate: nothing more is made
	Newest              []types.Round // by member: highest accepted round
	Equivocators        []types.Member
	Counters            Counters
}

// Status describes the core as it stands.
func (c *Core) Status() Status {
	s := Status{
		Round:         c.ownRound(),
		AcceptedRound: c.dag.top(), HeardRound: c.heardRound(), DecidedRound: c.dag.current - 1, Sequenced: c.sequenced,
		Theta: c.fair.theta, Height: c.certs.closed, BuiltHeight: c.certs.built, CertifiedHeight: c.certs.done,
		IncompleteBatches: len(c.fair.live), PendingReceipts: len(c.pending), WaitingTransactions: len(c.blocks.queue),
		WaitingBytes: c.blocks.bytes, HeldBatches: len(c.batches), Rounds: len(c.dag.rounds), Suspended: len(c.suspended),
		Missing: len(c.wants.vertices) + len(c.wants.bodies), Congested: c.congested(), Busy: c.busy(),
		Ended: c.ended(), Last: c.epoch.last,
		Convicted: c.convicted, Newest: make([]types.Round, c.n), Counters: c.counters,
	}
	for a := range s.Newest {
		if n := c.dag.newest[a]; n != nil {
			s.Newest[a] = n.ref.Round
		}
		if c.proven[a] {
			s.Equivocators = append(s.Equivocators, types.Member(a))
		}
	}
	return s
}
