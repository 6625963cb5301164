package chain

import "github.com/etherscale/bedrock/types"

// maxHeadersBytes bounds the encoded headers of one answer.
const maxHeadersBytes = types.MaxMessageBytes / 2

// HeadersFrom returns certified headers from a height (at least 1) on, at most max, MaxHeaders, and what fits a message.
func (c *Chain) HeadersFrom(from types.Height, max int) []types.CertifiedHeader {
	if from = maxHeight(from, 1); from < c.First() {
		return c.epochEnd(from)
	}
	max = min(max, MaxHeaders)
	var out []types.CertifiedHeader
	bytes := 0
	for h := from; len(out) < max; h++ {
		ch, ok := c.Header(h)
		if !ok {
			break
		}
		if bytes += len(ch.Encode()); bytes > maxHeadersBytes && len(out) > 0 {
			break
		}
		out = append(out, ch)
	}
	return out
}

// epochEnd is the header of a height below First that ends an epoch, where a leap kept it: others follow committees by it.
func (c *Chain) epochEnd(h types.Height) []types.CertifiedHeader {
	ch, ok := c.Header(h)
	if !ok || ch.Header.Next == nil || len(ch.Certificate.Signatures) == 0 {
		return nil
	}
	return []types.CertifiedHeader{ch}
}

// BodyBytes is Body, under the name of the request it answers.
func (c *Chain) BodyBytes(h types.Height) ([]byte, error) { return c.Body(h) }

// OpeningBytes is the encoded opening of a block; errors as Body.
func (c *Chain) OpeningBytes(h types.Height) ([]byte, error) {
	opening, err := c.Opening(h)
	if err != nil {
		return nil, err
	}
	return opening.MarshalBinary()
}

func maxHeight(a, b types.Height) types.Height {
	if a > b {
		return a
	}
	return b
}
