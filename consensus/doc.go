// Package consensus is the ordering core: a deterministic state machine that turns vertices of the committee's
// sequencers into one committed sequence, the sequence into a fair order of batches, and that order into blocks with
// certified headers. See docs/design.md, sections 4 and 11.
//
// The package is pure. Events go in by Core.Step, effects come out; there is no goroutine, clock, lock, log, disk,
// network or randomness, and no output depends on the order of a map. Equal events give equal effects, so a crash is
// mended by replaying the log, and the same code runs under a simulator. One goroutine at a time may use a Core.
//
// # Duties of the driver
//
// Check signatures before VertexReceived. Before a restart's first Start, hand over the stored bodies (BatchHeld) and
// the stored vertices in their order of acceptance (Restored), in chunks of any size as long as a body precedes the
// vertices that receipt it. Answer every Encode by Encoded and every Sign by Signed. A Fetch may name a body that the
// driver already has (the core forgets bodies that nothing refers to): then BatchHeld is the answer. Persist before
// Send, always. Answer AskNextEpoch by NextEpoch. When the epoch has Ended and its last header is certified, start the next
// epoch's core with what Unordered lists, and keep this one until a quorum of the new epoch's vertices was seen.
//
// # Invariants
//
//	I1  Own vertices: at most one a round, rounds and times strictly ascend, each is persisted before it is sent.
//	I2  The committed sequence (Appended) of any two honest cores: one is a prefix of the other.
//	I3  The same holds for Released and Closed: they are functions of the sequence alone.
//	I4  theta never falls; the keys (fair time, sha256(seed, CID)) of released batches strictly ascend.
//	I5  A vertex is accepted only after all its parents above the horizon and the bodies of all its receipts.
//	I6  Certified headers come in order of height without a gap, each built by this core.
//	I7  Memory is bounded, however long the epoch: what was released is remembered for a stretch of it.
//	I8  A core that goes on from a cut says what one that replayed everything says.
//
// # Adversary
//
// Up to f stake, f < a third, signs anything it likes, at any time, and shows it to whom it likes; the network delays
// and reorders. Nothing a peer sends makes Step panic. What cannot happen below that bound (two certified vertices of
// one slot, two quorums at one height, more than f stake excluded) stops the core: Err tells, with the evidence, and
// no further effect is produced.
//
// # Files
//
//	event.go         events and effects                 config.go       parameters
//	core.go          the machine and its step           status.go       what it tells about itself
//	accept.go        from received to accepted          rules.go        the rules about a vertex's parents and times
//	room.go          how much of it may wait            batches.go      bodies held, own receipts waiting
//	fetch.go         what is missing and whom to ask
//	dag.go           accepted vertices, ancestors       prune.go        the horizon
//	commit.go        votes, certificates, verdicts      sequence.go     from verdicts to the committed sequence
//	fairorder.go     receipts, openings, fair times     theta.go        the bound below which order is final
//	blocks.go        released batches to blocks         certificates.go headers, signatures, certificates
//	seals.go         certificates in the sequence       verdicts.go     who stated that a challenge is valid
//	upheld.go        own such statements
//	epoch.go         the epoch's end                repeats.go      how long the released is remembered
//	cut.go           the order's state at a round   cutstate.go     its encoding
//	resume.go        a core that goes on from it
//	pace.go          when to make a vertex              propose.go      making it
//	send.go          who lacks what                     memberset.go, quantile.go  small leaves
package consensus
