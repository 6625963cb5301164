package chain

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/types"
)

// ownLag is how many blocks behind the head the own sequencer is still waited for; further behind it is catching up
// itself, and waiting for each body would make the node as slow as the network.
const ownLag = 8

// followBodies keeps at most BodiesInFlight fetches of at most BodyBytesInFlight going, for the lowest heights whose bodies are
// missing.
func (c *Chain) followBodies(ctx context.Context) error {
	signal, cancel := c.Subscribe()
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	done := make(chan types.Height, BodiesInFlight)
	inFlight := make(map[types.Height]uint64, BodiesInFlight) // -> the body's bytes
	for {
		for _, h := range c.missingBodies(inFlight) {
			group.Go(func() error {
				err := c.fetchBody(ctx, h)
				done <- h // never blocks: its capacity is what may be in flight
				return err
			})
		}
		select {
		case <-ctx.Done():
			return group.Wait()
		case h := <-done:
			delete(inFlight, h)
		case <-signal:
		case <-c.resumed:
		}
	}
}

// missingBodies lists heights to begin with, as many as there is room for, and puts them in flight.
func (c *Chain) missingBodies(inFlight map[types.Height]uint64) (list []types.Height) {
	if c.paused.Load() {
		return nil
	}
	bytes := uint64(0)
	for _, n := range inFlight {
		bytes += n
	}
	first, head := c.BodiesHead()+1, c.Head().Header.Height
	for h := first; h <= head && h < first+BodyWindow && len(inFlight) < BodiesInFlight; h++ {
		if _, asked := inFlight[h]; asked || c.HasBody(h) {
			continue
		}
		ch, ok := c.Header(h)
		if !ok || bytes > 0 && bytes+ch.Header.DataLength > BodyBytesInFlight {
			break
		}
		bytes += ch.Header.DataLength
		inFlight[h] = ch.Header.DataLength
		list = append(list, h)
	}
	return list
}

// fetchBody asks for one body until it is here: peers first, from the second failure on the shards as well. It returns
// only errors that end Run.
func (c *Chain) fetchBody(ctx context.Context, h types.Height) error {
	if c.closes(h) && h+ownLag > c.Head().Header.Height {
		if err := sleep(ctx, c.cfg.BodyDelay); err != nil {
			return err
		}
	}
	wait := c.cfg.Retry
	for try := 1; !c.HasBody(h) && h > c.PrunedHeight(); try++ {
		err := c.tryBody(ctx, h, try > 1 && c.cfg.Rows != nil)
		if err == nil {
			return nil
		}
		if local := (*localError)(nil); errors.As(err, &local) {
			return local.error
		}
		c.cfg.Logger.Debug("body_not_fetched", "height", h, "try", try, "error", err)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, maxBackoff*c.cfg.Retry)
	}
	return nil
}

// closes reports whether the own sequencer lays out a block itself. One that is not in the committee gets it like anybody else.
func (c *Chain) closes(h types.Height) bool {
	ch, ok := c.Header(h)
	if !ok || c.cfg.BodyDelay == 0 {
		return false
	}
	committee, ok := c.Committee(ch.Header.Epoch)
	if !ok {
		return false
	}
	_, member := committee.Index(c.cfg.Own)
	return member
}

// localError is a failure to store: no other peer makes it better.
type localError struct{ error }

func (c *Chain) tryBody(ctx context.Context, h types.Height, rebuild bool) error {
	ch, ok := c.Header(h)
	if !ok {
		return ErrUnknown
	}
	err := c.fetchFrom(ctx, h, func(ctx context.Context) ([]byte, error) {
		return c.cfg.Peers.Body(ctx, h, ch.Header.Commitment)
	})
	if d, ok := c.cfg.Peers.(Distruster); ok && isLie(err) {
		d.DistrustBody(h)
	}
	if local := (*localError)(nil); err == nil || !rebuild || errors.As(err, &local) {
		return err
	}
	return c.fetchFrom(ctx, h, func(ctx context.Context) ([]byte, error) { return c.cfg.Rows.Rebuild(ctx, ch.Header) })
}

// fetchFrom gives one source its time and checks what it hands over.
func (c *Chain) fetchFrom(ctx context.Context, h types.Height, source func(context.Context) ([]byte, error)) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.BodyTimeout)
	defer cancel()
	data, err := source(ctx)
	if err != nil {
		return err
	}
	err = c.AddBody(h, data)
	if err == nil || isPeerFault(err) {
		return err
	}
	return &localError{err}
}
