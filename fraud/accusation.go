package fraud

// Accuses reads which step a wrong-state challenge is against, without checking anything: enough to tell that another
// challenge of the same step needs no verification. It is false for other kinds and for what does not decode.
func Accuses(c *Challenge) (Step, bool) {
	var body WrongState
	if c.Kind != KindWrongState || decodeBody(c, &body) != nil {
		return Step{}, false
	}
	signed, err := DecodeAssertion(body.Assertion)
	if err != nil || body.Block >= uint64(len(signed.Assertion.Blocks)) {
		return Step{}, false
	}
	return signed.Assertion.Step(int(body.Block)), true
}
