package node

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/gossip/pool"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/types"
)

// A sequencer that takes a stream and never answers must not keep back the batches that follow.
func TestPublishingNeverWaitsForAPeer(t *testing.T) {
	s := exectest.New(t, nil)
	listen := []string{"/ip4/127.0.0.1/tcp/0"}
	n, err := Open(Config{Genesis: s.Genesis, Key: exectest.PeerKey(20), Role: config.Peer, Data: t.TempDir(), Listen: listen})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	addrs, err := p2p.ParseAddrs(listen)
	if err != nil {
		t.Fatal(err)
	}
	member, err := p2p.New(p2p.Config{Key: exectest.PeerKey(0), Limits: config.LimitsOf(config.ProfileHome, config.Sequencer).Limits, Listen: addrs, Log: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	asked, release := make(chan struct{}, 8), make(chan struct{})
	member.SetStreamHandler(protocol.ID("/bedrock/"+n.network.String()+"/tx/1"), func(stream network.Stream) {
		asked <- struct{}{}
		<-release
		_ = stream.Reset()
	})
	if err := n.host.Connect(t.Context(), peer.AddrInfo{ID: member.ID(), Addrs: member.Addrs()}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = n.submits.run(ctx) }()
	body, err := types.EncodeBatch([][]byte{{1, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	n.publishBatch(ctx, pool.Outgoing{ID: types.BatchIDOf(body), Body: body, Attempt: 1})
	if took := time.Since(begin); took > time.Second {
		t.Errorf("publishing took %v", took)
	}
	select {
	case <-asked:
	case <-time.After(10 * time.Second):
		t.Error("the batch was not handed to the sequencer")
	}
	close(release)
	cancel()
	<-done
}
