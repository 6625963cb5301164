package dht

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p-kad-dht/crawler"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

const (
	sweepParallel = 4
	sweepTimeout  = 5 * time.Second
	crawlParallel = 8
	crawlTimeout  = 2 * time.Minute
	// probed is how many servers say whether there are new ones, and probedFar how many of them it takes a connection to ask.
	probed, probedFar = 6, 2
	// calmSweep is the time between two sweeps where nothing changes; well below heardTTL.
	calmSweep = 2 * time.Minute
)

func (d *DHT) keepTable(ctx context.Context) {
	// At first the table changes fast: look again soon, then ever less often.
	pause := time.Second
	var neighbours []peer.ID
	for ctx.Err() == nil {
		if d.cfg.Server {
			d.sweep(ctx)
		} else {
			d.lookForNew(ctx)
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
	full, left := d.meet(ctx, shuffled(d.knownServers()), asked, d.cfg.SweepLimit)
	d.servers.whole.Store(!full && left == 0 && len(asked) > 0)
	if full && d.cfg.WholeTable && ctx.Err() == nil {
		d.crawl(ctx)
	}
}

// meet asks servers, then those that they name and that were not asked, at most so many. It reports whether an answer was full, and
// how many it left out.
func (d *DHT) meet(ctx context.Context, next []peer.ID, asked map[peer.ID]bool, most int) (full bool, left int) {
	for len(next) > 0 && most > 0 {
		next = next[:min(len(next), most)]
		most -= len(next)
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
	return full, len(next)
}

// lookForNew is the sweep of a node that keeps no rows: it needs to know many servers and need not hear from each. It asks a few
// known ones, and meets those they name that it does not know. When most of the few are silent it looks anew.
func (d *DHT) lookForNew(ctx context.Context) {
	known := shuffled(d.knownServers())
	if len(known) < probed {
		d.sweep(ctx)
		return
	}
	met := make(map[peer.ID]bool, len(known))
	for _, p := range known {
		met[p] = true
	}
	var named []peer.ID
	silent := 0
	for _, found := range d.askClosest(ctx, d.probes(known)) {
		if len(found) == 0 {
			silent++
		}
		named = append(named, found...)
	}
	if silent > probed/2 {
		d.sweep(ctx)
		return
	}
	if _, left := d.meet(ctx, unasked(named, met), met, d.cfg.SweepLimit-probed); left > 0 {
		d.servers.whole.Store(false)
	}
}

// probes picks whom to ask for new servers: peers that are connected already and, so that these alone do not say what there is, some
// that are not.
func (d *DHT) probes(known []peer.ID) []peer.ID {
	var near, far []peer.ID
	for _, p := range known {
		if d.host.Network().Connectedness(p) == network.Connected {
			near = append(near, p)
		} else {
			far = append(far, p)
		}
	}
	far = far[:min(len(far), max(probedFar, probed-len(near)))]
	return append(far, near[:min(len(near), probed-len(far))]...)
}

func shuffled(peers []peer.ID) []peer.ID {
	rand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	return peers
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
