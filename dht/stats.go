package dht

import "sync/atomic"

// Stats is a snapshot of what the DHT holds and knows, and of what it did since it was made.
type Stats struct {
	Rows        int   // rows on disk
	Blocks      int   // blocks they belong to
	Bytes       int64 // bytes they take
	Budget      int64 // bytes they may take
	Provisional int64 // bytes in memory that wait for a certificate
	Servers     int   // known DHT servers, the own node included if it is one

	Taken      uint64 // rows taken from offers
	HandedOn   uint64 // copies made by handing rows on, as their holders acknowledged
	HandOnLost uint64 // rows not handed on: too many waited

	Refused       uint64 // requests refused, for one of these reasons: too many, a banned peer, a lie
	RefusedHeader uint64 // offers refused: the header cannot be trusted (yet), or is too old
	RefusedPlace  uint64 // rows of offers refused: others are nearer
	RefusedFull   uint64 // offers refused: the budget is used up

	Repair RepairStats
}

// counts are what Stats counts; safe for concurrent use.
type counts struct {
	taken, handedOn, handOnLost, refusedHeader, refusedPlace, refusedFull atomic.Uint64
}

// Stats returns a snapshot.
func (d *DHT) Stats() Stats {
	rows, bytes, blocks := d.rows.usage()
	return Stats{
		Rows: rows, Blocks: blocks, Bytes: bytes, Budget: d.cfg.Budget, Provisional: d.waiting.size(), Servers: len(d.servers.list()),
		Taken: d.counts.taken.Load(), HandedOn: d.counts.handedOn.Load(), HandOnLost: d.counts.handOnLost.Load(),
		Refused: d.door.refused.Load(), RefusedHeader: d.counts.refusedHeader.Load(), RefusedPlace: d.counts.refusedPlace.Load(),
		RefusedFull: d.counts.refusedFull.Load(), Repair: d.repair.stats(),
	}
}
