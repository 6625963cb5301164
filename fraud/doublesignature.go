package fraud

import (
	"bytes"
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// DoubleSignature shows two headers of one height that one sequencer signed in one epoch.
type DoubleSignature struct {
	Epoch         types.Epoch
	Height        types.Height
	Author        types.Member
	First, Second SignedHeader // ascending by what they say, so that one pair is one challenge
}

// SignedHeader is how a sequencer said which header it signed at a height: the header itself with its signature, or the vertex
// that lists the signature under the height. Exactly one of Header and Vertex is there; Signature goes with Header.
type SignedHeader struct {
	Header    []byte // encoded
	Vertex    []byte // encoded
	Signature types.Signature
}

// NewDoubleSignature challenges a sequencer that signed two headers of one height.
func NewDoubleSignature(network types.NetworkID, payee [20]byte, epoch types.Epoch, height types.Height, author types.Member, a, b SignedHeader) *Challenge {
	if !a.before(&b) {
		a, b = b, a
	}
	return newChallenge(network, KindDoubleSignature, payee, &DoubleSignature{epoch, height, author, a, b})
}

func (s *SignedHeader) before(o *SignedHeader) bool {
	if c := bytes.Compare(s.Header, o.Header); c != 0 {
		return c < 0
	}
	return bytes.Compare(s.Vertex, o.Vertex) < 0
}

func checkDoubleSignature(c *Challenge, trust *Trust) (*Finding, error) {
	var body DoubleSignature
	if err := decodeBody(c, &body); err != nil {
		return nil, err
	}
	committee, err := trust.committee(body.Epoch)
	if err != nil {
		return nil, err
	}
	if !committee.Has(body.Author) || !body.First.before(&body.Second) {
		return nil, fmt.Errorf("no member %d, or statements out of order: %w", body.Author, ErrInvalid)
	}
	first, err := body.said(&body.First, trust.Rules.Network, committee)
	if err != nil {
		return nil, err
	}
	second, err := body.said(&body.Second, trust.Rules.Network, committee)
	if err != nil {
		return nil, err
	}
	if first == second {
		return nil, fmt.Errorf("both statements are of header %s: %w", first, ErrInvalid)
	}
	return &Finding{Kind: c.Kind, Accused: []types.PublicKey{committee.Member(body.Author).Key},
		Differences: []string{fmt.Sprintf("two headers of height %d", body.Height)}}, nil
}

// said is the digest of the header that a statement says the author signed at the height.
func (d *DoubleSignature) said(s *SignedHeader, network types.NetworkID, committee *types.Committee) (types.Hash, error) {
	if (len(s.Header) == 0) == (len(s.Vertex) == 0) {
		return types.Hash{}, fmt.Errorf("not one header or vertex: %w", ErrInvalid)
	}
	if len(s.Header) == 0 {
		return d.listed(s, network, committee)
	}
	h, err := types.DecodeHeader(s.Header)
	if err != nil {
		return types.Hash{}, invalid(err)
	}
	if h.Network != network || h.Epoch != d.Epoch || h.Height != d.Height {
		return types.Hash{}, fmt.Errorf("header %d of epoch %d is another one: %w", h.Height, h.Epoch, ErrInvalid)
	}
	digest := h.Digest()
	if err := types.VerifyDigest(committee.Member(d.Author).Key, digest, s.Signature); err != nil {
		return types.Hash{}, invalid(err)
	}
	return digest, nil
}

// listed is said of a vertex: valid in itself, so the signature that it lists is its author's.
func (d *DoubleSignature) listed(s *SignedHeader, network types.NetworkID, committee *types.Committee) (types.Hash, error) {
	v, err := types.DecodeVertex(s.Vertex)
	if err != nil {
		return types.Hash{}, invalid(err)
	}
	if err := v.CheckShape(network, d.Epoch, committee); err != nil {
		return types.Hash{}, invalid(err)
	}
	if v.Author() != d.Author || s.Signature != (types.Signature{}) {
		return types.Hash{}, fmt.Errorf("vertex of member %d: %w", v.Author(), ErrInvalid)
	}
	if err := v.CheckSignatures(committee); err != nil {
		return types.Hash{}, invalid(err)
	}
	for _, x := range v.Body().HeaderSignatures {
		if x.Height == d.Height {
			return x.Digest, nil
		}
	}
	return types.Hash{}, fmt.Errorf("vertex lists no signature of header %d: %w", d.Height, ErrInvalid)
}
