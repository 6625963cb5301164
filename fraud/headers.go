package fraud

import (
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// maxAncestors is how far below an assertion's last block a challenge reaches: to its first block, and from there as far as
// BLOCKHASH does.
const maxAncestors = MaxAssertionBlocks + 256

// past is a certified header with headers below it: a piece of the chain that its certificate vouches for.
type past struct {
	top   *types.CertifiedHeader
	below []types.Header // newest first: the parent's, and on
}

// openPast decodes a certified header, without checking its certificate, and what is to lie below it.
func openPast(certified []byte, below [][]byte) (*past, error) {
	top, err := types.DecodeCertifiedHeader(certified)
	if err != nil {
		return nil, invalid(err)
	}
	if len(below) > maxAncestors {
		return nil, fmt.Errorf("%d headers below another, at most %d: %w", len(below), maxAncestors, ErrInvalid)
	}
	p, expected := &past{top: top}, top.Header.Parent
	for i, encoded := range below {
		h, err := types.DecodeHeader(encoded)
		if err != nil {
			return nil, invalid(err)
		}
		if h.Digest() != expected {
			return nil, fmt.Errorf("header %d is not in the certified one's past: %w", i, ErrInvalid)
		}
		expected = h.Parent
		p.below = append(p.below, *h)
	}
	return p, nil
}

// verify checks the certificate.
func (p *past) verify(trust *Trust) error {
	committee, err := trust.committee(p.top.Header.Epoch)
	if err != nil {
		return err
	}
	if err := p.top.Verify(trust.Rules.Network, committee); err != nil {
		return invalid(err)
	}
	return nil
}

// at is the header of a height; nil if it is not here.
func (p *past) at(height types.Height) *types.Header {
	top := p.top.Header.Height
	switch {
	case height == top:
		return &p.top.Header
	case height > top || uint64(top-height) > uint64(len(p.below)):
		return nil
	}
	return &p.below[top-height-1]
}

// digest is Headers: it also knows the parent of the lowest header.
func (p *past) digest(height types.Height) (types.Hash, bool) {
	if h := p.at(height); h != nil {
		return h.Digest(), true
	}
	if above := p.at(height + 1); above != nil && height+1 > 0 {
		return above.Parent, true
	}
	return types.Hash{}, false
}

// openAssertion decodes an assertion, checks who signed it, and places it on the past.
func (t *Trust) openAssertion(encoded []byte, headers *past) (*SignedAssertion, error) {
	signed, err := DecodeAssertion(encoded)
	if err != nil {
		return nil, invalid(err)
	}
	bond, known := t.bond(signed.Assertion.Prover)
	if !known {
		return nil, fmt.Errorf("%s: %w: %w", signed.Assertion.Prover, ErrNotProver, ErrInvalid)
	}
	if err := signed.Verify(&t.Rules, bond); err != nil {
		return nil, invalid(err)
	}
	if err := signed.Assertion.Bind(headers.digest); err != nil {
		return nil, invalid(err)
	}
	return signed, nil
}
