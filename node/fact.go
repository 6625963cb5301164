package node

import (
	"time"

	"github.com/etherscale/bedrock/types"
)

// Fact is something that happened at a node, for whoever watches it (status line, tests). Every fact is one of the types
// below. Facts are told in order of happening from the node's goroutines; a watcher must not block.
type Fact interface{ fact() }

// Released says that a batch has left the fair order at a sequencer: its place is final there. Batches are told in their
// order, from the goroutine that also lays out blocks, so a fact may come behind the block before it. After a restart the
// last ones may be told again.
type Released struct {
	Batch        types.BatchID
	FairTime     types.Time
	Transactions []types.Hash // keccak256 of the envelopes, in the batch's order
}

// Certified says that a block's header has a certificate here.
type Certified struct {
	Header       types.Header
	Signers      int
	Committee    int
	Transactions int // known once the body is here; -1 before
}

// Published says that a sequencer has handed its part of a block's rows to their holders.
type Published struct {
	Height  types.Height
	Rows    int // rows of the node's part
	Stored  int // copies that holders acknowledged
	Holders int
}

// Sampled says that a node has reached a verdict on a block's availability.
type Sampled struct {
	Height   types.Height
	Verdict  string
	Asked    int
	Answered int
	MissLog2 float64 // the chance to be fooled is 2^MissLog2
	Took     time.Duration
}

// Executed says that a node has executed a block.
type Executed struct {
	Height       types.Height
	Transactions int
	Skipped      int
	GasUsed      uint64
	Routine      bool // no transaction of users: no reason for an assertion
}

// Asserted says that a prover's assertion was accepted as well-formed here.
type Asserted struct {
	From, To types.Height
	Prover   types.PublicKey
}

// Refuted says that a challenge proved a claim wrong.
type Refuted struct {
	Height     types.Height
	Kind       string
	Accused    types.PublicKey
	Challenger [20]byte      // payee; see PayeeOf
	Took       time.Duration // from the assertion's arrival here to the verdict
	Size       int           // bytes of the challenge
	Verify     time.Duration // that the verification took; 0 at the challenger itself
	// Differences says in words what the claim has wrong.
	Differences []string
}

func (Released) fact()  {}
func (Certified) fact() {}
func (Published) fact() {}
func (Sampled) fact()   {}
func (Executed) fact()  {}
func (Asserted) fact()  {}
func (Refuted) fact()   {}
