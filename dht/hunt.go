package dht

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/peer"
)

// hunt is one call of Rows. Its loop owns everything but found and events.
type hunt struct {
	d      *DHT
	header types.Header
	params coding.Params
	alone  bool // see fetch
	open   map[uint32]*quarry
	links  map[peer.ID]*link
	asking map[*inquiry]struct{}
	judged []finding    // answers that wait for the judge
	found  chan finding // to the judge
	events chan any     // dialled, finding, ended, looked, and judged findings coming back
	busy   int          // goroutines under way
	look   int          // lookups under way
}

// quarry is a row not yet settled.
type quarry struct {
	holders []peer.ID // in the order of asking
	near    int       // so many of them should have the row
	tried   []bool    // which of them were asked
	noes    int       // holders that answered without having it
	pending int       // answers at the judge
	sought  bool      // looked up
}

// link is how far a holder is reached.
type link struct {
	state   linkState
	since   time.Time // of the dial
	running int       // questions under way
}

type linkState int

const (
	idle linkState = iota
	dialling
	ready
	dead
)

// inquiry is one question to one holder.
type inquiry struct {
	holder  peer.ID
	indices []uint32
	moved   time.Time // when it was asked or last answered something
	sent    map[uint32]bool
	cancel  context.CancelFunc
}

// finding is an answer; it goes to the judge and comes back.
type finding struct {
	from  string
	peer  peer.ID // empty for what a lookup found
	of    *inquiry
	shard coding.Shard
	back  bool // from the judge, whose verdict is ok
	ok    bool
}

type dialled struct {
	holder peer.ID
	err    error
}

type ended struct {
	*inquiry
	err error
}

type looked struct {
	index uint32
	value []byte
}

func newHunt(d *DHT, h types.Header, p coding.Params) *hunt {
	return &hunt{d: d, header: h, params: p, open: make(map[uint32]*quarry), links: make(map[peer.ID]*link),
		asking: make(map[*inquiry]struct{}), found: make(chan finding), events: make(chan any)}
}

// run asks until every row is settled, nobody is left to ask, or ctx ended. It closes found.
func (u *hunt) run(ctx context.Context) {
	defer close(u.found)
	for len(u.open) > 0 {
		wake := u.advance(ctx, time.Now())
		var out chan finding
		var next finding
		if len(u.judged) > 0 {
			out, next = u.found, u.judged[0]
		} else if u.busy == 0 && !u.atJudge() {
			return
		}
		var timer <-chan time.Time
		if !wake.IsZero() {
			timer = time.After(time.Until(wake))
		}
		select {
		case <-ctx.Done():
			return
		case <-timer:
		case out <- next:
			u.judged = u.judged[1:]
		case ev := <-u.events:
			u.take(ev)
		}
	}
}

func (u *hunt) atJudge() bool {
	for _, q := range u.open {
		if q.pending > 0 {
			return true
		}
	}
	return false
}

// report hands an event to the loop; it is given up when the hunt is over.
func (u *hunt) report(ctx context.Context, ev any) {
	select {
	case u.events <- ev:
	case <-ctx.Done():
	}
}

// take books an event.
func (u *hunt) take(ev any) {
	switch ev := ev.(type) {
	case dialled:
		u.busy--
		if u.links[ev.holder].state = ready; ev.err != nil {
			u.links[ev.holder].state = dead
		}
	case finding:
		u.takeFinding(ev)
	case ended:
		u.takeEnded(ev)
	case looked:
		u.busy--
		u.look--
		if len(ev.value) <= recordHead {
			return
		}
		s, err := coding.UnmarshalShard(ev.value[recordHead:], u.params)
		if err == nil && s.Index == ev.index {
			u.takeFinding(finding{from: "kademlia", shard: s})
		}
	}
}

// takeFinding sends an answer to the judge, or books its verdict.
func (u *hunt) takeFinding(f finding) {
	q := u.open[f.shard.Index]
	if !f.back {
		if f.of != nil {
			f.of.moved = time.Now()
			f.of.sent[f.shard.Index] = true
		}
		if q != nil {
			q.pending++
			u.judged = append(u.judged, f)
		}
		return
	}
	if q == nil {
		return
	}
	q.pending--
	if f.ok {
		delete(u.open, f.shard.Index)
		u.drop(f.shard.Index)
		return
	}
	if f.peer != "" {
		u.d.lied(f.peer, fmt.Errorf("%w: row %d of block %d", ErrRecord, f.shard.Index, u.header.Height).Error())
	}
}

// drop cuts off questions of which every row is settled, and forgets answers to them: of two holders that were asked, the
// slower need not send.
func (u *hunt) drop(index uint32) {
	u.judged = slices.DeleteFunc(u.judged, func(f finding) bool { return f.shard.Index == index })
	for a := range u.asking {
		if a.left(u) == 0 {
			a.cancel()
		}
	}
}

// left is how many rows that are still wanted a holder has not sent.
func (a *inquiry) left(u *hunt) int {
	n := 0
	for _, i := range a.indices {
		if u.open[i] != nil && !a.sent[i] {
			n++
		}
	}
	return n
}

func (u *hunt) takeEnded(ev ended) {
	u.busy--
	u.links[ev.holder].running--
	delete(u.asking, ev.inquiry)
	ev.cancel()
	if isLie(ev.err) {
		u.d.lied(ev.holder, ev.err.Error())
	}
	if ev.err != nil && ev.left(u) > 0 {
		u.links[ev.holder].state = dead
	}
	for _, i := range ev.indices {
		if q := u.open[i]; q != nil && ev.err == nil && !ev.sent[i] {
			q.noes++
		}
	}
}
