package fraud

// Accuses reads which step a challenge of a wrong claim or prefix is against, without checking anything: enough to tell that
// another challenge of the same step needs no verification. It is false for other kinds and for what does not decode.
func Accuses(c *Challenge) (Step, bool) {
	var encoded, header []byte
	var below [][]byte
	var block uint64
	switch c.Kind {
	case KindWrongState:
		var body WrongState
		if decodeBody(c, &body) != nil {
			return Step{}, false
		}
		encoded, block, header, below = body.Assertion, body.Block, body.Header, body.Ancestors
	case KindWrongPrefix:
		var body WrongPrefix
		if decodeBody(c, &body) != nil {
			return Step{}, false
		}
		encoded, block, header, below = body.Assertion, body.Block, body.Header, body.Ancestors
	default:
		return Step{}, false
	}
	signed, err := DecodeAssertion(encoded)
	if err != nil || block >= uint64(len(signed.Assertion.Blocks)) {
		return Step{}, false
	}
	headers, err := openPast(header, below)
	if err != nil || signed.Assertion.Bind(headers.digest) != nil || !signed.Assertion.Names(int(block)) {
		return Step{}, false
	}
	return signed.Assertion.Step(int(block)), true
}
