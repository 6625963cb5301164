package p2p

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/rpc"
	"github.com/libp2p/go-libp2p/core/peer"
)

// TestLookAround dials a host that is there and one that is not, without a key of the node's own, also where the port is taken.
func TestLookAround(t *testing.T) {
	there := opened(t, 0, Config{})
	gone := peer.AddrInfo{ID: opened(t, 1, Config{}).ID(), Addrs: addrsOf(t, "/ip4/127.0.0.1/tcp/1")}
	c := Config{Key: exectest.PeerKey(2), Limits: Limits{ConnsLow: 8, ConnsHigh: 12, ConnsPerIP: 4}, Log: slog.New(slog.DiscardHandler),
		Listen: there.Addrs(), Bootstrap: []peer.AddrInfo{infoOf(there), gone}}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s, err := LookAround(ctx, c, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Contacts) != 2 || s.Contacts[0].Err != nil || s.Contacts[0].Took <= 0 || s.Contacts[0].Agent != UserAgent || s.Contacts[1].Err == nil {
		t.Errorf("one of two answers: %+v", s.Contacts)
	}
	if s.Reach.Network != "private" || s.Reach.State != rpc.Unknown {
		t.Errorf("a network of one machine: %+v", s.Reach)
	}
}
