package dht

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/sampling"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/peer"
)

var (
	_ sampling.Rows     = (*DHT)(nil)
	_ sampling.Openings = (*DHT)(nil)
	_ sampling.Headers  = (*fakeChain)(nil)
)

// memory is a sampling.Store.
type memory struct {
	mu     sync.Mutex
	values map[types.Height][]byte
}

func (m *memory) Get(h types.Height) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[h], nil
}

func (m *memory) Put(h types.Height, v []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[h] = v
	return nil
}

// Prune implements sampling.Store.
func (m *memory) Prune(below types.Height) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for h := range m.values {
		if h > 0 && h < below {
			delete(m.values, h)
		}
	}
	return nil
}

// A light client with one address joins a swarm whose nodes run as in a real network, and reaches its verdicts by the
// DHT alone: a small block it decodes, a large one it samples, one of which a quarter less a row is there it refuses.
func TestLightClient(t *testing.T) {
	a := newAuthority(t)
	nodes := make([]*node, 8)
	for i := range nodes {
		nodes[i] = newNode(t, a, nil)
		defer runNode(t, nodes[i])()
		if err := nodes[i].Bootstrap(t.Context(), []peer.AddrInfo{infoOf(nodes[0].host)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range nodes {
		eventually(t, func() bool { return len(n.servers.list()) == len(nodes) }, "a node does not know all others")
	}
	light := newNode(t, a, func(c *Config) { c.Server = false })
	defer runNode(t, light)()
	if err := light.Bootstrap(t.Context(), []peer.AddrInfo{infoOf(nodes[0].host)}); err != nil {
		t.Fatal(err)
	}
	client, err := sampling.New(sampling.Config{Headers: light.chain, Rows: light, Openings: light,
		Store: &memory{values: make(map[types.Height][]byte)}, Grace: time.Second, Backoff: 100 * time.Millisecond, Delay: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- client.Run(ctx) }()
	defer func() { cancel(); <-done }()

	certify := func(height types.Height, size int, pick func(int) bool) {
		block, header := encodeBlock(t, height, size)
		ch := a.certify(header)
		nodes[3].chain.add(ch) // the others and the client learn it from the offer, or here
		if pick != nil {
			if _, err := nodes[3].Publish(t.Context(), header, block, pick); err != nil {
				t.Fatal(err)
			}
		}
		light.chain.add(ch)
	}
	certify(1, 40_000, all)
	certify(2, 400_000, all)
	withheld, err := coding.ParamsFor(300_000)
	if err != nil {
		t.Fatal(err)
	}
	certify(3, 300_000, func(i int) bool { return i%4 == 0 && i < 4*(withheld.K-1) })

	verdict := func(h types.Height) sampling.Result { r, _ := client.Sampling(h); return r }
	eventually(t, func() bool { return verdict(1).Verdict == sampling.Available }, "small block: %+v", verdict(1))
	eventually(t, func() bool { return verdict(2).Verdict == sampling.Available }, "large block: %+v", verdict(2))
	eventually(t, func() bool { return verdict(3).Verdict == sampling.Unavailable }, "withheld block")
	if r := verdict(2); r.Asked != 33 || r.Answered < 28 || r.Wrong != 0 || r.MissLog2 > -39 {
		t.Fatalf("%+v", r)
	}
	if r := verdict(3); r.Asked != 44 || r.Answered >= 34 {
		t.Fatalf("%+v", r)
	}
	if client.Safe() != 2 || light.Stats().Rows != 0 {
		t.Fatalf("safe %d, light client holds %d rows", client.Safe(), light.Stats().Rows)
	}
}

// runNode runs a node until the returned function is called, which checks that it ends at once.
func runNode(t *testing.T, n *node) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	return func() {
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Run ended with %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("Run does not end")
		}
	}
}

// What a node came by otherwise it keeps only where it should have been given it.
func TestKeep(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 5)
	block, header := encodeBlock(t, 1, 5000)
	var shards []coding.Shard
	for i := range uint32(block.Params().N) {
		s, err := block.Shard(i)
		if err != nil {
			t.Fatal(err)
		}
		shards = append(shards, s)
	}
	if n, err := nodes[0].Keep(t.Context(), header, block.Opening(), shards); n != 0 || err != nil {
		t.Fatalf("kept %d rows of a header that is not certified: %v", n, err)
	}
	kept := 0
	for _, n := range nodes {
		n.chain.add(a.certify(header))
		added, err := n.Keep(t.Context(), header, block.Opening(), shards)
		if err != nil || added != n.Held(header.Commitment) {
			t.Fatalf("kept %d: %v", added, err)
		}
		kept += added
	}
	if kept != 3*len(shards) {
		t.Fatalf("%d copies of %d rows", kept, len(shards))
	}
}
