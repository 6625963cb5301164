package chain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/etherscale/bedrock/types"
)

const (
	// HeadersInFlight bounds the requests for headers under way at once: with 100 ms a round trip they bring 3,800 headers a
	// second, more than a small machine verifies.
	HeadersInFlight = 6
	// HeadersAhead bounds the ranges that are asked for, or wait for those before them.
	HeadersAhead = 12
	// spanTries is how often in a row the headers right after the head are asked for, before followHeaders pauses.
	spanTries = 3
)

// offered is a header to be added.
type offered struct {
	types.CertifiedHeader
	by *types.Committee // which its certificate was verified by; nil: not verified yet
}

// span is a range of headers that are asked for together. While busy it belongs to the request, else to catchUp.
type span struct {
	from, to types.Height // both included
	busy     bool         // a request is under way
	list     []offered    // from `from` to `to`; nil: not here yet
	none     bool         // peers said that they have none of them
	failed   int          // requests so far
}

// catchUp fetches many headers: ranges side by side from whichever peers answer, so that no single one sets the pace.
// Certificates are verified as answers come, headers are added in their order. It belongs to Run.
type catchUp struct {
	c     *Chain
	spans []*span // ascending without gaps; the first begins right after the head
	limit types.Height
	busy  int
	done  chan *span // capacity HeadersInFlight: no request waits for its taker
}

// catchUpHeaders adds headers until peers have no more, or nobody gives good ones after the head. What peers do wrong is
// no error.
func (c *Chain) catchUpHeaders(ctx context.Context) error {
	head := c.Head().Header
	u := &catchUp{c: c, limit: head.Height + c.mostBehind(&head, time.Now()), done: make(chan *span, HeadersInFlight)}
	asking, cancel := context.WithCancel(ctx)
	defer func() { // its requests end before it does
		for cancel(); u.busy > 0; u.busy-- {
			<-u.done
		}
	}()
	for {
		u.ask(asking)
		if u.busy == 0 {
			return ctx.Err()
		}
		s := <-u.done
		u.busy--
		s.busy = false
		if more, err := u.take(s); err != nil || !more || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
	}
}

// ask begins requests for the lowest ranges that are missing.
func (u *catchUp) ask(ctx context.Context) {
	next := u.c.Head().Header.Height + 1
	if n := len(u.spans); n > 0 {
		next = u.spans[n-1].to + 1
	}
	for ; len(u.spans) < HeadersAhead && next <= u.limit; next += MaxHeaders {
		u.spans = append(u.spans, &span{from: next, to: min(next+MaxHeaders-1, u.limit)})
	}
	for _, s := range u.spans {
		if u.busy == HeadersInFlight {
			return
		}
		if s.busy || s.list != nil {
			continue
		}
		u.busy++
		s.busy = true
		go func() {
			u.c.fetchSpan(ctx, s)
			u.done <- s
		}()
	}
}

// fetchSpan makes one request for a span, and waits after a failure, longer after each.
func (c *Chain) fetchSpan(ctx context.Context, s *span) {
	request, cancel := context.WithTimeout(ctx, c.cfg.HeadersTimeout)
	defer cancel()
	list, err := c.cfg.Peers.Headers(request, s.from, int(s.to-s.from)+1)
	if err == nil && len(list) == 0 {
		s.none = true
		return
	}
	if err == nil {
		s.list, err = c.checkSpan(list, s)
	}
	if err == nil {
		return
	}
	c.cfg.Logger.Debug("headers_not_fetched", "from", s.from, "error", err)
	if isLie(err) {
		c.distrustHeaders(s.from)
	}
	s.failed++
	_ = sleep(ctx, c.cfg.Retry<<min(s.failed-1, 4))
}

// checkSpan verifies what can be without the headers before: heights, and certificates of epochs whose committee is known.
func (c *Chain) checkSpan(list []types.CertifiedHeader, s *span) ([]offered, error) {
	if len(list) > int(s.to-s.from)+1 {
		return nil, fmt.Errorf("%d headers, asked for %d: %w", len(list), s.to-s.from+1, ErrInvalid)
	}
	out := make([]offered, len(list))
	for i := range list {
		h := &list[i].Header
		if h.Height != s.from+types.Height(i) {
			return nil, fmt.Errorf("header %d in place of %d: %w", h.Height, s.from+types.Height(i), ErrInvalid)
		}
		out[i].CertifiedHeader = list[i]
		committee, ok := c.Committee(h.Epoch)
		if !ok {
			continue
		}
		if err := list[i].Verify(c.network, committee); err != nil {
			return nil, err
		}
		out[i].by = committee
	}
	return out, nil
}

func (c *Chain) distrustHeaders(from types.Height) {
	if d, ok := c.cfg.Peers.(Distruster); ok {
		d.DistrustHeaders(from)
	}
}

// take places an answer, and adds what is next. more is false when asking on leads nowhere.
func (u *catchUp) take(s *span) (more bool, err error) {
	at := slices.Index(u.spans, s)
	switch {
	case at < 0:
		return true, nil // it lies above what peers have, as turned out meanwhile
	case s.none && at == 0:
		return false, nil
	case s.none:
		u.limit, u.spans = s.from-1, u.spans[:at]
	case len(s.list) > 0 && s.from+types.Height(len(s.list)) <= s.to: // answers are cut to what fits a message
		rest := &span{from: s.from + types.Height(len(s.list)), to: s.to}
		s.to = rest.from - 1
		u.spans = slices.Insert(u.spans, at+1, rest)
	}
	err = u.add()
	return len(u.spans) == 0 || u.spans[0].busy || u.spans[0].failed < spanTries, err
}

// add adds the headers right after the head, as far as they are here, in one write.
func (u *catchUp) add() error {
	var list []offered
	ready := 0
	for ready < len(u.spans) && !u.spans[ready].busy && u.spans[ready].list != nil {
		list = append(list, u.spans[ready].list...)
		ready++
	}
	if ready == 0 {
		return nil
	}
	_, err := u.c.addHeaders(list)
	if err != nil && !isPeerFault(err) {
		return err
	}
	if err == nil {
		u.spans = u.spans[ready:]
		return nil
	}
	next := u.c.Head().Header.Height + 1
	for len(u.spans) > 0 && u.spans[0].to < next {
		u.spans = u.spans[1:]
	}
	if len(u.spans) == 0 || u.spans[0].busy {
		return nil // others came by gossip meanwhile
	}
	wrong := u.spans[0]
	u.c.cfg.Logger.Debug("headers_refused", "from", wrong.from, "error", err)
	if isLie(err) {
		u.c.distrustHeaders(wrong.from)
	}
	wrong.from, wrong.list = max(wrong.from, next), nil
	wrong.failed++
	return nil
}
