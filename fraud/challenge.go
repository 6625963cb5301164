package fraud

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/rlp"

	"github.com/etherscale/bedrock/types"
)

// MaxChallengeBytes caps a challenge. Every legal chunk can be proven below it.
const MaxChallengeBytes = types.MaxChallengeBytes

// ErrInvalid says that a challenge proves nothing. It is the challenger's fault, or nobody's; never the accused's.
var ErrInvalid = errors.New("challenge proves nothing")

// Kind says what a challenge proves.
type Kind uint64

// The kinds of challenges.
const (
	KindWrongState      Kind = 1 // an assertion has a wrong claim
	KindDoubleAssertion Kind = 2 // a prover signed different claims for one block on one parent value
	KindDoubleVertex    Kind = 3 // a sequencer signed two vertices of one round
	KindBadEncoding     Kind = 4 // a quorum certified a block that is mis-encoded
	KindDoubleHeader    Kind = 5 // a quorum certified two headers of one height
	KindDoubleSignature Kind = 6 // a sequencer signed two headers of one height
	KindWrongPrefix     Kind = 7 // an assertion's prefix is not the hash of the claims that it masks
)

// String names the kind in words.
func (k Kind) String() string {
	switch k {
	case KindWrongState:
		return "wrong-state"
	case KindDoubleAssertion:
		return "double-assertion"
	case KindDoubleVertex:
		return "double-vertex"
	case KindBadEncoding:
		return "bad-encoding"
	case KindDoubleHeader:
		return "double-header"
	case KindDoubleSignature:
		return "double-signature"
	case KindWrongPrefix:
		return "wrong-prefix"
	}
	return fmt.Sprintf("kind-%d", uint64(k))
}

// Challenge is a self-contained proof that someone broke the rules.
type Challenge struct {
	Version uint64
	Network types.NetworkID
	Kind    Kind
	Payee   [20]byte // who is paid if it is upheld
	Body    []byte   // encoding of the kind's own type
}

// Encode is the canonical encoding.
func (c *Challenge) Encode() []byte { return mustEncode(c) }

// ID names the challenge as gossip does.
func (c *Challenge) ID() types.BatchID { return types.BatchIDOf(c.Encode()) }

// DecodeChallenge is the strict inverse of Encode; the body is not read yet.
func DecodeChallenge(encoded []byte) (*Challenge, error) {
	if len(encoded) > MaxChallengeBytes {
		return nil, fmt.Errorf("challenge of %d bytes, at most %d: %w", len(encoded), MaxChallengeBytes, ErrInvalid)
	}
	c := new(Challenge)
	if err := rlp.DecodeBytes(encoded, c); err != nil {
		return nil, fmt.Errorf("challenge: %w: %w", ErrInvalid, err)
	}
	if c.Version != types.Version {
		return nil, fmt.Errorf("challenge of version %d, this peer knows %d: %w", c.Version, types.Version, ErrInvalid)
	}
	return c, nil
}

func newChallenge(network types.NetworkID, kind Kind, payee [20]byte, body any) *Challenge {
	return &Challenge{Version: types.Version, Network: network, Kind: kind, Payee: payee, Body: mustEncode(body)}
}

// maxListItems bounds every list in a body: no legal item of a list that could hold more is shorter than 32 bytes, and an
// item of one byte would take thirty in memory.
const maxListItems = MaxChallengeBytes / 32

func decodeBody(c *Challenge, into any) error {
	if err := boundLists(c.Body); err != nil {
		return fmt.Errorf("body of a %s challenge: %w", c.Kind, err)
	}
	if err := rlp.DecodeBytes(c.Body, into); err != nil {
		return fmt.Errorf("body of a %s challenge: %w: %w", c.Kind, ErrInvalid, err)
	}
	return nil
}

// boundLists counts the items of the lists in an encoded body before anything is allocated for them.
func boundLists(body []byte) error {
	fields, _, err := rlp.SplitList(body)
	if err != nil {
		return fmt.Errorf("not a list: %w", ErrInvalid)
	}
	for len(fields) > 0 {
		kind, content, rest, err := rlp.Split(fields)
		if err != nil {
			return fmt.Errorf("malformed field: %w", ErrInvalid)
		}
		if fields = rest; kind != rlp.List {
			continue
		}
		if n, err := rlp.CountValues(content); err != nil || n > maxListItems {
			return fmt.Errorf("list of %d items, at most %d: %w", n, maxListItems, ErrInvalid)
		}
	}
	return nil
}
