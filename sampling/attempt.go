package sampling

import (
	"context"
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// attempt looks at a block once and returns what is known of it then. It writes the drawn rows to the store before it
// asks for the first of them (I1).
func (c *Client) attempt(ctx context.Context, ch types.CertifiedHeader) (*state, error) {
	h := ch.Header
	p, err := coding.ParamsFor(h.DataLength)
	if err != nil {
		return nil, fmt.Errorf("sampling: block %d: %w", h.Height, err)
	}
	s, err := c.begin(&h, p)
	if err != nil {
		return nil, err
	}
	if p.K == 0 {
		s.Verdict, s.MissLog2 = Available, Certain
		return s, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	f := newFetcher(h, p)
	stop := f.open(ctx, cancel, c.cfg.Openings)
	s.Tries++
	if p.K <= DecodeK {
		c.whole(ctx, s, f)
	} else {
		c.some(ctx, s, f)
	}
	stop()
	s.Wrong += f.wrong
	s.received = f.bytes
	if f.bad != nil {
		c.convict(s, ch, f.bad)
	}
	if c.cfg.Keep != nil && f.verifier != nil && len(f.answers) > 0 {
		c.cfg.Keep(h, f.verifier.Opening(), f.shards())
	}
	return s, c.write(ch, s, f)
}

// begin reads the stored state of a block, or draws its rows and stores that.
func (c *Client) begin(h *types.Header, p coding.Params) (*state, error) {
	s, err := c.load(h.Height)
	if err != nil {
		return nil, err
	}
	if s != nil && s.Commitment == h.Commitment {
		return s, c.extend(s, p)
	}
	s = &state{Version: stateVersion, Height: h.Height, Commitment: h.Commitment, Verdict: Pending}
	if p.K <= DecodeK {
		return s, nil
	}
	if s.Drawn, err = c.cfg.Rules.draw(c.cfg.Chance, p); err != nil {
		return nil, err
	}
	s.Answered = make([]bool, len(s.Drawn))
	return s, c.save(s)
}

// extend draws more rows for a block whose rows were drawn for rules that ask for fewer, and stores them.
func (c *Client) extend(s *state, p coding.Params) (err error) {
	if len(s.Drawn) == 0 || len(s.Drawn) >= min(c.cfg.Rules[1].Samples, p.N) {
		return nil
	}
	if s.Drawn, err = c.cfg.Rules.drawMore(c.cfg.Chance, p, s.Drawn); err != nil {
		return err
	}
	s.Answered = append(s.Answered, make([]bool, len(s.Drawn)-len(s.Answered))...)
	return c.save(s)
}

// impatientTries is how often a block of which nothing comes is given up after its data rows.
const impatientTries = 3

// whole fetches K correct rows and decodes them.
func (c *Client) whole(ctx context.Context, s *state, f *fetcher) {
	_, err := f.decode(ctx, c.cfg.Rows, s.Tries > impatientTries)
	s.Asked, s.Correct = max(s.Asked, f.asked), min(len(f.answers), f.params.K)
	switch {
	case err == nil:
		s.Verdict, s.MissLog2 = Available, Certain
	case errors.Is(err, coding.ErrPadding):
		s.Verdict = Misencoded
		_ = f.hunted(ctx, c.cfg.Rows, err) // for the proof: the verdict needs none
	}
}

// some asks for the rows of the first rule, then, if they do not suffice or nothing comes for a while, for those that the
// second one adds too. As soon as a rule is satisfied the rest is cut off: it can change nothing.
func (c *Client) some(ctx context.Context, s *state, f *fetcher) {
	place := make(map[uint32]int, len(s.Drawn))
	for j, i := range s.Drawn {
		place[i] = j
	}
	from := 0
	f.chase(ctx, c.cfg.Rows, func() []uint32 {
		to := c.cfg.Rules[0].Samples
		if from > 0 || s.Asked > to {
			to = max(s.Asked, c.cfg.Rules[1].Samples)
		}
		to = min(to, len(s.Drawn))
		var open []uint32
		for j := from; j < to; j++ {
			if !s.Answered[j] {
				open = append(open, s.Drawn[j])
			}
		}
		from, s.Asked = to, max(s.Asked, to)
		return open
	}, func() bool {
		for _, a := range f.answers {
			s.Answered[place[a.shard.Index]] = true
		}
		_, ok := c.cfg.Rules.passed(s.Answered)
		return ok
	})
	s.Correct = count(s.Answered)
	if stage, ok := c.cfg.Rules.passed(s.Answered); ok && f.bad == nil {
		s.Verdict, s.MissLog2 = Available, c.cfg.Rules.MissLog2(f.params, stage)
	}
}

// convict makes the verdict of a committed row that is wrong, and hands the proof on.
func (c *Client) convict(s *state, ch types.CertifiedHeader, bad *coding.BadEncodingError) {
	s.Verdict, s.MissLog2 = Misencoded, 0
	evidence, err := bad.Evidence.MarshalBinary()
	if err != nil {
		c.cfg.Logger.Error("evidence of bad encoding does not encode", "height", s.Height, "error", err)
	}
	s.Evidence = evidence
	if c.cfg.BadEncoding != nil {
		c.cfg.BadEncoding(ch, bad)
	}
}
