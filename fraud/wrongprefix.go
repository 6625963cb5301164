package fraud

import (
	"fmt"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/types"
)

// WrongPrefix shows that an assertion's prefix of a block is not the hash of the claims that it masks: with right claims it
// would name a value that nobody else can.
type WrongPrefix struct {
	Assertion []byte   // signed assertion
	Block     uint64   // index into its blocks
	Claims    []byte   // the block's claims but the last, encoded
	Header    []byte   // certified header of the assertion's last block
	Ancestors [][]byte // headers below it, newest first, to the block's
}

// NewWrongPrefix challenges the prefix of a block whose claims before the last are given.
func NewWrongPrefix(payee [20]byte, network types.NetworkID, signed *SignedAssertion, block int, before []execution.Claim, header *types.CertifiedHeader, below [][]byte) *Challenge {
	return newChallenge(network, KindWrongPrefix, payee, &WrongPrefix{signed.Encode(), uint64(block), execution.EncodeClaims(before), header.Encode(), below})
}

func checkWrongPrefix(c *Challenge, trust *Trust) (*Finding, error) {
	var body WrongPrefix
	if err := decodeBody(c, &body); err != nil {
		return nil, err
	}
	headers, err := openPast(body.Header, body.Ancestors)
	if err != nil {
		return nil, err
	}
	signed, err := trust.openAssertion(body.Assertion, headers)
	if err != nil {
		return nil, err
	}
	a := &signed.Assertion
	if body.Block >= uint64(len(a.Blocks)) || headers.at(a.Height(int(body.Block))) == nil {
		return nil, fmt.Errorf("assertion has no block %d, or its header is not in the challenge: %w", body.Block, ErrInvalid)
	}
	if err := headers.verify(trust); err != nil {
		return nil, err
	}
	block := int(body.Block)
	claims, said := body.Claims, &a.Blocks[block]
	before, err := execution.DecodeClaims(claims)
	if err != nil {
		return nil, invalid(err)
	}
	if len(before) != len(said.Masks) {
		return nil, fmt.Errorf("%d claims before the last, the assertion has %d: %w", len(before), len(said.Masks), ErrInvalid)
	}
	for i, claim := range before {
		if !said.says(a.Prover, i, claim) {
			return nil, fmt.Errorf("claim %d is not the one that the assertion masks: %w", i, ErrInvalid)
		}
	}
	if prefixOf(before) == said.Prefix {
		return nil, fmt.Errorf("the prefix is right: %w", ErrInvalid)
	}
	step := a.Step(block)
	return &Finding{Kind: c.Kind, Accused: []types.PublicKey{a.Prover}, Height: a.Height(block), Chunk: len(before), Assertion: signed.ID().String(),
		Refuted: &step, Differences: []string{"prefix is not the hash of the claims"}}, nil
}
