// Package sim runs the ordering core under every fault of its model, in virtual time, and checks what must hold. See
// docs/design.md, section 4.
//
// One seed expands to a Manifest (Expand), which says everything about a run: the committee, the network, who crashes
// and when, whose clocks are off, who lies and how. Run plays it: a plain event loop without goroutines, around the
// product's own consensus.Core, unmodified. Equal manifests give equal traces, hashed into Result.Trace. A failing
// manifest is made smaller by Shrink and read with Result.Events and Result.DOT.
//
// A run has two phases. In the first anything in the manifest happens, and only safety is demanded. In the second the
// network is healed and crashed nodes are back, while Byzantine members go on; then everything that is new has to be
// ordered and certified within a stated time.
//
// # Invariants
//
//	S1   agreement      appended, released, closed and certified lists of honest nodes of an epoch are prefixes of one another, over
//	                    all their lives: what a node said before a crash is in what it and all others say later
//	S2   inclusion      no transaction is in two blocks, and all were submitted
//	S3   honest once    no honest key signs two vertices of a round or two headers of a height, over all its lives
//	S4   accusation     no honest member is proven to equivocate; whoever holds two vertices of a slot has said so
//	S5   validity       what an honest node accepts keeps the rules, checked by a second implementation
//	S6   fair order     keys ascend; fair times lie inside the honest receive times; what all honest members received
//	                    before any received the next comes first (up to clock skew, without overflow or repetition)
//	S7   definition     sequence, order and blocks are those of the brute-force twin, over the log
//	S8   replay         the log gives the same sequence, order and blocks again
//	S9   no stop        no honest core stops, rejects an honest vertex or panics
//	S10  bounds         what a core keeps is bounded by the committee and by what is not ordered, at every look; fetched items are at
//	                    most 3 times those that were missing; no core asks to be woken all the time
//	S11  turn           honest members make every round's vertex in turn, but where the design lets them leave rounds out
//	S12  epochs         the last header says what the definition gives for the sequence; a light client that knows the first
//	                    committee follows by headers alone; no transaction is in blocks of two epochs
//	S13  verdicts       a block lists what a quorum of stake has stated in the sequence up to it and no block of the epoch before,
//	                    in that order, and nothing that no honest member verified
//	L1   liveness       after healing, new batches, and all that an honest member holds and admits, are in certified blocks
//	                    within the time stated, whatever epoch they fall in; released within HealRounds of the core; what all of
//	                    the core verified is listed
//
// # What is modelled
//
// A machine is a chain of nodes, one an epoch, each a core with a log of its own. When an epoch's last header is certified, or
// another machine says so and a light client believes it, the next node begins with what the last one left unordered; the old
// one runs on until vertices of a quorum of the new committee are here. The state's answer about the next committee comes
// late, differently at each. Members left out for resting can make the faulty ones more than the protocol stands: there a run
// ends (Counts.Beyond).
//
// The driver: bodies and vertices are appended to a log of which a crash keeps what was synced and nothing, a half or all
// of the rest; crashes also fall between append, sync and send. Catching up, and the question for the others' newest
// vertices after the log was lost, are the real driver's in outline. Signatures are stubs but for one seed in a hundred.
// Not modelled: execution (a certified block counts as executed).
package sim
