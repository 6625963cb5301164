package sampling

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/etherscale/bedrock/types"
)

// write keeps the receipt of an attempt, with what earlier ones brought. The headers that end epochs are left out: the chain
// has them ([Client.Receipt]).
func (c *Client) write(ch types.CertifiedHeader, s *state, f *fetcher) error {
	if c.cfg.Receipts == nil {
		return nil
	}
	r, err := c.loadReceipt(s.Height)
	if err != nil {
		return err
	}
	if r == nil || r.Header.Header.Commitment != s.Commitment {
		r = &Receipt{Header: ch, Began: types.TimeOf(f.began)}
	}
	if len(s.Drawn) > 0 {
		r.Rules = c.cfg.Rules
	}
	r.Asked, r.Evidence = s.result().Indices, s.Evidence
	if f.verifier != nil && len(f.answers) > 0 {
		o := f.verifier.Opening()
		r.RowRoot, r.ValueRoot = o.RowRoot, o.ValueRoot()
	}
	r.add(f)
	if err := c.cfg.Receipts.Put(s.Height, r.Encode()); err != nil {
		return fmt.Errorf("sampling: store receipt of block %d: %w", s.Height, err)
	}
	return nil
}

// add enters the rows that an attempt brought.
func (r *Receipt) add(f *fetcher) {
	place, known := make(map[uint32]int, len(r.Asked)), make(map[int]bool)
	for j, i := range r.Asked {
		place[i] = j
	}
	for _, row := range r.Rows {
		known[row.Place] = true
	}
	for _, a := range f.answers {
		j, asked := place[a.shard.Index]
		if !asked || known[j] {
			continue
		}
		known[j] = true
		r.Rows = append(r.Rows, ReceivedRow{Place: j, Time: types.TimeOf(f.began.Add(a.after)), Peer: a.from, Proof: a.shard.Proof()})
	}
	slices.SortFunc(r.Rows, func(a, b ReceivedRow) int { return cmp.Compare(a.Place, b.Place) })
}

// Receipt is the receipt of a block as far as it was sampled; nil if there is none or no longer. Its Epochs are complete
// from the genesis or, where the chain was begun at a checkpoint, from the header that the checkpoint names.
func (c *Client) Receipt(h types.Height) (*Receipt, error) {
	if c.cfg.Receipts == nil || h == 0 {
		return nil, nil
	}
	r, err := c.loadReceipt(h)
	if r == nil || err != nil {
		return nil, err
	}
	if c.cfg.EpochEnds != nil {
		r.Epochs, err = c.cfg.EpochEnds(r.Header.Header.Epoch)
	}
	return r, err
}

// loadReceipt reads a receipt; nil if there is none or it is unreadable: then the next attempt writes a new one.
func (c *Client) loadReceipt(h types.Height) (*Receipt, error) {
	raw, err := c.cfg.Receipts.Get(h)
	if err != nil {
		return nil, fmt.Errorf("sampling: read receipt of block %d: %w", h, err)
	}
	if raw == nil {
		return nil, nil
	}
	r, err := DecodeReceipt(raw)
	if err != nil {
		c.cfg.Logger.Warn("sampling receipt unreadable", "height", h, "error", err)
		return nil, nil
	}
	return r, nil
}
