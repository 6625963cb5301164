package chain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/types"
)

// maxBackoff is how many times Config.Retry the longest wait is.
const maxBackoff = 16

// Run keeps up with the network until ctx ends: it asks peers for headers when there is a gap or nothing new came for
// Config.Poll, and, unless HeadersOnly, for the bodies of the headers it has. It returns ctx's error, the reason why the
// chain is no longer followed (see Err; what is stored can still be read and served), ErrStale, ErrCheckpoint, or an error of
// the store. Where a checkpoint is ahead, its header is fetched first.
func (c *Chain) Run(ctx context.Context) error {
	if c.cfg.Peers == nil {
		return errors.New("chain: Run needs Config.Peers")
	}
	if err := c.anchor(ctx); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.followHeaders(ctx) })
	if !c.cfg.HeadersOnly {
		group.Go(func() error {
			if err := c.awaitRelease(ctx); err != nil {
				return err
			}
			return c.followBodies(ctx)
		})
	}
	return group.Wait()
}

// Hint says that a peer claims to be ahead: Run asks for headers soon. It never blocks.
func (c *Chain) Hint() { wake(c.hint) }

// followHeaders asks again at once while headers come, waits longer and longer while they are missing, and polls when
// nothing seems to be.
func (c *Chain) followHeaders(ctx context.Context) error {
	signal, cancel := c.Subscribe()
	defer cancel()
	wait := c.cfg.Retry
	for {
		leapt, err := c.leap(ctx)
		if err != nil {
			return err
		}
		added, err := c.fetchHeaders(ctx)
		if err != nil {
			return err
		}
		if leapt {
			c.cfg.Logger.Info("following begins near the newest header", "height", c.Head().Header.Height, "first", c.First())
		}
		if added > 0 {
			wait = c.cfg.Retry
			if err := c.catchUpFrom(ctx, added); err != nil {
				return err
			}
			continue
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		if c.gap() {
			wait = min(2*wait, maxBackoff*c.cfg.Retry)
			continue
		}
		wait = c.cfg.Retry
		if err := c.awaitReason(ctx, signal); err != nil {
			return err
		}
	}
}

// catchUpFrom fetches side by side what follows a full answer, where that may be much. A light client leaps instead.
func (c *Chain) catchUpFrom(ctx context.Context, added int) error {
	head := c.Head().Header
	if c.cfg.HeadersOnly || added < MaxHeaders || c.mostBehind(&head, time.Now()) <= MaxHeaders {
		return nil
	}
	return c.catchUpHeaders(ctx)
}

// gap reports whether certified headers wait for the ones before them.
func (c *Chain) gap() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.pending) > 0
}

// awaitReason returns when headers should be asked for: on a hint, or when the head has not moved for Config.Poll.
func (c *Chain) awaitReason(ctx context.Context, signal <-chan struct{}) error {
	timer := time.NewTimer(c.cfg.Poll)
	defer timer.Stop()
	head := c.Head().Header.Height
	for {
		if err := c.Err(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.hint:
			return nil
		case <-timer.C:
			return nil
		case <-signal:
			if now := c.Head().Header.Height; now != head {
				head = now
				timer.Reset(c.cfg.Poll)
			}
		}
	}
}

// fetchHeaders asks once for the headers after the head. What peers do wrong is no error; added is what was good of it.
func (c *Chain) fetchHeaders(ctx context.Context) (added int, err error) {
	if err := errors.Join(c.Err(), c.Fresh(time.Now())); err != nil {
		return 0, err
	}
	from := c.Head().Header.Height + 1
	request, cancel := context.WithTimeout(ctx, c.cfg.HeadersTimeout)
	defer cancel()
	list, err := c.cfg.Peers.Headers(request, from, MaxHeaders)
	if err == nil && len(list) > MaxHeaders {
		err = fmt.Errorf("%d headers, asked for %d: %w", len(list), MaxHeaders, ErrInvalid)
	}
	if err != nil {
		c.cfg.Logger.Debug("headers_not_fetched", "from", from, "error", err)
		return 0, ctx.Err()
	}
	c.noteLevel(len(list) == 0 && !c.gap())
	added, err = c.AddHeaders(list)
	if isPeerFault(err) {
		c.cfg.Logger.Debug("headers_refused", "from", from, "added", added, "error", err)
		if isLie(err) {
			c.distrustHeaders(from)
		}
		return added, ctx.Err()
	}
	return added, err
}

// isPeerFault reports whether an error of adding is about what a peer sent: another peer may do better.
func isPeerFault(err error) bool {
	for _, fault := range []error{ErrInvalid, ErrAhead, ErrOld, ErrBody, ErrUnknown, types.ErrCertificate, types.ErrMalformed} {
		if errors.Is(err, fault) {
			return !errors.Is(err, ErrConflict)
		}
	}
	return false
}

// isLie reports whether an error proves that its sender did not check, or invented, what it sent.
func isLie(err error) bool {
	return errors.Is(err, types.ErrCertificate) || errors.Is(err, types.ErrMalformed) || errors.Is(err, ErrInvalid) || errors.Is(err, ErrBody)
}

// sleep waits for d or the end of ctx, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
