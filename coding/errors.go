package coding

import (
	"errors"
	"fmt"
)

// Errors that callers test with errors.Is.
var (
	// ErrLength: the data is longer than MaxLength.
	ErrLength = errors.New("coding: data too long")
	// ErrParams: the Params are not those that ParamsFor gives for their length.
	ErrParams = errors.New("coding: parameters do not follow from the data length")
	// ErrMalformed: bytes are not the canonical encoding of what they should be. The sender's fault.
	ErrMalformed = errors.New("coding: malformed encoding")
	// ErrOpening: row root and combinations do not open the commitment. The sender's lie; ask someone else.
	ErrOpening = errors.New("coding: opening does not match the commitment")
	// ErrPath: a row is not a committed row at its index (index out of range, wrong size, path misses the row root).
	// The sender's lie; says nothing about the block.
	ErrPath = errors.New("coding: row is not under the committed root")
	// ErrTooFew: fewer than K distinct rows were given.
	ErrTooFew = errors.New("coding: too few distinct rows")
	// ErrPadding: correct rows decode to data with non-zero padding. The block's lie: nobody can read the block.
	ErrPadding = errors.New("coding: non-zero padding")
	// ErrInconsistent: the data was rebuilt, but its encoding has another commitment, so some committed rows are not
	// part of one codeword. The data may be used, rebuilt rows must not be served. Not a verdict on validity.
	ErrInconsistent = errors.New("coding: committed rows are not one codeword")
	// ErrNotEvidence: what is offered as proof of bad encoding shows a correct row. The accuser's lie.
	ErrNotEvidence = errors.New("coding: row is correctly encoded, nothing is proven")
)

// Reason says why a committed row convicts its block.
type Reason uint8

const (
	// ReasonCombination: the row's combination differs from the committed one.
	ReasonCombination Reason = 1
	// ReasonPadding: bytes behind the end of the data are not zero.
	ReasonPadding Reason = 2
)

// String names the reason in words.
func (r Reason) String() string {
	switch r {
	case ReasonCombination:
		return "combination differs from the committed one"
	case ReasonPadding:
		return "padding is not zero"
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// BadEncodingError is the verdict that a block is mis-encoded: the row is committed at its index, and is wrong there.
// It convicts whoever vouched for the commitment, never the peer that handed the row over.
type BadEncodingError struct {
	Index    uint32   // row index
	Reason   Reason   // what is wrong
	Evidence Evidence // proof for third parties; shares memory with the shard that was checked
}

// Error implements error.
func (e *BadEncodingError) Error() string {
	return fmt.Sprintf("coding: block is mis-encoded at row %d: %s; do not use the block, publish the evidence", e.Index, e.Reason)
}
