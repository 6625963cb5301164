// Package pool is where transactions enter the network and where batches of other peers are judged.
//
// # What it decides
//
//   - Structure (envelope.go): what every peer must agree on before a batch may be in the DAG. A pure function of the
//     bytes and the chain id (docs/design.md, section 11, Batch).
//   - Admission (rules.go, admit.go): what this peer passes on and, as a sequencer, lists in a receipt. It depends on
//     this peer's view of the state and may differ between honest peers; execution decides in the end.
//
// # Two limits per account
//
// Ordering does not execute, so a transaction that turns out invalid is carried for nothing. What one account may have
// under way is therefore small: AccountTransactions and AccountBytes ordered or on their way and not executed, one if the
// account has code or is about to (EIP-7702), nonces without a gap, all of it payable from its balance. A wallet may
// hand over more at once, up to AccountQueue: the entry peer holds the rest back and releases it as the first ones are
// executed. So nothing that waits here is lost when it waits. From batches of others twice as much is admitted, because this
// peer may have executed a block less than their entry peer.
//
// # Batches of others
//
// A batch is admitted whole or not at all, since a receipt names a batch. Its sender can only be blamed for what no honest
// entry peer lets in (rules.go); what depends on the state may race. So a batch is admitted when at least half of its bytes
// and half of its gas are transactions that are new here and admissible: the free ride is bounded by what is paid, and a
// stranger who sends conflicting transactions through many peers cannot spoil the batches of everyone beside him for long:
// what is not executed is published again by its entry peer, one account per batch.
//
// # Invariants
//
//	I1  What was released and not executed of one account is within its limits (twice, for what came from others), and
//	    payable, at admission.
//	I2  An account's transactions are published in order of nonce, within a batch and from batch to batch; consecutive
//	    batches with the same account are Spacing apart, so that they are rarely overtaken on the way.
//	I3  A batch is published at most FlushDelay after its first transaction became ready (Spacing aside), and is valid
//	    under types.DecodeBatch.
//	I4  A transaction that Add accepted is published again with growing pauses until it is executed, replaced, no longer
//	    valid or expired.
//	I5  A batch that is not admitted leaves the pool as it was.
//
// # Adversary
//
// Batches come from strangers: sizes are bounded before anything is allocated, a peer's bytes and transactions a second
// are limited before any signature is recovered, recovery runs on at most Workers goroutines, and the pool as a whole is
// bounded: when it is full it takes nothing new and says so.
//
// # Goroutines
//
// All methods may be called from anywhere. Run owns one goroutine: it flushes, publishes again and expires. State is
// read with the pool's lock held and must not call back.
//
// Map of the files: source.go (what both kinds of pool do), config.go, errors.go, envelope.go and parse.go (structure),
// rules.go (stateless admission), account.go, pool.go (Pool, reading), admit.go (batches of others), add.go (own
// transactions), outbox.go and company.go (coalescing), run.go (publishing), executed.go, opaque.go.
package pool
