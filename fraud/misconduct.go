package fraud

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// DoubleAssertion shows two assertions by which one prover claims different outcomes of one block on one parent value.
type DoubleAssertion struct {
	First, Second []byte // signed assertions
	Height        types.Height
	Header        []byte   // certified header of the last block of one, whichever is higher
	Ancestors     [][]byte // headers below it, newest first, to the block's
}

// DoubleVertex shows two vertices of one round by one sequencer.
type DoubleVertex struct {
	Epoch types.Epoch
	Proof types.Equivocation
}

// DoubleHeader shows two certified headers of one height.
type DoubleHeader struct {
	First, Second []byte // certified headers
}

// BadEncoding shows a row that is committed in a certified header and wrong.
type BadEncoding struct {
	Header   []byte // certified
	Evidence []byte // coding.Evidence
}

// NewDoubleAssertion challenges a prover that contradicts itself on the block of a height. header is that of the last block
// of both, below are the encoded headers from there down to the block's (HeadersBelow).
func NewDoubleAssertion(payee [20]byte, first, second *SignedAssertion, height types.Height, header *types.CertifiedHeader, below [][]byte) *Challenge {
	return newChallenge(header.Header.Network, KindDoubleAssertion, payee, &DoubleAssertion{first.Encode(), second.Encode(), height, header.Encode(), below})
}

// NewDoubleVertex challenges a sequencer that signed two vertices of one round.
func NewDoubleVertex(network types.NetworkID, payee [20]byte, epoch types.Epoch, proof types.Equivocation) *Challenge {
	return newChallenge(network, KindDoubleVertex, payee, &DoubleVertex{epoch, proof})
}

// NewDoubleHeader challenges a quorum that certified two headers of one height.
func NewDoubleHeader(payee [20]byte, first, second *types.CertifiedHeader) *Challenge {
	return newChallenge(first.Header.Network, KindDoubleHeader, payee, &DoubleHeader{first.Encode(), second.Encode()})
}

// NewBadEncoding challenges everybody who signed a mis-encoded block.
func NewBadEncoding(payee [20]byte, header *types.CertifiedHeader, evidence coding.Evidence) (*Challenge, error) {
	encoded, err := evidence.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("challenge a bad encoding: %w", err)
	}
	return newChallenge(header.Header.Network, KindBadEncoding, payee, &BadEncoding{header.Encode(), encoded}), nil
}

func checkDoubleAssertion(c *Challenge, trust *Trust) (*Finding, error) {
	var body DoubleAssertion
	if err := decodeBody(c, &body); err != nil {
		return nil, err
	}
	headers, err := openPast(body.Header, body.Ancestors)
	if err != nil {
		return nil, err
	}
	var signed [2]*SignedAssertion
	for i, encoded := range [...][]byte{body.First, body.Second} {
		if signed[i], err = trust.openAssertion(encoded, headers); err != nil {
			return nil, err
		}
	}
	if err := headers.verify(trust); err != nil {
		return nil, err
	}
	first, second := &signed[0].Assertion, &signed[1].Assertion
	if first.Prover != second.Prover {
		return nil, fmt.Errorf("not two assertions of one prover: %w", ErrInvalid)
	}
	if !contradict(first, second, body.Height) {
		return nil, fmt.Errorf("assertions do not contradict each other on block %d: %w", body.Height, ErrInvalid)
	}
	return &Finding{Kind: c.Kind, Accused: []types.PublicKey{first.Prover}, Height: body.Height, Assertion: signed[1].ID().String(),
		Differences: []string{"two claims for one block on one parent value"}}, nil
}

// contradict reports whether two bound assertions of one prover give one block different outcomes on the same value before it.
func contradict(a, b *Assertion, height types.Height) bool {
	i, ok := a.index(height)
	j, also := b.index(height)
	if !ok || !also || !a.Names(i) || !b.Names(j) {
		return false
	}
	return a.Before(i) == b.Before(j) && !a.Blocks[i].equal(&b.Blocks[j])
}

// equal reports whether two provers' claims of a block, or one prover's twice, are the same to the byte.
func (b *BlockClaims) equal(other *BlockClaims) bool {
	return b.Prefix == other.Prefix && b.Last == other.Last && slices.Equal(b.Masks, other.Masks)
}

func checkDoubleVertex(c *Challenge, trust *Trust) (*Finding, error) {
	var body DoubleVertex
	if err := decodeBody(c, &body); err != nil {
		return nil, err
	}
	committee, err := trust.committee(body.Epoch)
	if err != nil {
		return nil, err
	}
	if err := body.Proof.Check(trust.Rules.Network, body.Epoch, committee); err != nil {
		return nil, invalid(err)
	}
	key := committee.Member(body.Proof.Accused()).Key
	return &Finding{Kind: c.Kind, Accused: []types.PublicKey{key}, Differences: []string{"two vertices of one round"}}, nil
}

func checkDoubleHeader(c *Challenge, trust *Trust) (*Finding, error) {
	var body DoubleHeader
	if err := decodeBody(c, &body); err != nil {
		return nil, err
	}
	first, err := trust.header(body.First)
	if err != nil {
		return nil, err
	}
	second, err := trust.header(body.Second)
	if err != nil {
		return nil, err
	}
	if first.Header.Height != second.Header.Height || first.Header.Epoch != second.Header.Epoch || first.Header.Digest() == second.Header.Digest() {
		return nil, fmt.Errorf("not two headers of one height: %w", ErrInvalid)
	}
	firstSigners, err := trust.signers(first)
	if err != nil {
		return nil, err
	}
	secondSigners, err := trust.signers(second)
	if err != nil {
		return nil, err
	}
	var both []types.PublicKey
	for _, key := range firstSigners {
		if slices.Contains(secondSigners, key) {
			both = append(both, key)
		}
	}
	return &Finding{Kind: c.Kind, Accused: both, Height: first.Header.Height, Differences: []string{"two certified headers of one height"},
		Signed: []types.CertifiedHeader{*first, *second}}, nil
}

func checkBadEncoding(c *Challenge, trust *Trust) (*Finding, error) {
	var body BadEncoding
	if err := decodeBody(c, &body); err != nil {
		return nil, err
	}
	certified, err := trust.header(body.Header)
	if err != nil {
		return nil, err
	}
	h := &certified.Header
	params, err := coding.ParamsFor(h.DataLength)
	if err != nil {
		return nil, invalid(err)
	}
	evidence, err := coding.UnmarshalEvidence(body.Evidence, params)
	if err != nil {
		return nil, invalid(err)
	}
	if err := evidence.Check(h.Commitment, params); err != nil {
		return nil, invalid(err)
	}
	signers, err := trust.signers(certified)
	if err != nil {
		return nil, err
	}
	return &Finding{Kind: c.Kind, Accused: signers, Height: h.Height, Differences: []string{"a committed row is mis-encoded"},
		Signed: []types.CertifiedHeader{*certified}, Evidence: body.Evidence}, nil
}

// signers lists who signed a certificate, ascending.
func (t *Trust) signers(h *types.CertifiedHeader) ([]types.PublicKey, error) {
	committee, err := t.committee(h.Header.Epoch)
	if err != nil {
		return nil, err
	}
	var keys []types.PublicKey
	for _, m := range h.Certificate.Signers.Members() {
		keys = append(keys, committee.Member(m).Key)
	}
	slices.SortFunc(keys, func(a, b types.PublicKey) int { return bytes.Compare(a[:], b[:]) })
	return keys, nil
}
