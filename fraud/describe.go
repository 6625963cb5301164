package fraud

import "github.com/etherscale/bedrock/types"

// Summary is what a challenge says it proves, unverified: for lists and logs.
type Summary struct {
	Kind      Kind
	Height    types.Height
	Chunk     int
	Accused   []types.PublicKey // provers only; who else is accused shows in verification
	Assertion string            // CID of the challenged assertion
}

// Describe reads a summary out of a challenge; parts that do not decode stay empty.
func Describe(c *Challenge) Summary {
	s := Summary{Kind: c.Kind}
	switch c.Kind {
	case KindWrongState:
		var body WrongState
		if decodeBody(c, &body) != nil {
			return s
		}
		signed, err := DecodeAssertion(body.Assertion)
		if err != nil || body.Block >= uint64(len(signed.Assertion.Blocks)) {
			return s
		}
		s.Height, s.Chunk = signed.Assertion.Height(int(body.Block)), int(min(body.Chunk, 1<<30))
		s.Accused, s.Assertion = []types.PublicKey{signed.Assertion.Prover}, signed.ID().String()
	case KindWrongPrefix:
		var body WrongPrefix
		if decodeBody(c, &body) != nil {
			return s
		}
		signed, err := DecodeAssertion(body.Assertion)
		if err != nil || body.Block >= uint64(len(signed.Assertion.Blocks)) {
			return s
		}
		s.Height, s.Chunk = signed.Assertion.Height(int(body.Block)), len(signed.Assertion.Blocks[body.Block].Masks)
		s.Accused, s.Assertion = []types.PublicKey{signed.Assertion.Prover}, signed.ID().String()
	case KindDoubleAssertion:
		var body DoubleAssertion
		if decodeBody(c, &body) != nil {
			return s
		}
		signed, err := DecodeAssertion(body.Second)
		if err != nil {
			return s
		}
		s.Height, s.Accused, s.Assertion = body.Height, []types.PublicKey{signed.Assertion.Prover}, signed.ID().String()
	case KindBadEncoding:
		var body BadEncoding
		if decodeBody(c, &body) == nil {
			s.Height = heightOf(body.Header)
		}
	case KindDoubleHeader:
		var body DoubleHeader
		if decodeBody(c, &body) == nil {
			s.Height = heightOf(body.First)
		}
	}
	return s
}

func heightOf(certified []byte) types.Height {
	h, err := types.DecodeCertifiedHeader(certified)
	if err != nil {
		return 0
	}
	return h.Header.Height
}
