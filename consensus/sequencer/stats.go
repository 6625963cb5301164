package sequencer

import (
	"sync/atomic"
	"time"

	"github.com/etherscale/bedrock/types"
)

func now() types.Time { return types.TimeOf(time.Now()) }

// Stats counts what happened since New.
type Stats struct {
	Vertices       uint64 // accepted and appended to the log
	Appended       uint64 // joined the committed sequence, replay included
	Released       uint64 // batches that left fair order, replay included
	Certified      uint64 // blocks, replay included
	PushesSent     uint64 // queued for a member
	PushesLost     uint64 // the member's outgoing queue was full
	PushesDropped  uint64 // the member's incoming queue was full
	HoldsDropped   uint64 // the queue of batches was full
	Spilled        uint64 // bodies logged before a vertex receipted them, to save memory
	Fetches        uint64 // requests to members
	FetchesFailed  uint64 // without an answer
	FetchesSkipped uint64 // all members asked for had enough requests under way
	Served         uint64 // requests answered
	BodiesOver     uint64 // pushed beyond a member's allowance
	BadBodies      uint64 // refused or unasked
	BadVertices    uint64 // refused before the core saw them
	Rejected       uint64 // refused by the core
	Equivocations  uint64 // proven
	CatchUps       uint64 // passes over another member's log
	Cuts           uint64 // states saved
	Joins          uint64 // times this node went on from others' state
	CaughtUp       uint64 // vertices new to this node that they brought
	Adopted        uint64 // bodies taken over from the epoch before
	Readmitted     uint64 // batches the pool admitted when asked again
	RowsDropped    uint64 // blocks whose rows were not published, since too many waited
	RowsFailed     uint64 // blocks whose rows were not all published
}

type counters struct {
	vertices, appended, released, certified, pushesSent, pushesLost, pushesDropped, holdsDropped, spilled, fetches,
	fetchesFailed, fetchesSkipped, served, bodiesOver, badBodies, badVertices, rejected, equivocations, catchUps, caughtUp, cuts, joins, adopted, readmitted,
	rowsDropped, rowsFailed atomic.Uint64
}

// Stats is a snapshot of the counters.
func (s *Sequencer) Stats() Stats {
	c := &s.stats
	return Stats{
		Vertices: c.vertices.Load(), Appended: c.appended.Load(), Released: c.released.Load(), Certified: c.certified.Load(),
		PushesSent: c.pushesSent.Load(), PushesLost: c.pushesLost.Load(), PushesDropped: c.pushesDropped.Load(),
		HoldsDropped: c.holdsDropped.Load(), Spilled: c.spilled.Load(), Fetches: c.fetches.Load(),
		FetchesFailed: c.fetchesFailed.Load(), FetchesSkipped: c.fetchesSkipped.Load(), Served: c.served.Load(),
		BodiesOver: c.bodiesOver.Load(), BadBodies: c.badBodies.Load(), BadVertices: c.badVertices.Load(), Rejected: c.rejected.Load(),
		Equivocations: c.equivocations.Load(), CatchUps: c.catchUps.Load(), CaughtUp: c.caughtUp.Load(), Cuts: c.cuts.Load(), Joins: c.joins.Load(),
		Adopted: c.adopted.Load(), Readmitted: c.readmitted.Load(), RowsDropped: c.rowsDropped.Load(), RowsFailed: c.rowsFailed.Load(),
	}
}
