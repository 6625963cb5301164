package dht

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	kad "github.com/libp2p/go-libp2p-kad-dht"
	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	record "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// One swarm of 12 real hosts carries the whole life of a block: published to exactly the 3 nearest of each row, read
// directly, by a reader with one address, by a bare Kademlia host with all publishers gone, and after half of the
// holders died.
func TestSwarm(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 12)
	block, header := encodeBlock(t, 1, 40_000)
	ch := a.certify(header)
	publishers := nodes[:4]
	for _, n := range nodes {
		n.chain.add(ch)
	}
	t.Run("publish", func(t *testing.T) { testPublish(t, nodes, publishers, block, header) })
	t.Run("read", func(t *testing.T) { testRead(t, a, nodes, block, header) })
	t.Run("crawl", func(t *testing.T) {
		publisher := newNode(t, a, func(c *Config) { c.Server = false })
		if err := publisher.host.Connect(t.Context(), infoOf(nodes[7].host)); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return len(publisher.knownServers()) > 0 }, "no server known")
		if publisher.crawl(t.Context()); len(publisher.Servers()) != len(nodes) {
			t.Fatalf("crawl found %d of %d servers", len(publisher.Servers()), len(nodes))
		}
	})
	t.Run("put value stores nothing", func(t *testing.T) { testPutValue(t, nodes, block, header) })
	t.Run("publish again", func(t *testing.T) {
		report := publishAll(t, nodes[5], header, block)
		if report.Stored != 0 || report.Copies != 3*block.Params().N || report.Missing != 0 {
			t.Fatalf("second publication: %+v, want no row stored twice", report)
		}
	})
	t.Run("bare host, publishers stopped", func(t *testing.T) {
		for _, n := range publishers {
			_ = n.Close()
			_ = n.host.Close()
		}
		testBareHost(t, nodes[4:], block, header)
	})
	t.Run("half of the holders lost", func(t *testing.T) {
		for _, n := range nodes[4:6] { // with the publishers: 6 of 12
			_ = n.Close()
			_ = n.host.Close()
		}
		testRebuild(t, a, nodes[6:], block, header)
	})
}

func testPublish(t *testing.T, nodes, publishers []*node, block *coding.Block, header types.Header) {
	n, r := block.Params().N, 3
	for i, from := range publishers {
		report, err := from.Publish(t.Context(), header, block, func(index int) bool { return index%len(publishers) == i })
		if err != nil {
			t.Fatal(err)
		}
		if report.Rows != n/4 || report.Copies != r*n/4 || report.Stored != report.Copies || report.Missing != 0 || report.Failed != 0 {
			t.Fatalf("publisher %d: %+v, want %d rows with %d copies each", i, report, n/4, r)
		}
		if report.Holders > len(nodes) {
			t.Fatalf("%d streams for %d holders", report.Holders, len(nodes))
		}
	}
	table := nodes[0].servers.list()
	total := 0
	for i := range uint32(n) {
		got := holdersOf(t, nodes, header.Commitment, i)
		want := nearest(table, Key(header.Commitment, i), r)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("row %d is held by %v, want the %d nearest %v", i, got, r, want)
		}
		total += len(got)
	}
	rows := 0
	for _, nd := range nodes {
		rows += nd.Stats().Rows
	}
	if rows != total {
		t.Fatalf("stats count %d rows, there are %d", rows, total)
	}
}

// collect fetches rows and verifies each.
func collect(t *testing.T, d *DHT, h types.Header, v *coding.Verifier, indices []uint32) map[uint32]coding.Shard {
	t.Helper()
	got := make(map[uint32]coding.Shard)
	err := d.Rows(t.Context(), h, indices, func(from string, s coding.Shard) bool {
		if err := v.Verify(s); err != nil {
			t.Errorf("row %d from %s: %v", s.Index, from, err)
			return false
		}
		got[s.Index] = s
		return true
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	return got
}

func indices(n int) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		out[i] = uint32(i)
	}
	return out
}

func testRead(t *testing.T, a *authority, nodes []*node, block *coding.Block, header types.Header) {
	reader := newNode(t, a, func(c *Config) { c.Server = false })
	if err := reader.Bootstrap(t.Context(), []peer.AddrInfo{infoOf(nodes[1].host)}); err != nil {
		t.Fatal(err)
	}
	v := verifierOf(t, block)
	if got := collect(t, reader.DHT, header, v, indices(block.Params().N)); len(got) != block.Params().N {
		t.Fatalf("reader found %d of %d rows", len(got), block.Params().N)
	}
	s, from, err := reader.Get(t.Context(), header, v, 7)
	if err != nil || s.Index != 7 || !slices.Contains(holderNames(t, nodes, header, 7), from) {
		t.Fatalf("row %d from %q: %v", s.Index, from, err)
	}
	var opened coding.Opening
	err = reader.Opening(t.Context(), header, func(_ string, o coding.Opening) bool {
		opened = o
		return o.Check(block.Params(), header.Commitment) == nil
	})
	if err != nil || opened.RowRoot != block.RowRoot() {
		t.Fatalf("opening: %v", err)
	}
	if reader.Stats().Rows != 0 {
		t.Fatal("a reader keeps rows")
	}
}

func holderNames(t *testing.T, nodes []*node, h types.Header, index uint32) []string {
	var out []string
	for _, p := range holdersOf(t, nodes, h.Commitment, index) {
		out = append(out, p.String())
	}
	return out
}

// I1: neither garbage, nor a valid but unknown row, nor a row of a certified block enters by PUT_VALUE.
func testPutValue(t *testing.T, nodes []*node, block *coding.Block, header types.Header) {
	other, otherHeader := encodeBlock(t, 2, 3000)
	before := snapshot(nodes)
	attacker := bareHost(t, nodes[0])
	messenger, err := pb.NewProtocolMessenger(attacker.MessageSender())
	if err != nil {
		t.Fatal(err)
	}
	puts := map[string][]byte{
		Key(otherHeader.Commitment, 3): recordOf(t, other, 3),
		Key(header.Commitment, 1):      recordOf(t, block, 1),
		Key(header.Commitment, 2):      []byte("garbage"),
		"/" + Namespace + "/x":         []byte("garbage"),
		"/pk/x":                        []byte("garbage"),
	}
	for key, value := range puts {
		for _, n := range nodes {
			if slices.Contains(holdersOf(t, nodes, header.Commitment, 1), n.host.ID()) {
				continue // it has row 1 already
			}
			if err := messenger.PutValue(t.Context(), n.host.ID(), record.MakePutRecord(key, value)); err == nil {
				t.Errorf("a server acknowledged PUT_VALUE of %x", key)
			}
		}
	}
	if after := snapshot(nodes); !maps.Equal(before, after) {
		t.Fatalf("stores changed: %v, before %v", after, before)
	}
}

func snapshot(nodes []*node) map[peer.ID]Stats {
	out := make(map[peer.ID]Stats)
	for _, n := range nodes {
		s := n.Stats()
		out[n.host.ID()] = Stats{Rows: s.Rows, Bytes: s.Bytes}
	}
	return out
}

func recordOf(t *testing.T, b *coding.Block, i uint32) []byte {
	t.Helper()
	s, err := b.Shard(i)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return Record{Length: b.Params().Length, ValueRoot: valueRoot(b.Y()), Shard: raw}.Encode()
}

// bareHost is a standard Kademlia client that shares nothing with this package but prefix and validator.
func bareHost(t *testing.T, boot *node) *kad.IpfsDHT {
	t.Helper()
	h := newTestHost(t)
	d, err := kad.New(h, kad.Mode(kad.ModeClient), kad.ProtocolPrefix(protocol.ID("/bedrock/"+testNetwork.String())),
		kad.Validator(record.NamespacedValidator{Namespace: Validator{}}), kad.DisableProviders())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := h.Connect(t.Context(), infoOf(boot.host)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return d.RoutingTable().Size() > 0 }, "bare host found no server")
	return d
}

func testBareHost(t *testing.T, alive []*node, block *coding.Block, header types.Header) {
	bare := bareHost(t, alive[0])
	v := verifierOf(t, block)
	found := make(map[uint32]coding.Shard)
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i := range uint32(block.Params().N) {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			values, err := bare.SearchValue(ctx, Key(header.Commitment, i))
			if err != nil {
				return
			}
			value, ok := <-values
			if !ok {
				return
			}
			s, err := CheckRecord(Key(header.Commitment, i), value)
			if err != nil || v.Verify(s) != nil {
				t.Errorf("row %d: wrong record: %v", i, err)
				return
			}
			mu.Lock()
			found[i] = s
			mu.Unlock()
		})
	}
	wg.Wait()
	want := 0
	for i := range uint32(block.Params().N) {
		if len(holdersOf(t, alive, header.Commitment, i)) > 0 {
			want++
		}
	}
	if len(found) != want || want < block.Params().N*3/4 {
		t.Fatalf("bare host found %d rows, living servers hold %d of %d", len(found), want, block.Params().N)
	}
	rebuild(t, v, block, found)
}

func rebuild(t *testing.T, v *coding.Verifier, block *coding.Block, found map[uint32]coding.Shard) {
	t.Helper()
	data, err := coding.Reconstruct(v, slices.Collect(maps.Values(found)))
	if err != nil {
		t.Fatalf("from %d rows of which %d are needed: %v", len(found), block.Params().K, err)
	}
	want := bytes.Join(block.Rows()[:block.Params().K], nil)[:block.Params().Length]
	if !bytes.Equal(data, want) {
		t.Fatal("rebuilt data differs")
	}
}

func testRebuild(t *testing.T, a *authority, alive []*node, block *coding.Block, header types.Header) {
	reader := newNode(t, a, func(c *Config) { c.Server = false })
	if err := reader.Bootstrap(t.Context(), []peer.AddrInfo{infoOf(alive[0].host)}); err != nil {
		t.Fatal(err)
	}
	v := verifierOf(t, block)
	rebuild(t, v, block, collect(t, reader.DHT, header, v, indices(block.Params().N)))
}
