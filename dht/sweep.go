package dht

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p-kad-dht/crawler"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

const (
	sweepParallel = 4
	sweepTimeout  = 5 * time.Second
	crawlParallel = 8
	crawlTimeout  = 2 * time.Minute
	// probed is how many servers say whether there are new ones.
	probed = 6
	// calmSweep is the time between two sweeps where nothing changes; well below heardTTL.
	calmSweep = 2 * time.Minute
)

func (d *DHT) keepTable(ctx context.Context) {
	// At first the table changes fast: look again soon, then ever less often.
	pause := time.Second
	var neighbours []peer.ID
	for ctx.Err() == nil {
		if d.cfg.Server || d.strangersNamed(ctx) {
			d.sweep(ctx)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		now := d.servers.neighbours(d.kad.BucketSize())
		pause = d.cfg.nextSweep(pause, len(now) > 0 && slices.Equal(now, neighbours))
		neighbours = now
	}
}

// nextSweep is the pause behind one of a given length. A node whose neighbours stay the same looks less often: each look is asked of
// dozens, and costs a network of homes most of what it sends at rest. Who publishes needs to know of new servers everywhere.
func (c *Config) nextSweep(pause time.Duration, calm bool) time.Duration {
	most := c.Sweep
	if calm && !c.WholeTable {
		most = max(most, calmSweep)
	}
	return min(2*pause, most)
}

// neighbours are the n servers of the table that are nearest to the own node, nearest first.
func (s *servers) neighbours(n int) []peer.ID {
	table := s.nearestToSelf(slices.Clone(s.list()))
	out := make([]peer.ID, min(n, len(table)))
	for i := range out {
		out[i] = table[i].id
	}
	return out
}

// sweep learns the servers of the network. It asks each known server for those nearest to itself and goes on with the
// ones it did not know. While the network is smaller than a bucket, one answer names everybody. When answers come back
// full, there may be more than they can name; then the network is crawled, if the node asked for whole tables.
func (d *DHT) sweep(ctx context.Context) {
	asked := make(map[peer.ID]bool)
	full := false
	next := d.knownServers()
	rand.Shuffle(len(next), func(i, j int) { next[i], next[j] = next[j], next[i] })
	for len(next) > 0 && len(asked) < d.cfg.SweepLimit {
		next = next[:min(len(next), d.cfg.SweepLimit-len(asked))]
		for _, p := range next {
			asked[p] = true
		}
		var learnt []peer.ID
		for _, found := range d.askClosest(ctx, next) {
			full = full || len(found) >= d.kad.BucketSize()
			learnt = append(learnt, found...)
		}
		next = unasked(learnt, asked)
	}
	d.servers.whole.Store(!full && len(next) == 0 && len(asked) > 0)
	if full && d.cfg.WholeTable && ctx.Err() == nil {
		d.crawl(ctx)
	}
}

// strangersNamed asks a few known servers and reports whether they name anyone who is not known, or cannot be asked. Who keeps no rows
// needs to know many servers and need not hear from each: a sweep that would find nobody new is spared.
func (d *DHT) strangersNamed(ctx context.Context) bool {
	known := d.knownServers()
	if len(known) < probed {
		return true
	}
	rand.Shuffle(len(known), func(i, j int) { known[i], known[j] = known[j], known[i] })
	isKnown := make(map[peer.ID]bool, len(known))
	for _, p := range known {
		isKnown[p] = true
	}
	for _, named := range d.askClosest(ctx, known[:probed]) {
		if len(named) == 0 || slices.ContainsFunc(named, func(p peer.ID) bool { return !isKnown[p] }) {
			return true
		}
	}
	return false
}

func (d *DHT) knownServers() []peer.ID {
	var out []peer.ID
	for _, s := range d.servers.list() {
		if s.id != d.host.ID() {
			out = append(out, s.id)
		}
	}
	return out
}

func unasked(learnt []peer.ID, asked map[peer.ID]bool) []peer.ID {
	var out []peer.ID
	seen := make(map[peer.ID]bool)
	for _, p := range learnt {
		if !asked[p] && !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}

// askClosest asks each peer for the servers nearest to itself; whoever answers is alive.
func (d *DHT) askClosest(ctx context.Context, peers []peer.ID) [][]peer.ID {
	found := make([][]peer.ID, len(peers))
	var wg sync.WaitGroup
	slots := make(chan struct{}, sweepParallel)
	for i, p := range peers {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			found[i] = d.askOne(ctx, p)
		})
	}
	wg.Wait()
	return found
}

func (d *DHT) askOne(ctx context.Context, p peer.ID) []peer.ID {
	asking, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	closer, err := d.messenger.GetClosestPeers(asking, p, p)
	if err != nil {
		if ctx.Err() == nil {
			d.servers.failed(p)
		}
		return nil
	}
	d.servers.alive(p)
	var out []peer.ID
	for _, info := range closer {
		if info.ID == d.host.ID() || info.ID == p {
			continue
		}
		d.host.Peerstore().AddAddrs(info.ID, info.Addrs, heardTTL)
		d.servers.heardOf(info.ID, p)
		out = append(out, info.ID)
	}
	return out
}

// crawl walks the whole network with kad-dht's own crawler.
func (d *DHT) crawl(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, crawlTimeout)
	defer cancel()
	c, err := crawler.NewDefaultCrawler(d.host, crawler.WithProtocols([]protocol.ID{d.kadProtocol}),
		crawler.WithParallelism(crawlParallel), crawler.WithConnectTimeout(sweepTimeout), crawler.WithMsgTimeout(sweepTimeout))
	if err != nil {
		d.log.Warn("crawl of the network not started", "error", err)
		return
	}
	var start []*peer.AddrInfo
	for _, p := range d.knownServers() {
		start = append(start, &peer.AddrInfo{ID: p, Addrs: d.host.Peerstore().Addrs(p)})
	}
	c.Run(ctx, start, func(p peer.ID, _ []*peer.AddrInfo) { d.servers.alive(p) }, nil)
}
