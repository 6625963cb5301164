// Package verified answers questions about the executed state for a node that executes nothing: what peers say is held
// against the claims that the node's tracker knows, so that a peer can refuse an answer but not make one up.
//
// What is proven, and against what:
//
//   - accounts and storage: Merkle paths to the state root of a claim; code: its hash in the account;
//   - receipts and logs: all receipts of a block, against the receipts digest of its claim, each with its place in the block;
//   - transactions: the block's data, against the commitment in the certified header;
//   - calls: run here, under execution's own meter, on a state whose every read is proven;
//   - headers: certified; what only execution knows (state root, gas, base fee) from the claim.
//
// Invariants, each held by a test:
//
//	I1  No answer depends on a byte that is not proven: a peer that changes anything gets an error, or another peer's right
//	    answer is given.
//	I2  What cannot be proven is an error that wraps ErrUnproven; absence is an answer only where it is proven.
//	I3  A claim that is refuted, or one of several unrefuted ones, answers nothing.
//	I4  Every request is bounded: proofs fetched, bytes of receipts, blocks of a log search, gas and time of a call.
//
// Adversary: any number of the peers that are asked, together with provers whose claims stand unrefuted (whose answers are
// theirs, until refuted: that is what "asserted" means), but no quorum of the committee and not all provers of a settled
// value. Trie nodes from peers go through fraud.CheckNodes before a library reads them: the root may be a liar's.
//
// Goroutines: none of its own; all methods are safe for concurrent use.
//
// Files: verified.go (what is known, and where), proof.go (fetching and checking paths), state.go (a state database over
// them), block.go (bodies and receipts), call.go.
package verified
