package sampling

import (
	"context"
	"sync"
	"time"

	"github.com/etherscale/bedrock/types"
)

const (
	// maxBackoff is the longest pause between two looks at a block.
	maxBackoff = time.Minute
	// window is how many blocks that were never looked at have a task; older ones wait as ranges.
	window = 64
	// safeStep is how many heights Safe moves before it is stored again; a restart reads so many verdicts once more.
	safeStep = 16
)

// task is a block without final verdict.
type task struct {
	seen    time.Time // when the client first had it in view
	due     time.Time // when it may be looked at next
	backoff time.Duration
	running bool
	charged int64 // bytes that its look was charged with
}

// span is a range of heights without tasks, both ends included.
type span struct{ low, high types.Height }

// schedule is owned by Run's goroutine.
type schedule struct {
	c       *Client
	tasks   map[types.Height]*task
	skipped types.Height // what was left out at the chain's lower end
	known   types.Height // every height up to here is done, has a task, or is in backlog
	backlog []span       // ascending
	running int
	done    chan outcome
	budget  budget
}

type outcome struct {
	height types.Height
	state  *state
	stored bool // the verdict was reached before
	err    error
}

// Run samples every certified block above Safe, the newest first, until ctx ends. It returns the context's error, or the
// store's.
func (c *Client) Run(ctx context.Context) error {
	signal, cancel := c.cfg.Headers.Subscribe()
	defer cancel()
	s := &schedule{c: c, tasks: make(map[types.Height]*task), known: c.Safe(), done: make(chan outcome),
		budget: newBudget(c.cfg.Rate, time.Now())}
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	var workers sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	defer workers.Wait()
	defer stop()
	for {
		if err := s.learn(); err != nil {
			return err
		}
		wake := s.start(ctx, &workers)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-signal:
		case <-wake:
		case now := <-prune.C:
			if err := c.prune(now); err != nil {
				return err
			}
		case out := <-s.done:
			if err := s.finish(out); err != nil {
				return err
			}
		}
	}
}

// learn takes in new headers and makes tasks for the newest blocks that have none.
func (s *schedule) learn() error {
	if before := s.c.cfg.Headers.First() - 1; before > s.skipped {
		if err := s.skip(before); err != nil {
			return err
		}
	}
	if head := s.c.cfg.Headers.Head().Header.Height; head > s.known {
		s.backlog = append(s.backlog, span{s.known + 1, head})
		s.known = head
	}
	now, fresh := time.Now(), 0
	for _, t := range s.tasks {
		if t.running || t.due.Sub(now) <= s.c.cfg.Delay {
			fresh++
		}
	}
	for ; fresh < window && len(s.backlog) > 0; fresh++ {
		last := &s.backlog[len(s.backlog)-1]
		s.tasks[last.high] = &task{seen: now, due: s.firstLook(last.high, now), backoff: s.c.cfg.Backoff}
		if last.high == last.low {
			s.backlog = s.backlog[:len(s.backlog)-1]
			continue
		}
		last.high--
	}
	return nil
}

// skip leaves out the heights up to h: whoever vouches for what follows vouches for them.
func (s *schedule) skip(h types.Height) error {
	s.skipped, s.known = h, max(s.known, h)
	for len(s.backlog) > 0 && s.backlog[0].high <= h {
		s.backlog = s.backlog[1:]
	}
	if len(s.backlog) > 0 {
		s.backlog[0].low = max(s.backlog[0].low, h+1)
	}
	for height, t := range s.tasks {
		if height <= h && !t.running {
			delete(s.tasks, height)
		}
	}
	return s.c.skip(h)
}

// firstLook gives the rows of a block that is just being published a moment to reach their holders.
func (s *schedule) firstLook(h types.Height, now time.Time) time.Time {
	ch, ok := s.c.cfg.Headers.Header(h)
	if !ok || now.Sub(ch.Header.Time.Std()) > s.c.cfg.Grace {
		return now
	}
	return now.Add(s.c.cfg.Delay)
}

// start sets off attempts while there is room, and returns a channel that fires when the next task is due.
func (s *schedule) start(ctx context.Context, workers *sync.WaitGroup) <-chan time.Time {
	for s.running < s.c.cfg.Parallel {
		height, wait := s.next()
		if height == 0 {
			if wait < 0 {
				return nil
			}
			return time.After(wait)
		}
		if wait := s.budget.wait(time.Now()); wait > 0 {
			return time.After(wait) // by then another block may be the newest
		}
		s.tasks[height].charged = s.expected(height)
		s.budget.charge(s.tasks[height].charged)
		s.tasks[height].running = true
		s.running++
		workers.Go(func() {
			out := s.c.work(ctx, height)
			select {
			case s.done <- out:
			case <-ctx.Done():
			}
		})
	}
	return nil
}

// next is the newest task that is due; else 0 and the time until one will be (negative: none).
func (s *schedule) next() (types.Height, time.Duration) {
	now, wait := time.Now(), time.Duration(-1)
	var newest types.Height
	for h, t := range s.tasks {
		switch {
		case t.running:
		case !t.due.After(now):
			newest = max(newest, h)
		case wait < 0 || t.due.Sub(now) < wait:
			wait = t.due.Sub(now)
		}
	}
	return newest, wait
}

// expected is what a look at a block may cost; what was looked at before costs less, and is given back soon.
func (s *schedule) expected(h types.Height) int64 {
	ch, ok := s.c.cfg.Headers.Header(h)
	if !ok {
		return 0
	}
	return s.c.cfg.Rules.expected(&ch.Header)
}

// work is one attempt, in a goroutine of its own.
func (c *Client) work(ctx context.Context, height types.Height) outcome {
	ch, ok := c.cfg.Headers.Header(height)
	if !ok {
		return outcome{height: height}
	}
	s, err := c.load(height)
	if err == nil && s != nil && s.Commitment == ch.Header.Commitment && s.Verdict.settled() {
		return outcome{height: height, state: s, stored: true}
	}
	s, err = c.attempt(ctx, ch)
	return outcome{height: height, state: s, err: err}
}

// finish books an attempt.
func (s *schedule) finish(out outcome) error {
	t := s.tasks[out.height]
	t.running = false
	s.running--
	s.budget.charge(-t.charged)
	if out.state != nil && !out.stored {
		s.budget.charge(out.state.received)
	}
	if out.err != nil {
		return out.err
	}
	now := time.Now()
	t.due, t.backoff = now.Add(t.backoff), min(2*t.backoff, maxBackoff)
	if out.state == nil {
		return nil
	}
	over := out.state.Verdict.settled() || s.givenUp(out.height, now)
	if over {
		delete(s.tasks, out.height)
	}
	if out.stored {
		return s.c.found(out.state)
	}
	out.state.Elapsed = now.Sub(t.seen)
	if !out.state.Verdict.settled() && (over || out.state.Elapsed > s.c.cfg.Grace) {
		out.state.Verdict = Unavailable
	}
	return s.c.book(out.state, over)
}

// givenUp reports whether nobody need keep the rows of a block any more.
func (s *schedule) givenUp(h types.Height, now time.Time) bool {
	ch, ok := s.c.cfg.Headers.Header(h)
	return ok && s.c.cfg.Retention > 0 && now.Sub(ch.Header.Time.Std()) > s.c.cfg.Retention
}

// book stores a state, moves Safe and tells those who wait.
func (c *Client) book(st *state, over bool) error {
	c.booking.Lock()
	defer c.booking.Unlock()
	if judged := c.judged(st); judged != st {
		st, over = judged, true
	}
	if err := c.save(st); err != nil {
		return err
	}
	c.mu.Lock()
	before := Pending
	if old := c.active[st.Height]; old != nil {
		before = old.Verdict
	}
	c.mu.Unlock()
	if err := c.settle(st, over); err != nil {
		return err
	}
	c.signals.notify()
	if c.cfg.Verdict != nil && before != st.Verdict {
		c.cfg.Verdict(st.result())
	}
	return nil
}

// found enters a verdict that was stored before.
func (c *Client) found(st *state) error {
	c.booking.Lock()
	defer c.booking.Unlock()
	return c.settle(c.judged(st), true)
}

// settle enters a stored state into memory, where only what is not over stays, and moves Safe over available blocks. What
// is stored of Safe lags behind by less than safeStep.
func (c *Client) settle(st *state, over bool) error {
	c.mu.Lock()
	c.active[st.Height] = st
	if over {
		delete(c.active, st.Height)
	}
	if st.Verdict == Available {
		c.ahead[st.Height] = true
	}
	from := c.safe
	for c.ahead[c.safe+1] {
		c.safe++
		delete(c.ahead, c.safe)
	}
	safe := c.safe
	due := safe/safeStep != from/safeStep
	c.mu.Unlock()
	if !due {
		return nil
	}
	return c.save(&state{Version: stateVersion, Verdict: Available, Safe: safe})
}

// skip counts the heights up to h as available, for good.
func (c *Client) skip(h types.Height) error {
	c.booking.Lock()
	defer c.booking.Unlock()
	c.mu.Lock()
	if h <= c.safe {
		c.mu.Unlock()
		return nil
	}
	c.safe = h
	for height := range c.ahead {
		if height <= h {
			delete(c.ahead, height)
		}
	}
	for c.ahead[c.safe+1] {
		c.safe++
		delete(c.ahead, c.safe)
	}
	safe := c.safe
	c.mu.Unlock()
	c.signals.notify()
	return c.save(&state{Version: stateVersion, Verdict: Available, Safe: safe})
}

// signals wakes subscribers; a signal nobody took yet stands for all that followed.
type signals struct {
	mu   sync.Mutex
	subs map[chan struct{}]struct{}
}

func (s *signals) subscribe() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subs == nil {
		s.subs = make(map[chan struct{}]struct{})
	}
	s.subs[ch] = struct{}{}
	return ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subs, ch)
	}
}

func (s *signals) notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.subs {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
