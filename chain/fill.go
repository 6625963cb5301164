package chain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// FillDown fetches the headers below First down to a height, which a leap left out, newest first: each is held against
// the parent digest of the one above, and its certificate against its committee. It waits pause between two requests and
// returns when they are here or ctx ends. Peers' faults are tried again elsewhere.
func (c *Chain) FillDown(ctx context.Context, to types.Height, pause time.Duration) error {
	to = max(to, 1)
	for c.First() > to {
		err := c.fillOnce(ctx, to)
		if err != nil && !isPeerFault(err) {
			return err
		}
		if err != nil {
			c.cfg.Logger.Debug("headers_below_not_filled", "first", c.First(), "error", err)
			if err := sleep(ctx, maxBackoff*c.cfg.Retry); err != nil {
				return err
			}
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
	return nil
}

func (c *Chain) fillOnce(ctx context.Context, to types.Height) error {
	first := c.First()
	from := to
	if first > to+MaxHeaders {
		from = first - MaxHeaders
	}
	request, cancel := context.WithTimeout(ctx, c.cfg.HeadersTimeout)
	defer cancel()
	list, err := c.cfg.Peers.Headers(request, from, int(first-from))
	if err != nil {
		return errors.Join(fmt.Errorf("headers from %d: %w: %w", from, ErrUnknown, err), ctx.Err())
	}
	// A long answer is cut to what fits a message: ask for the rest, from the top, in smaller steps.
	for len(list) > 0 && from+types.Height(len(list)) < first && ctx.Err() == nil {
		more, err := c.cfg.Peers.Headers(request, from+types.Height(len(list)), int(first-from)-len(list))
		if err != nil || len(more) == 0 {
			break
		}
		list = append(list, more...)
	}
	if err := c.fill(list, first); err != nil {
		if isLie(err) {
			c.distrustHeaders(from)
		}
		return err
	}
	return nil
}

// fill stores the headers that end right below first.
func (c *Chain) fill(list []types.CertifiedHeader, first types.Height) error {
	c.write.Lock()
	defer c.write.Unlock()
	if len(list) == 0 || c.First() != first || list[len(list)-1].Header.Height+1 != first {
		return fmt.Errorf("headers below %d: %w", first, ErrUnknown)
	}
	above, err := c.readHeader(first)
	if err != nil {
		return err
	}
	batch := c.store.Batch()
	next := above.Header
	for i := len(list) - 1; i >= 0; i-- {
		ch := &list[i]
		if ch.Header.Digest() != next.Parent {
			return fmt.Errorf("header %d is not the parent of the next: %w", ch.Header.Height, ErrInvalid)
		}
		committee, ok := c.Committee(ch.Header.Epoch)
		if !ok {
			return fmt.Errorf("committee of epoch %d: %w", ch.Header.Epoch, ErrUnknown)
		}
		if err := ch.Verify(c.network, committee); err != nil {
			return err
		}
		key := store.BigEndian(ch.Header.Height)
		batch.Set(store.SpaceHeaders, key, ch.Encode())
		if ch.Header.DataLength > 0 {
			batch.Set(store.SpaceCommitments, ch.Header.Commitment[:], key)
		}
		if len(ch.Header.Verdicts) > 0 {
			batch.Set(store.SpaceVerdicts, key, nil)
		}
		next = ch.Header
	}
	batch.Set(store.SpaceMeta, baseKey, store.BigEndian(list[0].Header.Height-1))
	if err := batch.Commit(store.Unsynced); err != nil {
		return err
	}
	c.mu.Lock()
	c.base = list[0].Header.Height - 1
	c.mu.Unlock()
	c.signals.notify()
	return nil
}
