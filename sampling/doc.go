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
//   - Above: 33 distinct rows, available if at least 28 come; else 11 more, available if at least 34 of the 44 come. A
//     block that cannot be rebuilt has at most K-1 rows to show, and passes with a chance of at most 2^-39 ([MissLog2]
//     computes it exactly). Rule 28 of 33 tolerates that a third of the network is dead.
//   - Strict: 59 of 59, else 87 of 92. Then it is also proven that any K correct rows decode alike.
//
// # Invariants
//
//	I1  The indices of a block are uniform, distinct, drawn once, and on disk before the first question; neither a retry
//	    nor a restart draws again. Else a withholder could be asked until he is lucky.
//	I2  K and N follow from the header's data length alone.
//	I3  A row whose path misses the row root, and an opening that misses the commitment, are the peer's lie: counted, and
//	    others are asked. A committed row with a wrong combination is the block's: the verdict is Misencoded at once,
//	    whatever else was answered, and its proof is handed on.
//	I4  Available and Misencoded are final. Unavailable is not: the same indices are asked again, ever less often, until
//	    the retention time of the block ends.
//	I5  Safe never passes a block that is not available, and falls below one that is proven mis-encoded afterwards.
//	I6  The newest block is sampled first; at most Parallel blocks are at once, at most 92 rows of each.
//
// # Adversary
//
// Publisher and any number of holders may lie together, but decide which rows to serve without knowing the indices.
// Indices are private, not unlinkable: the holders of a row see who asks. A withholder that recognises a client can serve
// it alone: he has K-1 rows to give away, enough to fool about n ln(4/3)/33 clients a block (9 for 1 MiB, 36 for 8 MiB).
// What clients fetched they can re-serve, and full peers decode every block, so he cannot fool everybody for long.
// Without strict mode a block of which up to half of the rows are garbage may pass with a chance far above 2^-39; that
// it decodes at all is not in doubt, that it decodes alike for everybody is.
//
// # Use
//
// [New] builds, [Client.Run] blocks and owns the schedule; one goroutine a block in work. Every other method may be
// called from any goroutine.
//
//	rules.go    how many rows, drawing them       miss.go     chance that an unavailable block passes
//	result.go   verdicts and how they are stored  attempt.go  one look at one block
//	client.go   configuration, what was found     run.go      which block next
//	rebuild.go  data from any K rows                    conviction.go  verdicts by others' proofs
//	restore.go  the same, checked as a whole, with progress
package sampling
