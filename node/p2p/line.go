package p2p

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"golang.org/x/sync/errgroup"
)

// Noticing that the machine slept or moved.
const (
	// leastSleep is by how much the clock on the wall must have gone on without the process.
	leastSleep = 10 * time.Second
	// lineEvery is how often the machine's addresses are looked at.
	lineEvery = 10 * time.Second
	// silentPatience is how long a peer may take to answer before its connection counts as dead. Left alone, dead connections
	// are noticed after half a minute and more.
	silentPatience = 5 * time.Second
	asksAtOnce     = 16
)

// line watches what connections do not notice by themselves: that the machine slept, or has another address.
type line struct {
	last   time.Time // with the process's own clock, which stops while the machine sleeps
	wall   time.Time // the clock on the wall then
	looked time.Time
	own    map[string]bool
	addrs  func() ([]net.Addr, error)
}

func newLine() *line { return &line{addrs: net.InterfaceAddrs} }

// changed says in words what happened since it was last asked; mostly nothing.
func (l *line) changed(now time.Time) string {
	var why string
	if !l.last.IsZero() && now.Round(0).Sub(l.wall)-now.Sub(l.last) > leastSleep {
		why = "the machine slept"
	}
	l.last, l.wall = now, now.Round(0)
	if l.own != nil && now.Sub(l.looked) < lineEvery && why == "" {
		return ""
	}
	l.looked = now
	found, err := l.addrs()
	if err != nil {
		return why
	}
	own := make(map[string]bool, len(found))
	for _, a := range found {
		own[a.String()] = true
	}
	for a := range l.own {
		if !own[a] {
			why = "the machine has another address"
		}
	}
	l.own = own
	return why
}

// dropSilent closes the connections of peers that do not answer at once, so that they are opened anew.
func (h *Host) dropSilent(ctx context.Context, why string) {
	var dropped atomic.Int64
	var group errgroup.Group
	group.SetLimit(asksAtOnce)
	for _, id := range h.Network().Peers() {
		group.Go(func() error {
			if h.answers(ctx, id) || ctx.Err() != nil {
				return nil
			}
			dropped.Add(1)
			return h.Network().ClosePeer(id)
		})
	}
	if err := group.Wait(); err != nil {
		h.config.Log.Debug("close a dead connection", "error", err)
	}
	h.config.Log.Info(why+": connections that died of it are opened anew", "dead", dropped.Load())
}

// answers reports whether a peer sends anything back. One that does not speak the protocol says so, and lives.
func (h *Host) answers(ctx context.Context, id peer.ID) bool {
	ctx, cancel := context.WithTimeout(ctx, silentPatience)
	defer cancel()
	select {
	case <-ping.Ping(network.WithNoDial(ctx, "is it still there"), h, id):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
