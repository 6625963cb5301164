package node

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/dht/swarm"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

// What an idle light client may cost in a network of idleHosts peers (with -args -long of idleHostsLong) with a header of idleHead bytes each 10 s.
const (
	idleHosts     = 20
	idleHostsLong = 60
	idleHead      = 1200
	idleHeartbeat = 10 * time.Second
	idleSettle    = 6 * time.Minute
	idleWatched   = 5 * time.Minute // a look for servers lies in it
	// idleBytes a second, in and out, on the wire, as UDP and IP carry it: it is that of one look for servers, of some copies of each
	// header, and of keeping so many connections open.
	idleBytes = 1600
)

// idle is what a light client did at rest.
type idle struct {
	bytesPerSecond float64
	connections    int
	heads, told    int
}

// TestAnIdleLightClientIsQuiet holds what a light client's bytes at rest come from: how many connections it keeps, how many peers send
// it each header, and how often it looks for servers. Time is virtual, and every packet is counted.
func TestAnIdleLightClientIsQuiet(t *testing.T) {
	limits := config.LimitsOf(config.ProfileHome, config.Light)
	hosts := idleHosts
	if *long {
		hosts = idleHostsLong
	}
	n := swarm.Config{Hosts: hosts, Seed: 7, LightConns: [2]int{limits.ConnsLow, limits.ConnsHigh}, Change: func(i int, c *dht.Config) {
		if i >= hosts {
			c.Sweep = lightSweep
		}
	}}
	var got idle
	var err error
	swarm.Virtual(func() { got, err = watchIdle(n) })
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.0f B/s, %d connections, %d of %d headers", got.bytesPerSecond, got.connections, got.heads, got.told)
	if got.heads < got.told-1 {
		t.Errorf("heard %d of %d headers", got.heads, got.told)
	}
	if got.connections < 4 || got.connections > limits.ConnsHigh+probedPeers {
		t.Errorf("%d connections, want %d to %d", got.connections, limits.ConnsLow, limits.ConnsHigh)
	}
	if got.bytesPerSecond > idleBytes {
		t.Errorf("%.0f bytes a second at rest, want at most %d", got.bytesPerSecond, idleBytes)
	}
}

// watchIdle runs a network, lets a light client settle in it, and watches it.
func watchIdle(cfg swarm.Config) (got idle, err error) {
	n, err := swarm.New(cfg)
	if err != nil {
		return idle{}, err
	}
	defer n.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	var heads atomic.Int64
	speak := func(p *swarm.Peer, leaf bool) (*gossip.Gossip, error) {
		committee, _ := n.Chain.Committee(0)
		g, err := gossip.New(ctx, gossip.Config{Host: p.Host(), Network: types.NetworkID{1, 2, 3}, Committee: committee, Leaf: leaf, Logger: slog.New(slog.DiscardHandler),
			Handlers: gossip.Handlers{Head: func(context.Context, peer.ID, []byte) gossip.Verdict {
				if leaf {
					heads.Add(1)
				}
				return gossip.Accept
			}}})
		if err == nil {
			running.Go(func() { _ = g.Run(ctx) })
		}
		return g, err
	}
	var member *gossip.Gossip
	for _, p := range slices.Backward(n.Peers) {
		if member, err = speak(p, false); err != nil {
			return idle{}, err
		}
	}
	light, err := n.AddLight(ctx)
	if err != nil {
		return idle{}, err
	}
	if _, err := speak(light.Peer, true); err != nil {
		return idle{}, err
	}
	beat := func(count int) error {
		for range count {
			head := make([]byte, idleHead)
			_, _ = rand.Read(head)
			if err := member.PublishHead(ctx, head); err != nil {
				return err
			}
			time.Sleep(idleHeartbeat)
		}
		return nil
	}
	if err := beat(int(idleSettle / idleHeartbeat)); err != nil {
		return idle{}, err
	}
	before, heard := light.Sent()+light.Received(), heads.Load()
	got.told = int(idleWatched / idleHeartbeat)
	err = beat(got.told)
	got.bytesPerSecond = float64(light.Sent()+light.Received()-before) / idleWatched.Seconds()
	got.connections, got.heads = len(light.Host().Network().Peers()), int(heads.Load()-heard)
	return got, err
}

// probedPeers may be connected beside those that the manager keeps, until its time of grace is over.
const probedPeers = 4
