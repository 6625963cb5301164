package fraud

import (
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// ErrUnknownCommittee says that a challenge is about an epoch whose committee this peer does not know (yet): it is nobody's
// fault, and nothing is proven.
var ErrUnknownCommittee = errors.New("committee is not known here")

// Trust is what a verifier believes before it reads a challenge.
type Trust struct {
	Rules execution.Rules
	// Committee returns the committee of an epoch, nil if it is not known.
	Committee func(types.Epoch) *types.Committee
	// Bond says who speaks for a prover's key, whether its bond stands or was lost; false if it never had one.
	Bond func(types.PublicKey) (Bond, bool)
}

func (t *Trust) bond(key types.PublicKey) (Bond, bool) {
	if t.Bond == nil {
		return Bond{}, false
	}
	return t.Bond(key)
}

func (t *Trust) committee(epoch types.Epoch) (*types.Committee, error) {
	if t.Committee != nil {
		if c := t.Committee(epoch); c != nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("epoch %d: %w", epoch, ErrUnknownCommittee)
}

// header decodes a certified header and checks its certificate.
func (t *Trust) header(encoded []byte) (*types.CertifiedHeader, error) {
	h, err := types.DecodeCertifiedHeader(encoded)
	if err != nil {
		return nil, invalid(err)
	}
	committee, err := t.committee(h.Header.Epoch)
	if err != nil {
		return nil, err
	}
	if err := h.Verify(t.Rules.Network, committee); err != nil {
		return nil, invalid(err)
	}
	return h, nil
}

// Finding is what a valid challenge proves.
type Finding struct {
	Kind        Kind              `json:"kind"`
	Accused     []types.PublicKey `json:"accused"` // ascending
	Height      types.Height      `json:"height"`  // of the block; 0 for vertices
	Chunk       int               `json:"chunk"`
	Assertion   string            `json:"assertion,omitempty"` // CID of the challenged assertion
	Refuted     *Step             `json:"refuted,omitempty"`   // what falls with a wrong claim
	Before      execution.Claim   `json:"before"`
	Claimed     *execution.Claim  `json:"claimed,omitempty"` // nil where the assertion masks it
	Computed    execution.Claim   `json:"computed"`
	Differences []string          `json:"differences"` // in words
	// Signed are the certified headers by which a quorum is convicted: one of a mis-encoded block, or two of one height.
	Signed []types.CertifiedHeader `json:"-"`
	// Evidence of a bad encoding: coding.Evidence, encoded.
	Evidence []byte `json:"-"`
}

// Check does every check that is cheap: form, signatures, certificates, membership. It executes nothing of a stranger's,
// so it is safe in the peer's own process. A challenge that fails it is invalid; one that passes may still be.
func Check(c *Challenge, trust *Trust) error {
	_, err := check(c, trust)
	return err
}

// check returns the rest of the work.
func check(c *Challenge, trust *Trust) (func() (*Finding, error), error) {
	if c.Network != trust.Rules.Network {
		return nil, fmt.Errorf("challenge of network %s: %w", c.Network, ErrInvalid)
	}
	switch c.Kind {
	case KindWrongState:
		w, err := openWrongState(c, trust)
		if err != nil {
			return nil, err
		}
		return func() (*Finding, error) { return w.judge(trust) }, nil
	case KindWrongPrefix:
		return found(checkWrongPrefix(c, trust))
	case KindDoubleAssertion:
		return found(checkDoubleAssertion(c, trust))
	case KindDoubleVertex:
		return found(checkDoubleVertex(c, trust))
	case KindDoubleHeader:
		return found(checkDoubleHeader(c, trust))
	case KindDoubleSignature:
		return found(checkDoubleSignature(c, trust))
	case KindBadEncoding:
		return found(checkBadEncoding(c, trust))
	}
	return nil, fmt.Errorf("challenge of unknown %s: %w", c.Kind, ErrInvalid)
}

func found(f *Finding, err error) (func() (*Finding, error), error) {
	return func() (*Finding, error) { return f, nil }, err
}

// Verify checks a challenge completely, in this process. Hostile witnesses can, in spite of all checks, make library code
// panic in its own goroutines: a peer uses Sandbox instead. Every error wraps ErrInvalid or ErrUnknownCommittee.
func Verify(c *Challenge, trust *Trust) (finding *Finding, err error) {
	defer func() {
		if r := recover(); r != nil {
			finding, err = nil, fmt.Errorf("verification panicked: %v: %w", r, ErrInvalid)
		}
	}()
	judge, err := check(c, trust)
	if err != nil {
		return nil, err
	}
	return judge()
}
