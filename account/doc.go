// Package account is a node's Ethereum account: it owns or operates the node's bond, is paid for its challenges, and sends
// what the node posts on the ledger by itself (assertions, commitments, readiness).
//
// Invariants:
//
//	I1  The secret key leaves the process only into its own key file, which the owner alone can read.
//	I2  A call that Send took is executed at most once: whatever is sent again has the same nonce.
//	I3  A call that Send took is sent again, with higher fees, until it or another transaction of its nonce is executed.
//
// Goroutines: every method may be called from anywhere; Run owns one goroutine, which looks after what was sent.
//
// Files: key.go the key and its file; account.go sending; sent.go one call on its way.
package account
