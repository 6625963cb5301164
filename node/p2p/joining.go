package p2p

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"
)

// Timing of staying in the network.
const (
	joinTick     = 500 * time.Millisecond // how often the number of peers is looked at
	joinPause    = 200 * time.Millisecond // between two tries without any peer; doubles
	joinPauseMax = 30 * time.Second
	joinPatience = 15 * time.Second // for one dial
	joinDials    = 8                // at once
	// joinGather is how long the others may take when one has answered, before the node goes to work.
	joinGather = 500 * time.Millisecond
	// morePause and morePauseMax are between two tries to get more peers where some are connected; it doubles.
	morePause    = time.Minute
	morePauseMax = 15 * time.Minute
	// bookEvery is how often the peers that are connected are noted in the address book.
	bookEvery = time.Minute
)

// wantedPeers is with how many peers a host stops looking for more: enough to lose some.
func (h *Host) wantedPeers() int {
	if h.config.Light {
		return 4
	}
	return 8
}

// joiner keeps a host in its network: it dials the nodes to join by and those of the address book.
type joiner struct {
	h         *Host
	joined    func(ctx context.Context, by []peer.AddrInfo)
	bootstrap []peer.AddrInfo
	book      *addressBook
	line      *line
	wanted    int
	dials     sync.WaitGroup

	pause, more              time.Duration
	next, nextMore, nextBook time.Time
	lost                     bool // it was said that nobody answers

	mu      sync.Mutex
	missing []peer.ID // who did not answer
}

// StayJoined connects to the network and does so again whenever the host has lost all its peers; with a few it looks for more
// now and then. The addresses of peers are kept in the directory data. Each time it has joined it tells by which of the nodes
// of its configuration. It returns when ctx ends.
func (h *Host) StayJoined(ctx context.Context, data string, joined func(ctx context.Context, by []peer.AddrInfo)) {
	book, err := openBook(data, time.Now())
	if err != nil {
		h.config.Log.Warn("the addresses of earlier peers cannot be read and are collected anew", "error", err)
	}
	bootstrap := slices.DeleteFunc(slices.Clone(h.config.Bootstrap), func(p peer.AddrInfo) bool { return p.ID == h.ID() })
	now := time.Now()
	j := &joiner{h: h, joined: joined, bootstrap: bootstrap, book: book, line: newLine(), wanted: h.wantedPeers(), next: now, nextMore: now.Add(morePause),
		nextBook: now.Add(bookEvery), pause: joinPause, more: morePause}
	tick := time.NewTicker(joinTick)
	defer tick.Stop()
	for ctx.Err() == nil {
		j.step(ctx, time.Now())
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	j.keep(time.Now())
	j.dials.Wait()
}

// step does what is due.
func (j *joiner) step(ctx context.Context, now time.Time) {
	if why := j.line.changed(now); why != "" {
		j.h.dropSilent(ctx, why)
		j.pause, j.next, j.more, j.nextMore = joinPause, now, morePause, now
	}
	peers := len(j.h.Network().Peers())
	j.sortOut(peers > 0)
	switch {
	case peers == 0 && !now.Before(j.next):
		j.join(ctx)
	case peers >= j.wanted:
		j.more = morePause
	case peers > 0 && !now.Before(j.nextMore):
		j.dial(ctx, j.candidates(j.wanted-peers))
		j.nextMore, j.more = now.Add(j.more), min(2*j.more, morePauseMax)
	}
	if !now.Before(j.nextBook) {
		j.keep(now)
		j.nextBook = now.Add(bookEvery)
	}
}

// join dials everybody worth it at once, and goes to work soon after the first has answered.
func (j *joiner) join(ctx context.Context) {
	candidates := j.candidates(j.wanted)
	if len(candidates) == 0 {
		return // the first of its network
	}
	answered := j.dial(ctx, candidates)
	if _, ok := <-answered; !ok {
		j.next, j.pause = time.Now().Add(j.pause), min(2*j.pause, joinPauseMax)
		if !j.lost && ctx.Err() == nil {
			j.lost = true
			j.h.config.Log.Warn("no node of the network answers; it is tried again, with growing pauses up to half a minute", "tried", len(candidates))
		}
		return
	}
	gathered := time.After(joinGather)
	for more := true; more; {
		select {
		case _, more = <-answered:
		case <-gathered:
			more = false
		}
	}
	if j.lost {
		j.lost = false
		j.h.config.Log.Info("in the network again")
	}
	j.pause, j.more, j.nextMore = joinPause, morePause, time.Now().Add(morePause)
	connected := slices.DeleteFunc(slices.Clone(j.bootstrap), func(p peer.AddrInfo) bool { return !j.connected(p.ID) })
	j.joined(ctx, connected)
}

func (j *joiner) connected(id peer.ID) bool {
	return j.h.Network().Connectedness(id) == network.Connected
}

// candidates are all nodes to join by that are not connected, and as many peers of the book, the last seen first.
func (j *joiner) candidates(most int) []peer.AddrInfo {
	var infos []peer.AddrInfo
	named := make(map[peer.ID]bool)
	for _, p := range j.bootstrap {
		named[p.ID] = true
		if !j.connected(p.ID) {
			infos = append(infos, p)
		}
	}
	for _, p := range j.book.peers {
		if most == 0 {
			break
		}
		if !named[p.ID] && p.ID != j.h.ID() && !j.connected(p.ID) {
			infos = append(infos, peer.AddrInfo{ID: p.ID, Addrs: p.Addrs})
			most--
		}
	}
	return infos
}

// dial connects to peers without waiting for them. The channel gets who answered and is closed when all is tried.
func (j *joiner) dial(ctx context.Context, infos []peer.AddrInfo) <-chan peer.ID {
	answered := make(chan peer.ID, len(infos))
	j.dials.Go(func() {
		defer close(answered)
		var group errgroup.Group
		group.SetLimit(joinDials)
		for _, info := range infos {
			group.Go(func() error {
				if err := j.connect(ctx, info); err != nil {
					j.h.config.Log.Debug("peer does not answer", "peer", info.ID, "error", err)
					return nil
				}
				answered <- info.ID
				return nil
			})
		}
		_ = group.Wait() // its jobs return no errors
	})
	return answered
}

func (j *joiner) connect(ctx context.Context, info peer.AddrInfo) error {
	ctx, cancel := context.WithTimeout(ctx, joinPatience)
	defer cancel()
	err := j.h.Connect(ctx, info)
	if err != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.missing = append(j.missing, info.ID)
	}
	return err
}

// sortOut drops from the book who did not answer; while nobody answers the fault is the own line's.
func (j *joiner) sortOut(online bool) {
	j.mu.Lock()
	missing := j.missing
	j.missing = nil
	j.mu.Unlock()
	if !online {
		return
	}
	for _, id := range missing {
		j.book.forget(id)
	}
}

// keep notes who is connected.
func (j *joiner) keep(now time.Time) {
	j.book.note(j.h, now)
	if err := j.book.save(); err != nil {
		j.h.config.Log.Warn("the addresses of peers are not kept for the next start", "error", err)
	}
}
