// Package execution runs ordered blocks in go-ethereum's EVM at the Osaka rules.
//
// Ordering does not execute. A block is a header and its data; this package decides what the data means: which
// transactions are skipped and why, where chunks are cut, what each chunk's claim is. Full peers, provers and the
// stateless verifier of package fraud all run the one function Env.RunChunk, so that they cannot disagree by being
// different programs.
//
// Invariants:
//
//	I1  Nothing outside header, data and the claim before enters execution. BLOCKHASH comes from the header chain.
//	I2  RunChunk is total: no bytes in a block make it fail. An invalid transaction is skipped, charged nothing,
//	    recorded with its reason, and keeps its place. Errors mean that the state itself could not be read.
//	I3  Claims of a chunk are equal whether computed on the full state or on the chunk's witness alone.
//	I4  Every legal chunk can be proven: its metered bytes are at most Rules.ChunkBytes. A transaction that exceeds them
//	    by itself ends as if out of gas.
//	I5  What Apply returned survives a crash at any instant: blocks, receipts and claims are synced before it returns,
//	    and state that was only in memory is rebuilt at Open by executing stored blocks again.
//
// Adversary: whoever writes transactions is hostile; whoever writes witnesses is hostile (package fraud checks their
// shape before this package sees them); the own disk is trusted up to crashes.
//
// Goroutines: Prepare recovers a block's signatures, and Prefetch reads its accounts, in a few goroutines that end before
// they return; go-ethereum's databases have their own. Nothing else is started here. Apply belongs to one goroutine; every
// other method of Chain may be called from any goroutine at any time.
//
// Files: rules.go parameters; basefee.go; prepare.go blocks ahead of their turn; claim.go, frontier.go what a prover
// claims; env.go block context; chunk.go the one driver; transaction.go one transaction; meter.go witness metering;
// recorder.go, nodecache.go, witness.go, codes.go, segments.go, prove.go witnesses; bonds.go, bondgenesis.go, bondview.go,
// escrow.go, nextepoch.go the bonding contract; genesis.go, chain.go, recover.go, records.go, view.go, call.go the executing
// peer.
package execution
