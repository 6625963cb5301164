package swarm

import (
	"context"
	"crypto/ed25519"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/etherscale/bedrock/dht"
)

// A light client asks a few servers now and then whether there are new ones. It meets one that came later and does not look for it.
func TestALightClientMeetsNewServers(t *testing.T) {
	const hosts = 12
	Virtual(func() {
		n, err := New(Config{Hosts: hosts, Seed: 3, Change: func(i int, c *dht.Config) {
			if i == hosts {
				c.Sweep = time.Minute
			}
		}})
		if err != nil {
			t.Error(err)
			return
		}
		defer n.Close()
		light, err := n.AddLight(context.Background())
		if err != nil {
			t.Error(err)
			return
		}
		if got := len(light.DHT.Servers()); got != hosts {
			t.Errorf("a light client knows %d servers of %d after a minute", got, hosts)
		}
		seed := make([]byte, ed25519.SeedSize)
		newcomer, err := n.AddServer(context.Background(), ed25519.NewKeyFromSeed(seed), net.IPv4(99, 1, 7, 10))
		if err != nil {
			t.Error(err)
			return
		}
		time.Sleep(5 * time.Minute)
		if !slices.ContainsFunc(light.DHT.Servers(), func(p peer.AddrInfo) bool { return p.ID == newcomer.ID() }) {
			t.Error("a light client has not met a server that came five minutes ago")
		}
	})
}
