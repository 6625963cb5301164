package dht

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// copyPlan says which servers to ask about which rows.
type copyPlan struct {
	ask  map[peer.ID][]uint32 // ascending
	left bool                 // rows were left to the nearest holder
}

// copies finds the servers that are among the r nearest to a held row now, and were not when the block was last settled.
// Of the former holders that are still there the nearest asks and copies at once, the others at the second look.
func copies(self peer.ID, c types.Hash, held []uint32, j job, r int, keepers map[peer.ID]bool) copyPlan {
	out, there := copyPlan{ask: make(map[peer.ID][]uint32)}, serverSet(j.now)
	for _, i := range held {
		key := Key(c, i)
		after := nearest(j.now, key, r)
		before := after
		if j.old != nil {
			before = nearest(j.old, key, r)
		}
		first := slices.IndexFunc(before, func(p peer.ID) bool { return there[p] })
		mine := j.second || first >= 0 && before[first] == self
		// Who keeps the block whole and became a holder by this change may be the only one that is left.
		all := j.old == nil || j.whole && !slices.Contains(before, self)
		for _, p := range after {
			switch {
			case p == self || keepers[p] || !all && slices.Contains(before, p):
			case mine:
				out.ask[p] = append(out.ask[p], i)
			default:
				out.left = true
			}
		}
	}
	return out
}

// copyNext looks at the copies of one block and returns how long to rest for it. Looks that find nothing keep to quietRate:
// while they are ahead of it, only likely ones go on, up to quietBurst.
func (r *repairer) copyNext(ctx context.Context) (time.Duration, bool) {
	now := time.Now()
	r.mu.Lock()
	j := job{}
	if ahead := r.debt.Sub(now); ahead < quietBurst {
		j = r.plan.nextCopy(now, ahead > 0)
	}
	r.mu.Unlock()
	if j.kind == jobNone {
		return 0, false
	}
	return r.copyBlock(ctx, j), true
}

// copyBlock asks and copies what a job wants, and returns what it cost in time.
func (r *repairer) copyBlock(ctx context.Context, j job) time.Duration {
	start := time.Now()
	j.whole = r.d.cutter.keeps(j.commitment)
	held, err := r.holds(ctx, j)
	if err != nil && ctx.Err() == nil {
		r.d.log.Warn("copies of a block not looked at", "block", j.commitment.String(), "error", err)
	}
	todo := copies(r.d.host.ID(), j.commitment, held, j, r.d.cfg.Replicas, r.d.keepers(j.commitment))
	rest := restFor * time.Since(start)
	open, missing := err != nil, false
	var asked, sent int64 // bytes
	for p, indices := range todo.ask {
		has, err := r.d.Has(ctx, p, j.commitment, indices)
		asked += questionBytes + 4*int64(len(indices))
		if err != nil {
			open = true
			continue
		}
		lacks := without(indices, has)
		if len(lacks) == 0 {
			continue
		}
		missing = true
		bytes, all, err := r.give(ctx, p, j.commitment, lacks)
		sent += bytes
		open = open || err != nil || !all
	}
	if asked > 0 {
		r.looks.Add(1)
		r.asked.Add(uint64(asked))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.plan.copied(j, now, open, todo.left)
	if !missing {
		if r.debt.Before(now) {
			r.debt = now
		}
		r.debt = r.debt.Add(costOf(asked, false))
	}
	return max(rest, costOf(asked, true)+time.Duration(sent)*time.Second/copyRate)
}

// holds lists the rows of a block that this node answers for as one of their holders: those on its disk, and of a block
// that is here whole those that it is, or was, near enough for.
func (r *repairer) holds(ctx context.Context, j job) ([]uint32, error) {
	ch, known := r.d.cfg.Headers.HeaderByCommitment(j.commitment)
	if !known || !j.whole {
		return r.d.rows.indices(ctx, j.commitment)
	}
	p, err := coding.ParamsFor(ch.Header.DataLength)
	if err != nil {
		return nil, err
	}
	near := func(table []server, i uint32) bool {
		return slices.Contains(nearest(table, Key(j.commitment, i), r.d.cfg.Replicas), r.d.host.ID())
	}
	var out []uint32
	for i := range uint32(p.N) {
		if near(j.now, i) || near(j.old, i) {
			out = append(out, i)
		}
	}
	return out, nil
}

// costOf is how long questions of so many bytes are to be paused for.
func costOf(asked int64, found bool) time.Duration {
	if found {
		return time.Duration(asked) * time.Second / busyRate
	}
	return time.Duration(asked) * time.Second / quietRate
}

// give offers held rows to a server, and pauses so that rows go out at copyRate. The last piece's pause is the caller's.
// all says that the server has every row now. One that does not know yet who is gone refuses rows that it will take later.
func (r *repairer) give(ctx context.Context, p peer.ID, c types.Hash, indices []uint32) (sent int64, all bool, err error) {
	o, err := r.d.offerHeld(ctx, c)
	if err != nil {
		return 0, false, err
	}
	all = true
	for piece := range slices.Chunk(indices, max(1, offerBytes/o.shardSize)) {
		if sent > 0 && !pause(ctx, time.Duration(sent)*time.Second/copyRate) {
			return 0, false, ctx.Err()
		}
		got, err := r.d.offer(ctx, o, p, piece, false)
		sent = int64(got.stored) * int64(o.shardSize)
		r.copied.Add(uint64(got.stored))
		if errors.Is(err, ErrBudget) {
			r.avoid(p)
		}
		if err != nil {
			return sent, false, err
		}
		all = all && len(got.has) == len(piece)
	}
	return sent, all, nil
}
