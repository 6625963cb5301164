// Package sampling tells whether the data of certified blocks is available, without downloading it.
//
// For each certified header a client draws a few row indices in private and asks for these rows. Rows are checked one by
// one against the header's commitment (package coding), so what counts is only how many come back. Sources: Al-Bassam,
// Sonnino, Buterin, "Fraud and Data Availability Proofs" (2018); ZODA (ePrint 2025/034).
//
// # Rules
//
//   - No data: no rows, available.
//   - K <= 64 (about 64 KiB): any K correct rows are fetched and decoded. Nothing is left to chance.
//   - Above: 33 distinct rows, available if at least 28 come; else, as soon as nothing comes for half a second, 11 more,
//     available if at least 34 of the 44 come. A block that cannot be rebuilt has at most K-1 rows to show, and passes with a
//     chance below 2^-39 ([MissLog2] computes it exactly). Rule 28 of 33 tolerates that a third of the network is dead. Once a
//     rule is satisfied the rest is cut off: it can change nothing, and costs the client's line.
//   - Strict: 59 of 59, else 87 of 92. Then it is also proven that any K correct rows decode alike.
//
// Opening and rows are asked for at once; rows wait for the opening to be judged.
//
// # Invariants
//
//	I1  The indices of a block are uniform, distinct, drawn once, and on disk before the first question; neither a retry
//	    nor a restart draws again, and stricter rules continue the draw. Else a withholder could be asked until he is lucky.
//	I2  K and N follow from the header's data length alone.
//	I3  A row whose path misses the row root, and an opening that misses the commitment, are the peer's lie: counted, and
//	    others are asked. A committed row with a wrong combination is the block's: the verdict is Misencoded at once,
//	    whatever else was answered, and its proof is handed on.
//	I4  Available and Misencoded are final (but a proof of bad encoding overturns Available). Unavailable is not: the same
//	    indices are asked again, ever less often, until the retention time of the block ends.
//	I5  Safe never passes a block that is not available.
//	I6  The newest block is sampled first; at most Parallel blocks are at once, at most 92 rows of each.
//	I7  The bytes received stay within Rate, over some seconds; below it nothing waits.
//	I8  A receipt that verifies is consistent with the genesis in all it shows. It shows what was served, not that it was.
//
// # Adversary
//
// Publisher and any number of holders may lie together, but decide which rows to serve without knowing the indices.
// Indices are private, not unlinkable: the holders of a row see who asks. A withholder that recognises a client can serve
// it alone: he has K-1 rows to give away, 28 a client, enough to fool about 0.35 n/33 clients a block (11 for 1 MiB, 43 for
// 8 MiB). What clients fetched they can re-serve, and full peers decode every block, so he cannot fool everybody for long.
// Without strict mode a block of which up to half of the rows are garbage may pass with a chance far above 2^-39; that
// it decodes at all is not in doubt, that it decodes alike for everybody is. docs/availability.md has the numbers.
//
// # Use
//
// [New] builds, [Client.Run] blocks and owns the schedule; one goroutine a block in work. Every other method may be
// called from any goroutine.
//
//	rules.go    how many rows, drawing them       miss.go        chance that an unavailable block passes
//	result.go   verdicts and how they are stored  attempt.go     one look at one block
//	client.go   configuration, what was found     run.go         which block next
//	fetcher.go  verified rows of one block        budget.go      bytes a second
//	rebuild.go  data from any K rows              restore.go     the same, checked as a whole, with progress
//	record.go   receipts kept                     receipt.go     their format
//	verify.go   receipts checked offline          prune.go       what is too old
//	conviction.go  verdicts by others' proofs
package sampling
