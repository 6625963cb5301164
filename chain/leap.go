package chain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

const (
	// leapGap is how far behind a light client follows header by header; further behind it leaps.
	leapGap = 256
	// leapRest is how many headers a leap leaves to be followed at most: fewer would cost more questions than headers.
	leapRest = 16
	// leapTries is how often one header is asked for.
	leapTries = 3
)

// leap brings a light client that is far behind near the newest header in kilobytes, not history: from epoch to epoch by
// their last headers, each of which names the next committee, then inside the newest epoch by bisection. What it lands on
// carries a certificate by a committee that it knows; what lies between can be had later (FillDown). It reports whether
// the head moved.
func (c *Chain) leap(ctx context.Context) (moved bool, err error) {
	if !c.cfg.HeadersOnly || !c.mayBeFarBehind(time.Now()) {
		return false, nil
	}
	if err := errors.Join(c.Err(), c.Fresh(time.Now())); err != nil {
		return false, err
	}
	far, err := c.isFarBehind(ctx)
	if err != nil || !far {
		return false, ctx.Err()
	}
	r, err := c.newRoute()
	if err != nil {
		return false, err
	}
	if err := r.walkEpochs(ctx); err != nil {
		return false, err
	}
	r.searchInside(ctx)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return len(r.path) > 0, c.land(r.path)
}

// mayBeFarBehind reports whether the head is so old that more than leapGap blocks may have followed, and peers have not
// answered that question for this head: a network that stands still is not asked again and again.
func (c *Chain) mayBeFarBehind(now time.Time) bool {
	head := c.Head().Header
	return c.probed != head.Height+1 && c.mostBehind(&head, now) > leapGap
}

// isFarBehind asks whether there is a header leapGap above the head. The answer is believed: who lies about it makes this node
// leap where it might have followed.
func (c *Chain) isFarBehind(ctx context.Context) (bool, error) {
	request, cancel := context.WithTimeout(ctx, c.cfg.HeadersTimeout)
	defer cancel()
	head := c.Head().Header.Height
	list, err := c.cfg.Peers.Headers(request, head+leapGap, 1)
	if err == nil {
		c.probed = head + 1
	}
	return len(list) > 0, err
}

// mostBehind is how many blocks may have followed a header by now.
func (c *Chain) mostBehind(h *types.Header, now time.Time) types.Height {
	age := now.Sub(h.Time.Std())
	if age <= 0 {
		return 0
	}
	return types.Height(uint64(age.Microseconds())/c.cfg.Genesis.BlockInterval) + 1
}

// route is the way of one leap: the last headers of epochs, and the one to land on.
type route struct {
	c         *Chain
	at        types.Header // newest one found
	epoch     types.Epoch  // of what follows it
	rules     uint64
	committee *types.Committee
	path      []types.CertifiedHeader
}

func (c *Chain) newRoute() (*route, error) {
	c.mu.RLock()
	at, rules := c.head.Header, c.rules
	c.mu.RUnlock()
	epoch := nextEpoch(&at)
	committee, ok := c.Committee(epoch)
	if !ok {
		return nil, fmt.Errorf("committee of epoch %d: %w", epoch, ErrUnknown)
	}
	return &route{c: c, at: at, epoch: epoch, rules: rules, committee: committee}, nil
}

// end is the height of the running epoch's last header.
func (r *route) end() types.Height {
	return types.Height((uint64(r.epoch) + 1) * r.c.cfg.Genesis.EpochLength)
}

// walkEpochs goes to the newest epoch that peers know of, or the newest whose rules this program knows.
func (r *route) walkEpochs(ctx context.Context) error {
	for r.rules <= r.c.cfg.RuleVersion {
		found := r.probe(ctx, r.end())
		if found == nil {
			return nil
		}
		committee, err := types.NewCommittee(found.Header.Next.Committee)
		if err != nil {
			return err // checkEnd has seen to it
		}
		r.path, r.at = append(r.path, *found), found.Header
		r.epoch, r.rules, r.committee = r.epoch+1, found.Header.Next.RuleVersion, committee
	}
	return nil
}

// searchInside finds the newest header of the running epoch, to within leapRest, by asking whether there is one at a height.
func (r *route) searchInside(ctx context.Context) {
	low := r.at.Height
	high := min(r.end(), low+r.c.mostBehind(&r.at, time.Now())+1) // nobody has this one
	best := (*types.CertifiedHeader)(nil)
	for step := types.Height(leapRest); low+step < high; step *= 2 {
		found := r.probe(ctx, low+step)
		if found == nil {
			high = low + step
			break
		}
		low, best = low+step, found
	}
	for high-low > leapRest && ctx.Err() == nil {
		middle := low + (high-low)/2
		if found := r.probe(ctx, middle); found != nil {
			low, best = middle, found
		} else {
			high = middle
		}
	}
	if best != nil {
		r.path = append(r.path, *best)
	}
}

// probe asks peers for one header of the running epoch, and checks its certificate; nil if nobody asked has a good one. Where
// a request fails or brings a lie another peer is asked: what is missed here costs hundreds of headers.
func (r *route) probe(ctx context.Context, at types.Height) *types.CertifiedHeader {
	for range leapTries {
		found, err := r.ask(ctx, at)
		if err == nil || ctx.Err() != nil {
			return found
		}
		r.c.cfg.Logger.Debug("header_refused", "height", at, "error", err)
		if d, ok := r.c.cfg.Peers.(Distruster); ok && isLie(err) {
			d.DistrustHeaders(at)
		}
	}
	return nil
}

// ask is one request of probe; nil without an error if peers say that they have no such header.
func (r *route) ask(ctx context.Context, at types.Height) (*types.CertifiedHeader, error) {
	request, cancel := context.WithTimeout(ctx, r.c.cfg.HeadersTimeout)
	defer cancel()
	list, err := r.c.cfg.Peers.Headers(request, at, 1)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	if err := r.check(&list[0], at); err != nil {
		return nil, err
	}
	return &list[0], nil
}

// check returns what is wrong with a header as one of the running epoch whose parent is not known.
func (r *route) check(ch *types.CertifiedHeader, at types.Height) error {
	h := &ch.Header
	if h.Height != at || h.Epoch != r.epoch {
		return fmt.Errorf("header %d of epoch %d, asked for %d of epoch %d: %w", h.Height, h.Epoch, at, r.epoch, ErrInvalid)
	}
	if err := ch.Verify(r.c.network, r.committee); err != nil {
		return err
	}
	if checkpoint := r.c.cfg.Checkpoint; checkpoint != nil {
		if err := checkpointError(checkpoint, h); err != nil {
			return err
		}
	}
	if ends := at == r.end(); ends != (h.Next != nil) {
		return fmt.Errorf("header %d names a next committee: %t: %w", at, h.Next != nil, ErrInvalid)
	}
	if h.Next == nil {
		return nil
	}
	if err := checkEnd(h.Next, r.committee.Len(), r.rules); err != nil {
		return fmt.Errorf("header %d: %w: %w", at, err, ErrInvalid)
	}
	return nil
}

// land makes the last of a path the head. Headers below it count as not here, but for the ends of epochs on the path.
func (c *Chain) land(path []types.CertifiedHeader) error {
	if len(path) == 0 {
		return nil
	}
	c.write.Lock()
	defer c.write.Unlock()
	at := path[len(path)-1].Header.Height
	if at <= c.Head().Header.Height+1 {
		return nil // followed in the meantime
	}
	s := newStage(c)
	s.progress = progress{head: at, bodies: at - 1, pruned: at - 1, released: at - 1, bodyBytes: c.progress.bodyBytes}
	for _, ch := range path {
		if err := s.put(ch); err != nil {
			return err
		}
	}
	s.batch.Set(store.SpaceMeta, baseKey, store.BigEndian(at-1))
	// Before the head shows: whoever asks for what lies below must not take a gap for the chain.
	c.mu.Lock()
	c.base = at - 1
	c.mu.Unlock()
	return s.commit()
}
