package chain

import (
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// Conditions that callers test with errors.Is. A certificate that does not verify is types.ErrCertificate.
var (
	// ErrInvalid says that a header cannot belong where it claims to: the sender's lie.
	ErrInvalid = errors.New("header does not belong to this chain")
	// ErrAhead says that a header is too far ahead to be checked or kept; Run fetches what lies between.
	ErrAhead = errors.New("header is too far ahead")
	// ErrOld says that a header differs from the stored one, but is signed by stake that may be free again: it proves nothing.
	ErrOld = errors.New("header is older than stake stays bonded")
	// ErrBody says that data is not that of the block: the sender's lie.
	ErrBody = errors.New("data does not match the header's commitment")
	// ErrUnknown says that a header or body is not here.
	ErrUnknown = errors.New("not known at this height")
	// ErrConflict says that a quorum signed what it must not have signed; see ConflictError.
	ErrConflict = errors.New("the committee's quorum is corrupt, or this node's software differs")
	// ErrOwn says that the own sequencer closed a second, different block at a height.
	ErrOwn = errors.New("the own sequencer closed another block at this height before")
	// ErrStale says that the newest header known here is older than stake stays bonded: nobody's signature on what follows
	// can be believed without a checkpoint.
	ErrStale = errors.New("the newest header that this node knows is too old to follow on from")
	// ErrCheckpoint says that the configured checkpoint contradicts the headers, or cannot be one.
	ErrCheckpoint = errors.New("the checkpoint does not fit")
	// ErrRuleVersion says that the network moved to rules that this program does not know.
	ErrRuleVersion = errors.New("the network uses rules that this version does not know")
)

// ConflictKind says what a conflict consists of.
type ConflictKind uint64

// The kinds of conflict.
const (
	// ConflictTwoHeaders: two certified headers of one height.
	ConflictTwoHeaders ConflictKind = 1
	// ConflictParent: a certified header whose parent is not the certified header before it.
	ConflictParent ConflictKind = 2
	// ConflictRule: a certified header that breaks a rule; Known is the header before it.
	ConflictRule ConflictKind = 3
	// ConflictOwn: a certified header other than the one that the own sequencer closed. Known has no certificate.
	ConflictOwn ConflictKind = 4
	// ConflictEncoding: a certified header of a mis-encoded block; Known and Other are the same. The wrong row is in the
	// challenge that proved it.
	ConflictEncoding ConflictKind = 5
)

func (k ConflictKind) String() string {
	switch k {
	case ConflictTwoHeaders:
		return "two certified headers of one height"
	case ConflictParent:
		return "a certified header with another parent than the certified header before it"
	case ConflictRule:
		return "a certified header that breaks a rule"
	case ConflictOwn:
		return "a certified header other than the one this sequencer computed"
	case ConflictEncoding:
		return "a certified block that is mis-encoded"
	}
	return fmt.Sprintf("conflict of kind %d", uint64(k))
}

// ConflictError is evidence of C4: anyone who has the committee can check the certificates in it.
type ConflictError struct {
	Kind         ConflictKind
	Known, Other types.CertifiedHeader
	Detail       string
}

// Error says what was found and what to do.
func (e *ConflictError) Error() string {
	which := e.Other.Header.Digest().String()
	if e.Kind != ConflictEncoding {
		which = fmt.Sprintf("%s and %s", e.Known.Header.Digest(), which)
	}
	text := fmt.Sprintf("%v: %s at height %d (%s)", ErrConflict, e.Kind, e.Other.Header.Height, which)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text + "; this node no longer follows the chain and keeps the evidence: check that it runs the current version, and compare with other operators before trusting anything newer"
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }
