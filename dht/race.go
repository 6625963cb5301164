package dht

import (
	"context"
	"slices"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// maxQuestions is how many questions a hunt has at one holder at once; it serves maxStreamsPerPeer.
	maxQuestions = 2
	// maxQuestionBytes is what one question asks for at most: little enough to be asked of others when it is late.
	maxQuestionBytes = 256 << 10
	// maxFlightBytes of rows are asked for at once, half a second of a home line, and at least maxFlightRows, the sample of
	// a block: what waits behind others on the own line would look late.
	maxFlightBytes = 1 << 20
	maxFlightRows  = 48
)

// advance starts what is due, and returns when to look again; zero if only an event can change anything.
func (u *hunt) advance(ctx context.Context, now time.Time) (wake time.Time) {
	dial, answer := u.d.pace.patience()
	covered, flight, wake := u.covered(now, answer)
	size := u.params.ShardSize()
	limit, group := max(maxFlightRows, maxFlightBytes/size), max(1, maxQuestionBytes/size)
	groups := make(map[peer.ID][]uint32)
	for _, i := range keys(u.open) {
		q := u.open[i]
		if q.pending > 0 || covered[i] || flight >= limit {
			continue
		}
		at, due := u.choose(ctx, q, now, dial)
		wake = earlier(wake, due)
		if at < 0 {
			if due.IsZero() {
				u.seek(ctx, i, q)
			}
			continue
		}
		holder := q.holders[at]
		q.tried[at] = true
		flight++
		if groups[holder] = append(groups[holder], i); len(groups[holder]) == group {
			u.ask(ctx, holder, groups[holder], now)
			delete(groups, holder)
		}
	}
	for holder, indices := range groups {
		u.ask(ctx, holder, indices, now)
	}
	return wake
}

// covered are the rows for which some holder's answer is due later, how many rows are under way in all, and when the first
// of these answers is late. Who is late without having sent anything is doubted.
func (u *hunt) covered(now time.Time, patience time.Duration) (rows map[uint32]bool, flight int, wake time.Time) {
	rows = make(map[uint32]bool)
	for a := range u.asking {
		late := a.moved.Add(patience)
		flight += a.left(u)
		if !now.Before(late) {
			if len(a.sent) == 0 {
				u.d.pace.doubt(a.holder)
			}
			continue
		}
		wake = earlier(wake, late)
		for _, i := range a.indices {
			if !a.sent[i] {
				rows[i] = true
			}
		}
	}
	return rows, flight, wake
}

// choose picks the holder to ask for a row now; -1 if there is none. Then due is when to choose again: zero if no holder is
// left for which waiting could be worth while. Of those that should have the row the first that is connected is asked;
// else the next one is dialled, and the one after it when that takes too long.
func (u *hunt) choose(ctx context.Context, q *quarry, now time.Time, patience time.Duration) (at int, due time.Time) {
	for i, p := range q.holders[:q.near] {
		if !q.tried[i] && u.link(p).free() {
			return i, time.Time{}
		}
	}
	for i, p := range q.holders {
		if q.tried[i] {
			continue
		}
		switch l := u.link(p); l.state {
		case ready:
			if l.free() {
				return i, time.Time{}
			}
			return -1, now.Add(maxPatience) // an event comes before
		case idle:
			l.state, l.since = dialling, now
			u.busy++
			go func() { u.report(ctx, dialled{p, u.d.reach(ctx, p)}) }()
			return -1, now.Add(patience)
		case dialling:
			if late := l.since.Add(patience); now.Before(late) {
				return -1, late
			}
			u.d.pace.doubt(p)
		}
	}
	return -1, time.Time{}
}

// link is what is known of the way to a holder.
func (u *hunt) link(p peer.ID) *link {
	l := u.links[p]
	if l == nil {
		l = &link{}
		if u.d.connected(p) {
			l.state = ready
		}
		u.links[p] = l
	}
	return l
}

func (l *link) free() bool { return l.state == ready && l.running < maxQuestions }

// ask puts one question.
func (u *hunt) ask(ctx context.Context, holder peer.ID, indices []uint32, now time.Time) {
	asking, cancel := context.WithCancel(ctx)
	a := &inquiry{holder: holder, indices: indices, moved: now, sent: make(map[uint32]bool), cancel: cancel}
	u.asking[a] = struct{}{}
	u.links[holder].running++
	u.busy++
	go func() {
		err := u.d.get(asking, holder, u.header.Commitment, u.params, indices, func(s coding.Shard) {
			u.report(ctx, finding{from: holder.String(), peer: holder, of: a, shard: s})
		})
		u.report(ctx, ended{a, err})
	}()
}

// seek looks a row up in Kademlia that no holder had. Where every server of a small network is known and r of them said
// no, a lookup could only ask the same again.
func (u *hunt) seek(ctx context.Context, index uint32, q *quarry) {
	if q.sought || u.look >= searchParallel || u.d.servers.whole.Load() && q.noes >= u.d.cfg.Replicas {
		return
	}
	q.sought = true
	u.look++
	u.busy++
	go func() { u.report(ctx, looked{index, u.d.lookup(ctx, Key(u.header.Commitment, index))}) }()
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func keys(open map[uint32]*quarry) []uint32 {
	out := make([]uint32, 0, len(open))
	for i := range open {
		out = append(out, i)
	}
	slices.Sort(out)
	return out
}
