package sampling

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/etherscale/bedrock/types"
)

// Verdict is what sampling says of a block.
type Verdict string

// The verdicts.
const (
	Pending     Verdict = "pending"     // not enough was asked yet
	Available   Verdict = "available"   // final
	Unavailable Verdict = "unavailable" // too few rows came; they are asked for again
	Misencoded  Verdict = "misencoded"  // final: a quorum signed a block that is not what it says
)

// Result is what is known of one block.
type Result struct {
	Height     types.Height
	Commitment types.Hash
	Verdict    Verdict
	Asked      int           // rows asked for
	Answered   int           // correct rows among them
	Wrong      int           // answers that were a peer's lie
	MissLog2   float64       // log2 of the chance that an unavailable block passes as available; 0 unless Available
	Indices    []uint32      // rows asked for, in the order they were drawn
	Tries      int           // attempts so far
	Elapsed    time.Duration // from when the client first saw the header to the last attempt's end
	Evidence   []byte        // of a mis-encoded block: coding.Evidence, encoded
}

// settled reports whether the verdict stands for good.
func (v Verdict) settled() bool { return v == Available || v == Misencoded }

// state is a Result with what a later attempt has to go on from. It is stored as JSON.
type state struct {
	Version    int           `json:"version"`
	Height     types.Height  `json:"height"`
	Commitment types.Hash    `json:"commitment"`
	Verdict    Verdict       `json:"verdict"`
	Drawn      []uint32      `json:"drawn,omitempty"` // in the order of asking; empty when the whole block is the sample
	Answered   []bool        `json:"answered,omitempty"`
	Asked      int           `json:"asked"`
	Correct    int           `json:"correct"`
	Wrong      int           `json:"wrong,omitempty"`
	MissLog2   float64       `json:"missLog2,omitempty"`
	Tries      int           `json:"tries"`
	Elapsed    time.Duration `json:"elapsed"`
	Evidence   []byte        `json:"evidence,omitempty"`
	Safe       types.Height  `json:"safe,omitempty"` // in the state of height 0 only

	received int64 // bytes that the last attempt brought
}

const stateVersion = 1

// errState says that a stored state is unreadable; then the block is sampled as if new.
var errState = errors.New("sampling: stored state is unreadable")

func (s *state) encode() []byte {
	encoded, err := json.Marshal(s)
	if err != nil {
		panic("sampling: a state always encodes: " + err.Error())
	}
	return encoded
}

func decodeState(b []byte) (*state, error) {
	s := new(state)
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("%w: %w", errState, err)
	}
	if s.Version != stateVersion || len(s.Drawn) != len(s.Answered) || s.Asked < 0 || s.Asked > maxAsked ||
		(len(s.Drawn) > 0 && s.Asked > len(s.Drawn)) {
		return nil, errState
	}
	return s, nil
}

// maxAsked bounds the rows that are ever asked for of one block: the strict sample, or all rows of the largest block
// that is decoded.
const maxAsked = 4 * DecodeK

func (s *state) result() Result {
	r := Result{
		Height: s.Height, Commitment: s.Commitment, Verdict: s.Verdict, Asked: s.Asked, Answered: s.Correct, Wrong: s.Wrong,
		MissLog2: s.MissLog2, Tries: s.Tries, Elapsed: s.Elapsed, Evidence: s.Evidence,
	}
	if len(s.Drawn) > 0 {
		r.Indices = slices.Clone(s.Drawn[:min(s.Asked, len(s.Drawn))])
	} else {
		for i := range uint32(s.Asked) {
			r.Indices = append(r.Indices, i)
		}
	}
	return r
}
