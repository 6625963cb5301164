package dht

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

const (
	// checkShows is the number of holders that a check makes show a row.
	checkShows = 2
	// fetchBytes is how much is fetched at once for a rebuild.
	fetchBytes = 2 << 20
	// pushBytes is how much is pushed between two rests.
	pushBytes = 4 << 20
	// crawlAge is how old the last crawl may be for a rebuild where sweeps do not meet every server.
	crawlAge = 5 * time.Minute
)

// errNotNeeded ends a rebuild of a block whose rows live.
var errNotNeeded = errors.New("dht: enough rows live")

// checkNext looks after the live rows of one block and returns how long to rest for it.
func (r *repairer) checkNext(ctx context.Context) (time.Duration, bool) {
	r.mu.Lock()
	j := r.plan.nextCheck(time.Now())
	r.mu.Unlock()
	switch j.kind {
	case jobCheck:
		return r.check(ctx, j.commitment), true
	case jobRebuild:
		return r.answerAlarm(ctx, j), true
	}
	return 0, false
}

// check estimates the share of a block's rows that live.
func (r *repairer) check(ctx context.Context, commitment types.Hash) time.Duration {
	c, err := r.censusOf(ctx, commitment, checkShows)
	if err != nil || c.params.N == 0 {
		r.book(func(now time.Time) { r.plan.checked(commitment, now, 1, nil) }) // nothing here to judge it by
		return 0
	}
	sample := sampleRows(c.params.N, checkRows)
	missing := c.count(ctx, sample)
	if liveShare(sample, missing) < lowShare {
		missing = c.lookUp(ctx, missing)
	}
	if ctx.Err() != nil {
		return 0
	}
	r.checks.Add(1)
	r.asked.Add(uint64(c.cost))
	share := liveShare(sample, missing)
	r.book(func(now time.Time) { r.plan.checked(commitment, now, share, missing) })
	return costOf(c.cost, share < lowShare)
}

func (r *repairer) book(do func(now time.Time)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do(time.Now())
}

// censusOf prepares a census of a block that this node has the header and the opening of.
func (r *repairer) censusOf(ctx context.Context, c types.Hash, shows int) (*census, error) {
	ch, ok := r.d.cfg.Headers.HeaderByCommitment(c)
	if !ok {
		return nil, fmt.Errorf("%w: certificate of %s", ErrNotFound, c)
	}
	return r.newCensus(ctx, ch.Header, shows)
}

// sampleRows draws n different rows of total, or all of fewer; ascending.
func sampleRows(total, n int) []uint32 {
	out := make([]uint32, 0, n)
	for _, i := range rand.Perm(total)[:min(n, total)] {
		out = append(out, uint32(i))
	}
	slices.Sort(out)
	return out
}

func liveShare(all, missing []uint32) float64 { return 1 - float64(len(missing))/float64(len(all)) }

// answerAlarm looks at the rows of an alarm again, and rebuilds the block unless some have come to life: then somebody is
// at work.
func (r *repairer) answerAlarm(ctx context.Context, j job) time.Duration {
	c, err := r.censusOf(ctx, j.commitment, checkShows)
	if err != nil {
		r.book(func(now time.Time) { r.plan.rebuilt(j.commitment, now, -1, true, false) })
		return 0
	}
	still := c.lookUp(ctx, c.count(ctx, j.missing))
	if ctx.Err() != nil {
		return 0
	}
	r.asked.Add(uint64(c.cost))
	if len(still) < len(j.missing) {
		r.book(func(now time.Time) { r.plan.postponed(j.commitment, now, still) })
		return costOf(c.cost, true)
	}
	r.rebuild(ctx, c.header)
	return 0
}

// rebuild counts a block's live rows and, if they are too few, makes all rows again and pushes the missing ones.
func (r *repairer) rebuild(ctx context.Context, h types.Header) {
	start := time.Now()
	share, pushed, err := r.restore(ctx, h)
	beyond := isBeyond(err)
	r.d.report(&request{kind: kindGet}, &h, err)
	switch {
	case ctx.Err() != nil:
		return
	case errors.Is(err, errNotNeeded):
		err = nil
	case beyond:
		r.failed.Add(1)
		r.d.log.Error("rows of a block do not make the committed block; nobody can repair it", "height", h.Height, "error", err)
	case err != nil:
		r.failed.Add(1)
		r.d.log.Warn("block not rebuilt; it is tried again later", "height", h.Height, "live", share, "error", err)
	default:
		r.ended.Add(1)
		r.pushed.Add(uint64(pushed))
		r.d.log.Info("block rebuilt from its rows", "height", h.Height, "rows_pushed", pushed, "live", share, "took", time.Since(start))
	}
	r.book(func(now time.Time) { r.plan.rebuilt(h.Commitment, now, share, err != nil, beyond) })
}

// isBeyond tells faults of the block, which no further rows mend.
func isBeyond(err error) bool {
	var bad *coding.BadEncodingError
	return errors.Is(err, coding.ErrInconsistent) || errors.Is(err, coding.ErrPadding) || errors.As(err, &bad)
}

// restore is one rebuild. It returns the share of rows that live in the end and how many were pushed.
func (r *repairer) restore(ctx context.Context, h types.Header) (share float64, pushed int, err error) {
	r.seeAll(ctx)
	c, err := r.newCensus(ctx, h, len(r.witnesses()))
	if err != nil {
		return -1, 0, err
	}
	every := sampleRows(c.params.N, c.params.N)
	missing := c.count(ctx, every)
	share = liveShare(every, missing)
	if share >= repairShare {
		return share, 0, errNotNeeded
	}
	r.begun.Add(1)
	block, err := c.rebuild(ctx)
	if err != nil {
		return share, 0, err
	}
	pushed, err = r.push(ctx, h, block, missing)
	return share + float64(pushed)/float64(len(every)), pushed, err
}

// seeAll makes the table whole where sweeps do not meet every server: a rebuild needs all holders.
func (r *repairer) seeAll(ctx context.Context) {
	r.mu.Lock()
	due := time.Since(r.crawl) > crawlAge
	r.mu.Unlock()
	if r.d.servers.whole.Load() || !due {
		return
	}
	r.d.crawl(ctx)
	r.book(func(now time.Time) { r.crawl = now })
}

// rebuild makes the block from live rows, data rows first, or takes the one that is kept whole here.
func (c *census) rebuild(ctx context.Context) (*coding.Block, error) {
	if block := c.r.d.cutter.block(c.header.Commitment); block != nil {
		return block, nil
	}
	live := make([]uint32, 0, len(c.live))
	for i := range c.live {
		live = append(live, i)
	}
	slices.Sort(live)
	if len(live) < c.params.K {
		return nil, fmt.Errorf("%w: %d rows of block %d live, %d are needed", ErrNotFound, len(live), c.header.Height, c.params.K)
	}
	for next := 0; len(c.shown) < c.params.K && next < len(live); {
		n := min(c.params.K-len(c.shown), max(1, fetchBytes/c.params.ShardSize()), len(live)-next)
		if err := c.fetch(ctx, live[next:next+n]); err != nil {
			return nil, err
		}
		next += n
	}
	shards := make([]coding.Shard, 0, len(c.shown))
	for _, s := range c.shown {
		shards = append(shards, s)
	}
	return coding.ReconstructAllVerified(c.verifier, shards)
}

// fetch gets and verifies rows; what cannot be had is left out. It fails with what convicts the block, or ctx's error.
func (c *census) fetch(ctx context.Context, indices []uint32) error {
	var bad error
	wanted := slices.DeleteFunc(slices.Clone(indices), func(i uint32) bool { _, have := c.shown[i]; return have })
	_ = c.r.d.Rows(ctx, c.header, wanted, func(_ string, s coding.Shard) bool {
		switch err := c.verifier.Verify(s); {
		case isLie(err):
			return false
		case err != nil:
			bad = err
		default:
			c.shown[s.Index] = s
		}
		return true
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return bad
}

// push brings rows of a rebuilt block to their holders and returns how many have one now.
func (r *repairer) push(ctx context.Context, h types.Header, block *coding.Block, missing []uint32) (int, error) {
	offered, err := r.d.offerBlock(h, block)
	if err != nil {
		return 0, err
	}
	rand.Shuffle(len(missing), func(i, j int) { missing[i], missing[j] = missing[j], missing[i] })
	placed := 0
	for piece := range slices.Chunk(missing, max(1, pushBytes/offered.shardSize)) {
		start := time.Now()
		slices.Sort(piece)
		sp := r.d.newSpread(offered)
		sp.avoid = r.unreliable()
		sp.place(ctx, piece)
		report := sp.finish(piece)
		placed += len(piece) - report.Missing
		sent := time.Duration(len(piece)*offered.shardSize) * time.Second / copyRate
		if !pause(ctx, sent-time.Since(start)) {
			return placed, ctx.Err()
		}
	}
	return placed, nil
}
