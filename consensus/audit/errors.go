package audit

import (
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// What an audit can end in, besides success.
var (
	// ErrForged says that bytes of the log are not canonical or not what a committee member signed.
	ErrForged = errors.New("the log holds forged or broken bytes")
	// ErrMissing is wrapped by MissingError.
	ErrMissing = errors.New("the log lacks something it refers to")
	// ErrRules says that a signed vertex breaks an ordering rule; no honest sequencer would have it in its log.
	ErrRules = errors.New("a vertex of the log breaks the ordering rules")
	// ErrFuture says that a vertex was made later than the auditor's own clock allows.
	ErrFuture = errors.New("a vertex of the log lies in the future")
	// ErrConflict says that the signed vertices prove that more than the tolerated stake is faulty.
	ErrConflict = errors.New("the log proves that more stake is faulty than the network tolerates")
	// ErrHeader says that the log leads to another block than the one that was certified.
	ErrHeader = errors.New("the log does not lead to the certified header")
	// ErrNotOrdered says that the log, as far as it was fed, does not yet order the transaction into a block.
	ErrNotOrdered = errors.New("the log does not place the transaction")
	// ErrMismatch is wrapped by DifferenceError: the claimed place is not the recomputed one.
	ErrMismatch = errors.New("the claim is not what the log gives")
	// ErrTooMuch says that more bodies wait to be ordered than the auditor agreed to keep.
	ErrTooMuch = errors.New("the log needs more memory than allowed")
)

// MissingError names what a vertex refers to and the log has not brought before it. The vertex was not taken: feed what is
// missing (sequencers serve both by name) and then the log again from Position.
type MissingError struct {
	Position uint64 // vertices taken from the log before this one
	Vertex   types.VertexRef
	Parents  []types.Hash
	Batches  []types.BatchID
}

// Error says what is missing.
func (e *MissingError) Error() string {
	what := fmt.Sprintf("%d vertices and %d batches", len(e.Parents), len(e.Batches))
	switch {
	case len(e.Parents) == 1 && len(e.Batches) == 0:
		what = "vertex " + e.Parents[0].String()
	case len(e.Parents) == 0 && len(e.Batches) == 1:
		what = "batch " + e.Batches[0].String()
	}
	return fmt.Sprintf("log position %d: vertex of member %d, round %d needs %s: %v: fetch it, or ask another sequencer",
		e.Position, e.Vertex.Author, e.Vertex.Round, what, ErrMissing)
}

// Unwrap is ErrMissing.
func (e *MissingError) Unwrap() error { return ErrMissing }

// DifferenceError is the first field in which a claim differs from what was recomputed. It wraps ErrMismatch when the
// claim is a record or a place, ErrHeader when it is a certified header.
type DifferenceError struct {
	Field    string // name of the field, with its place in lists: "entries[2].time"
	Claimed  string
	Computed string
	kind     error
}

// Error names the field and both values.
func (e *DifferenceError) Error() string {
	return fmt.Sprintf("%v: %s is claimed to be %s, the log gives %s", e.kind, e.Field, e.Claimed, e.Computed)
}

// Unwrap is ErrMismatch or ErrHeader.
func (e *DifferenceError) Unwrap() error { return e.kind }

// differ returns the error for one field, or nil when both values are equal.
func differ[T comparable](kind error, field string, claimed, computed T) error {
	if claimed == computed {
		return nil
	}
	return &DifferenceError{Field: field, Claimed: fmt.Sprint(claimed), Computed: fmt.Sprint(computed), kind: kind}
}

// first returns the first error that is not nil.
func first(problems ...error) error {
	for _, err := range problems {
		if err != nil {
			return err
		}
	}
	return nil
}
