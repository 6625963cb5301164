// Package audit lets a stranger recompute the place of a transaction. See docs/audit.md and docs/design.md, section 4.
//
// Sequencers keep, for every batch that left the fair order, a Record (who reported it when, and the median that came
// out), and for every ordered transaction its Place (batch, height, index).
// An auditor trusts neither: it takes the log of signed vertices from any sequencer and runs Replay, which checks
// every signature against the committee of the epoch and derives record, place and block header anew by the ordering core as an
// observer. Finding.CompareRecord and Finding.ComparePlace name the first difference to what was claimed.
//
// Use of a Replay, with ask standing for types.FetchRequest{Log: true, From: from} to any sequencer:
//
//	r, err := audit.New(config)
//	for from := uint64(0); err == nil && !r.Done(); {
//		answer := ask(from)
//		if err = r.Feed(answer.Batches, answer.Vertices); answer.Next == from {
//			break // the log ends here: Verify says how far the transaction has come
//		}
//		from = answer.Next
//	}
//	finding, err := r.Verify()
//
// On a MissingError, fetch what it names by FetchRequest.Vertices and Batches, Feed that, then the same answer again: what
// was taken before is passed over.
//
// The package is pure: bytes come in by Feed, and the clock's reading by Config.Now. One goroutine at a time may use a Replay.
//
// # Invariants
//
//	A1  A Finding depends on the genesis file, the origin given and on signed bytes only, never on an unsigned word of the responder.
//	A2  Nothing is taken from a vertex before its signatures, inner ones included, verified.
//	A3  A finding's header equals the certified header of its height, if the caller knows that one; the data commitment is
//	    computed from the envelopes, not copied.
//	A4  A refusal says which kind of lie it met: ErrForged, ErrMissing, ErrRules, ErrFuture, ErrConflict, ErrHeader,
//	    ErrNotOrdered. After ErrMissing the replay can go on; after any other it repeats the same error.
//	A5  Memory is bounded by what is above the ordering horizon, Config.MaxBodyBytes of bodies, and what the core has to
//	    remember for an epoch (one hash a transaction, one CID a batch).
//	A6  The codecs are of fixed width: every value has exactly one encoding and every other byte string is refused.
//
// # Adversary
//
// The responder may drop, repeat, reorder, forge or cut short anything. Up to f stake may have signed anything. What a
// corrupt quorum can do is written in docs/audit.md.
//
// # Files
//
//	record.go     Record and its codec        place.go   Place
//	replay.go     New, Feed, state            vertices.go, bodies.go  what a log is made of
//	blocks.go     encoding and headers        finding.go  result and comparison
//	errors.go     refusals                    codec.go   fixed-width fields
package audit
