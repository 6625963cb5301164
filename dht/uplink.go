package dht

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// offerParallel is the number of offers under way at once, of all blocks, and offerPerPeer that to one holder: half of
	// what it serves one peer, questions have the rest.
	offerParallel = 32
	offerPerPeer  = maxStreamsPerPeer / 2
	// seedParallel is the number of them that ask to hand on: the rows of a part leave one after the other anyway, and
	// several publishers who ask one holder at the same moment would each send it the opening.
	seedParallel = 16
	// sendParallel is the number of them that send rows at once, counted until the last row is written. Three fill a line of
	// 20 Mbit/s over 20 to 120 ms; with many, that all begin fast, the line's queue drops packets, and the last rows wait
	// for their repetition.
	sendParallel = 3
	// offerBytes is the size of an offer's rows. All offers under way are then 12 MiB: also over a line of 10 Mbit/s that
	// nobody limited, the last of them begins within the holder's stepTimeout.
	offerBytes = 256 << 10
	// offerPatience is what a limited upload may take for all offers under way; below some 12 Mbit/s there are fewer.
	offerPatience = 8 * time.Second
	// maxPublishing is the number of blocks published at once; each is in memory as a whole.
	maxPublishing = 8
	// uplinkBurst is how much of the past's unused upload counts.
	uplinkBurst = 100 * time.Millisecond
)

// uplink spreads bytes over time: rate bytes a second, without limit if that is 0. First come, first served.
type uplink struct {
	rate int64

	mu   sync.Mutex
	next time.Time // when what was granted so far has gone out
}

// wait returns when n more bytes may be sent, or with ctx's error.
func (p *uplink) wait(ctx context.Context, n int) error {
	if p.rate == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(p.grant(time.Now(), n))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// grant books n bytes and returns how long to wait before they go out.
func (p *uplink) grant(now time.Time, n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	start := p.next
	if oldest := now.Add(-uplinkBurst); start.Before(oldest) {
		start = oldest
	}
	p.next = start.Add(time.Duration(float64(n) / float64(p.rate) * float64(time.Second)))
	return start.Sub(now)
}

// turns lets a bounded number work at once, the highest block first and, of one block, who came first; each peer is
// worked for by at most perPeer at once.
type turns struct {
	slots, perPeer int

	mu      sync.Mutex
	running int
	inside  map[peer.ID]int
	waiting []*turn // in the order of being let in
}

type turn struct {
	height types.Height
	peer   peer.ID
	ready  chan struct{} // closed when let in
}

func newTurns(slots, perPeer int) *turns {
	return &turns{slots: slots, perPeer: perPeer, inside: make(map[peer.ID]int)}
}

// paced is how many of n offers may be under way under an upload limit in bytes a second, 0 for none.
func paced(n int, upload int64) int {
	if upload == 0 {
		return n
	}
	return int(max(1, min(int64(n), upload*int64(offerPatience/time.Second)/offerBytes)))
}

// take waits for a turn; leave has to follow unless it fails with ctx's error.
func (t *turns) take(ctx context.Context, h types.Height, p peer.ID) error {
	w := &turn{height: h, peer: p, ready: make(chan struct{})}
	t.mu.Lock()
	at := len(t.waiting)
	for at > 0 && t.waiting[at-1].height < h {
		at--
	}
	t.waiting = slices.Insert(t.waiting, at, w)
	t.admit()
	t.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting, w); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	} else { // let in at the same moment
		t.drop(p)
	}
	return ctx.Err()
}

// leave ends a turn.
func (t *turns) leave(p peer.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(p)
}

func (t *turns) drop(p peer.ID) {
	t.running--
	if t.inside[p]--; t.inside[p] == 0 {
		delete(t.inside, p)
	}
	t.admit()
}

func (t *turns) admit() {
	for i := 0; i < len(t.waiting) && t.running < t.slots; {
		w := t.waiting[i]
		if t.inside[w.peer] >= t.perPeer {
			i++
			continue
		}
		t.waiting = slices.Delete(t.waiting, i, i+1)
		t.running++
		t.inside[w.peer]++
		close(w.ready)
	}
}
