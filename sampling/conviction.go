package sampling

import (
	"fmt"

	"github.com/etherscale/bedrock/types"
)

// Convict makes Misencoded the verdict of a block, for good, because somebody else showed a committed row of it that is
// wrong: evidence is the encoded coding.Evidence, which the caller has verified. The block may have been found available
// before, may never have been looked at, or may not be certified here yet. Safe falls below it.
func (c *Client) Convict(h *types.Header, evidence []byte) error {
	if known, ok := c.cfg.Headers.Header(h.Height); ok && known.Header.Commitment != h.Commitment {
		return nil // of another chain; this one's block has a verdict of its own
	}
	c.booking.Lock()
	defer c.booking.Unlock()
	st, err := c.load(h.Height)
	if err != nil {
		return err
	}
	if st == nil || st.Commitment != h.Commitment {
		st = &state{Version: stateVersion, Height: h.Height, Commitment: h.Commitment}
	}
	if st.Verdict == Misencoded {
		return nil
	}
	st.Verdict, st.MissLog2, st.Evidence = Misencoded, 0, evidence
	c.mu.Lock()
	c.convicted[h.Height] = st // from here on no attempt under way overwrites it
	c.mu.Unlock()
	if err := c.save(st); err != nil {
		return err
	}
	if err := c.lower(h.Height); err != nil {
		return err
	}
	c.signals.notify()
	if c.cfg.Verdict != nil {
		c.cfg.Verdict(st.result())
	}
	return nil
}

// judged is the state to book of a block: an attempt's outcome, unless the block was convicted meanwhile.
func (c *Client) judged(st *state) *state {
	c.mu.Lock()
	defer c.mu.Unlock()
	if convicted := c.convicted[st.Height]; convicted != nil && convicted.Commitment == st.Commitment {
		return convicted
	}
	return st
}

// lower takes Safe back below a height, in memory and on disk.
func (c *Client) lower(h types.Height) error {
	c.mu.Lock()
	delete(c.active, h)
	delete(c.ahead, h)
	fell := c.safe >= h
	if fell {
		c.safe = max(h, 1) - 1
	}
	safe := c.safe
	c.mu.Unlock()
	if !fell {
		return nil
	}
	if err := c.save(&state{Version: stateVersion, Verdict: Available, Safe: safe}); err != nil {
		return fmt.Errorf("safe falls to %d: %w", safe, err)
	}
	return nil
}
