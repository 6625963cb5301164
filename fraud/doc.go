// Package fraud holds provers to their word. A prover posts an assertion, a transaction with the claims it computed for a run of
// blocks. Whoever executed the same blocks compares, and refutes the first wrong claim with one challenge: a message that anyone
// verifies alone, without any state, by executing one chunk again.
//
// Invariants:
//
//	I1  A challenge that verifies accuses someone who signed something wrong. In particular a witness that lacks a node
//	    makes the challenge invalid, never the accused guilty.
//	I2  For every wrong assertion on a right parent value a challenge exists that verifies, and is at most
//	    MaxChallengeBytes long.
//	I3  No bytes of a challenge bring down a peer: shapes are checked before anything is executed, and execution of
//	    strangers' witnesses happens in a child process with limits on memory and time.
//	I4  Verifier and executor are one code path: execution.Env.RunChunk.
//	I5  A value is settled only on a chain of unrefuted steps from genesis, each asserted for a whole window, over blocks
//	    that were available here.
//
// Adversary: provers lie in any field of any claim, name made-up parents, contradict themselves, craft states whose
// nodes hash correctly but are no tries; anyone sends challenges; a quorum of sequencers may sign bad encodings or two
// headers of one height, which convicts it.
//
// A value is (height, header, all claims of the block): naming it by its last claim alone would let a lie in an earlier
// chunk take honest values down with it. What is refuted is a step (a value on the value before it), for the like reason.
//
// Goroutines: none is started here but those of os/exec in Sandbox. Assertion, Challenge and the verifier are pure values
// and functions; Tracker may be used from any goroutine; Prover, Liar and Challenger belong to one each.
//
// Files: value.go, assertion.go, calldata.go, signed.go, prover.go, liar.go what is claimed; challenge.go, describe.go the envelope of
// all challenges, headers.go the chain they speak of, and wrongstate.go, wrongprefix.go, misconduct.go its kinds; rows.go, pack.go, nodes.go untrusted transactions and witnesses; verify.go the verifier;
// compare.go, build.go own execution against it; job.go, sandbox*.go the child process; challenger.go who challenges; tracker.go, admit.go, settle.go which values stand.
package fraud
