package rpc

import "context"

// FalseVerdicts is what a Bedrock may also be: one that compares what headers list with the challenges.
type FalseVerdicts interface {
	// FalseVerdicts lists the verdicts in certified headers that their challenges do not bear out, ascending by height.
	FalseVerdicts(ctx context.Context) ([]FalseVerdict, error)
}

// FalseVerdict is a verdict that a quorum listed and this node found false.
type FalseVerdict struct {
	Height    Height `json:"height"`    // of the header that lists it; its certificate names who signed
	Challenge string `json:"challenge"` // CID
	Kind      string `json:"kind"`
	Accused   string `json:"accused"` // peer ID
	Payee     string `json:"payee"`
	Reason    string `json:"reason"`
	Shown     bool   `json:"shown"` // the challenge is here (bedrock_getChallenge); false: no peer had it
}

// GetFalseVerdicts answers bedrock_getFalseVerdicts.
func (m *BedrockMethods) GetFalseVerdicts(ctx context.Context) ([]FalseVerdict, error) {
	comparing, ok := m.b.(FalseVerdicts)
	if !ok {
		return []FalseVerdict{}, nil
	}
	list, err := comparing.FalseVerdicts(ctx)
	return append([]FalseVerdict{}, list...), err
}
