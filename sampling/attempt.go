package sampling

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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
	f := &fetcher{header: h, params: p}
	s.Tries++
	if err := f.open(ctx, c.cfg.Openings); err == nil {
		if p.K <= DecodeK {
			c.whole(ctx, s, f)
		} else {
			c.some(ctx, s, f)
		}
	}
	s.Wrong += f.wrong
	if f.bad != nil {
		c.convict(s, ch, f.bad)
	}
	if c.cfg.Keep != nil && f.verifier != nil && len(f.shards) > 0 {
		c.cfg.Keep(h, f.verifier.Opening(), f.shards)
	}
	return s, nil
}

// begin reads the stored state of a block, or draws its rows and stores that.
func (c *Client) begin(h *types.Header, p coding.Params) (*state, error) {
	s, err := c.load(h.Height)
	if err != nil {
		return nil, err
	}
	if s != nil && s.Commitment == h.Commitment {
		return s, nil
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

// impatientTries is how often a block of which nothing comes is given up after its data rows.
const impatientTries = 3

// whole fetches K correct rows and decodes them.
func (c *Client) whole(ctx context.Context, s *state, f *fetcher) {
	_, err := f.decode(ctx, c.cfg.Rows, s.Tries > impatientTries)
	s.Asked, s.Correct = f.asked, len(f.shards)
	switch {
	case err == nil:
		s.Verdict, s.MissLog2 = Available, Certain
	case errors.Is(err, coding.ErrPadding):
		s.Verdict = Misencoded
		f.hunt(ctx, c.cfg.Rows) // for the proof: the verdict needs none
	}
}

// some asks for the rows of the first rule, then, if they do not suffice, for those of the second.
func (c *Client) some(ctx context.Context, s *state, f *fetcher) {
	for _, rule := range c.cfg.Rules {
		s.Asked = max(s.Asked, rule.Samples)
		c.askDrawn(ctx, s, f, rule)
		s.Correct = count(s.Answered)
		if f.bad != nil || ctx.Err() != nil {
			break
		}
		if _, ok := c.cfg.Rules.passed(s.Answered); ok {
			break
		}
	}
	if stage, ok := c.cfg.Rules.passed(s.Answered); ok && f.bad == nil {
		s.Verdict, s.MissLog2 = Available, c.cfg.Rules.MissLog2(f.params, stage)
	}
}

// askDrawn asks for the rows of a rule that were not answered yet. Once enough are here, the rest has a moment more to
// come: rows nobody has would else hold up the verdict for as long as it takes to be sure of it.
func (c *Client) askDrawn(ctx context.Context, s *state, f *fetcher, rule Rule) {
	place := make(map[uint32]int)
	var open []uint32
	for j, i := range s.Drawn[:rule.Samples] {
		if !s.Answered[j] {
			place[i] = j
			open = append(open, i)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var linger sync.Once
	f.ask(ctx, c.cfg.Rows, open, func(shard coding.Shard) {
		s.Answered[place[shard.Index]] = true
		f.shards = append(f.shards, shard)
		if count(s.Answered[:rule.Samples]) >= rule.Accept {
			linger.Do(func() { time.AfterFunc(c.cfg.Linger, cancel) })
		}
	})
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
