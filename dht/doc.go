// Package dht keeps the rows of coded blocks at the peers of the network: it places them, publishes them, serves them
// and finds them again.
//
// # Records
//
// One row is one record of a Kademlia DHT (go-libp2p-kad-dht under the protocol prefix /bedrock/<network id>), key
// "/bedrock-row/" || sha256(commitment || LE32 index). The value carries all it takes to get from the row back to the
// key ([Record]), so any standard Kademlia peer finds and checks a row knowing nothing but the key and one address.
//
// A row is kept by the r servers nearest to its key. Publishers do not look each key up: they keep a table of the
// servers ([DHT.Servers]), group the rows by holder and write to each holder one stream of the row protocol (wire.go).
// Readers ask the nearest servers directly, then members of the committee, and fall back to Kademlia lookups.
//
// # Invariants
//
//	I1  A row enters the disk only by the row protocol, after its header's certificate (or a member's signature, and
//	    then only into bounded memory), the block's opening and the row itself were verified. kad-dht's PUT_VALUE
//	    cannot know its sender; it stores nothing.
//	I2  A server takes a row only if it is among the 2r nearest servers it knows of, and takes it once.
//	I3  Rows on disk never exceed the budget; a certified row is never displaced, only given up after the retention
//	    time. Rows without certificate are at most 8 heights ahead, one commitment a member and height, 64 MiB, 60 s.
//	I4  Every row of a certified header that a holder acknowledges is on its disk, readable by GET_VALUE and by the
//	    row protocol.
//	I5  Nothing is allocated for a peer before its length was checked; at most 64 requests are served at once, 4 a peer.
//	I6  Whether an answer is right is the caller's to judge; a peer that lied is not asked or served for ten minutes.
//	I7  Every decoder is strict: one encoding a value.
//	I8  A member of the committee that keeps a block whole answers for all its rows and stores none; encoding old blocks
//	    again for strangers takes at most a tenth of a core.
//	I9  Repair never gives a row up, believes nobody's word that rows live without having seen some of them, sends only
//	    rows that a verifier accepted or whose row root came out, and is bounded in questions, bytes and cores.
//
// # Adversary
//
// Servers may lie, be silent, forget and be many. A false row fails its check against the key and another holder is
// asked. Whoever owns all of the r nearest identities of a key can hide that row: identities of one /24 or /48 count
// once, readers look at 2r places, and sequencers keep whole blocks as a last resort. Publishers may send what they
// like: without a quorum certificate it takes a committee key to place anything, and then only what I3 allows. Queries
// reveal to the holders who samples what.
//
// # Use
//
// [New] builds, [DHT.Run] blocks and keeps house, both once. All other methods may be called from any goroutine. kad-dht
// starts goroutines of its own, which Close ends; each request served runs in the stream's goroutine.
//
//	record.go       key and value of a row, validator     inclusion.go   from a row back to its commitment
//	wire.go         messages of the row protocol          serve.go       answering questions
//	offer.go        taking rows that are offered          keep.go        rows the node came by otherwise
//	rows.go         rows on disk, budget, expiry          view.go        what kad-dht sees of them
//	provisional.go  rows that wait for a certificate      door.go        limits on requests, liars
//	whole.go        rows cut out of whole blocks          places.go      which key is which row of them
//	servers.go      table of servers, nearest             sweep.go       how the table is filled
//	offering.go     rows offered to one holder            publish.go     a member's part of a block
//	spread.go       rows of a block to their holders      handon.go      rows passed on to other holders
//	uplink.go       limits on what is sent                takeover.go    rows of silent publishers
//	stats.go        what is counted
//	fetch.go        rows from holders: whom to ask        hunt.go        asking for many at once
//	race.go         when to ask whom                      pace.go        how long others take
//	reach.go        connecting, quick streams             inquirers.go   one peer's questions in turn
//	ask.go          opening, single row, lookup
//	repair.go       repair: rounds, pace, counts          repairplan.go  what to look at next
//	copying.go      copies for the nearest servers        census.go      which rows live
//	rebuild.go      blocks made again from their rows     repairchecks.go  when to count rows and rebuild
//	verifiers.go    verifiers of recent blocks            sync.go        durable before acknowledged
//	budget.go       what counts against the disk budget   diversity.go   network groups in the routing table
//	errors.go       errors
package dht
