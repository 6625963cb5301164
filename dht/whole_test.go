package dht

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// keptBlocks are whole blocks in memory; asked counts the encodings, each of which takes as long as slow says.
type keptBlocks struct {
	blocks map[types.Height]*coding.Block
	slow   time.Duration
	asked  int
}

func (k *keptBlocks) HasBody(h types.Height) bool { return k.blocks[h] != nil }

func (k *keptBlocks) Block(h types.Height) (*coding.Block, error) {
	k.asked++
	time.Sleep(k.slow)
	if b := k.blocks[h]; b != nil {
		return b, nil
	}
	return nil, ErrNotFound
}

// memberHost is a host with the identity of a committee member.
func memberHost(t *testing.T, a *authority, i types.Member) host.Host {
	t.Helper()
	key := a.keys[a.committee.Member(i).Key]
	identity, err := crypto.UnmarshalEd25519PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	h, err := libp2p.New(libp2p.Identity(identity), libp2p.Transport(tcp.NewTCPTransport), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// I8: the signers of a certificate keep the block; they are sent no rows, store none, and serve all of them to any peer.
func TestWholeBlocks(t *testing.T) {
	a := newAuthority(t)
	block, header := encodeBlock(t, 1, 5000)
	kept := &keptBlocks{blocks: map[types.Height]*coding.Block{1: block}}
	var members []*node
	for i := range types.Member(3) {
		members = append(members, newNode(t, a, func(c *Config) { c.Host, c.Blocks = memberHost(t, a, i), kept }))
	}
	other := newNode(t, a, nil)
	nodes := append(slices.Clone(members), other)
	for _, n := range nodes {
		n.chain.add(a.certify(header))
		if err := n.Bootstrap(t.Context(), []peer.AddrInfo{infoOf(other.host)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range nodes {
		eventually(t, func() bool { n.sweep(t.Context()); return len(n.servers.list()) == len(nodes) }, "not all servers are known")
	}
	for j, n := range members {
		report, err := n.Publish(t.Context(), header, block, func(i int) bool { return i%len(members) == j })
		if err != nil || report.Missing > 0 || report.Copies != 3*report.Rows || report.Holders > 1 {
			t.Fatalf("%+v, %v", report, err)
		}
	}
	if other.Stats().Rows == 0 {
		t.Error("the server that is no member holds nothing")
	}
	for j, n := range members {
		if !n.published(t.Context(), header, probe(block.Params(), (j+1)%3, 3)) {
			t.Error("a published part counts as missing")
		}
		if n.Stats().Rows != 0 {
			t.Error("a member stores rows of a block that it keeps whole")
		}
		testServes(t, n, block, header)
	}
}

// testServes asks one node alone for everything it can be asked.
func testServes(t *testing.T, n *node, block *coding.Block, header types.Header) {
	ctx, asker := t.Context(), newNode(t, newAuthority(t), func(c *Config) { c.Server = false })
	if err := asker.host.Connect(ctx, infoOf(n.host)); err != nil {
		t.Fatal(err)
	}
	wanted := indices(block.Params().N)
	if held, err := asker.Has(ctx, n.host.ID(), header.Commitment, wanted); err != nil || len(held) != len(wanted) {
		t.Errorf("has %d rows, %v", len(held), err)
	}
	v, served := verifierOf(t, block), 0
	err := asker.get(ctx, n.host.ID(), header.Commitment, block.Params(), wanted, func(s coding.Shard) {
		if served++; v.Verify(s) != nil {
			t.Errorf("row %d is wrong", s.Index)
		}
	})
	if err != nil || served != len(wanted) {
		t.Errorf("served %d rows, %v", served, err)
	}
	o, err := asker.askOpening(ctx, n.host.ID(), header.Commitment, block.Params())
	if err != nil || o.RowRoot != block.RowRoot() {
		t.Errorf("opening: %v", err)
	}
	bare := bareHost(t, n)
	for _, i := range []uint32{0, 17, wanted[len(wanted)-1]} {
		found, err := bare.SearchValue(ctx, Key(header.Commitment, i))
		if err != nil {
			t.Fatal(err)
		}
		if value, ok := <-found; !ok || !bytes.Equal(value, recordOf(t, block, i)) {
			t.Errorf("a plain Kademlia peer does not find row %d", i)
		}
	}
}

// I8: places are forgotten with their block, count against the budget and survive a restart.
func TestPlaces(t *testing.T) {
	a := newAuthority(t)
	block, header := encodeBlock(t, 1, 5000)
	kept := &keptBlocks{blocks: map[types.Height]*coding.Block{1: block}}
	n := newNode(t, a, func(c *Config) { c.Blocks = kept })
	n.chain.add(a.certify(header))
	n.note(t.Context(), &header, block.Params())
	n.note(t.Context(), &header, block.Params()) // once is enough
	key, want := Key(header.Commitment, 9), placesBytes(block.Params().N)
	if value, err := n.record(t.Context(), key); err != nil || !bytes.Equal(value, recordOf(t, block, 9)) || n.Stats().Bytes != want {
		t.Fatalf("%v, %+v", err, n.Stats())
	}
	again, err := openRows(t.Context(), n.store, 1<<20)
	if err != nil || again.bytes != want {
		t.Fatalf("%d bytes after a restart, %v", again.bytes, err)
	}
	if again.budget = want; again.notePlaces(t.Context(), &types.Header{Height: 2}, 1) == nil {
		t.Error("places beyond the budget")
	}
	if _, err := n.Expire(t.Context(), header.Time); err != nil || n.Stats().Bytes != want {
		t.Fatalf("given up too early: %v", err)
	}
	if _, err := n.Expire(t.Context(), header.Time+1); err != nil || n.Stats().Bytes != 0 {
		t.Fatalf("%v, %+v", err, n.Stats())
	}
	if _, err := n.record(t.Context(), key); err == nil {
		t.Error("found after it was given up")
	}
}

// I8: who asks for old blocks again and again gets no more than a share of the processor.
func TestCutShare(t *testing.T) {
	a := newAuthority(t)
	block, header := encodeBlock(t, 1, 5000)
	kept := &keptBlocks{blocks: map[types.Height]*coding.Block{1: block}, slow: 20 * time.Millisecond}
	n := newNode(t, a, func(c *Config) { c.Blocks = kept })
	n.chain.add(a.certify(header))
	served := 0
	for range 100 {
		if n.cutter.block(header.Commitment) != nil {
			served++
		}
	}
	// Each costs at least cutShare * slow = 200 ms of the 5 s.
	if most := int(cutBurst/(cutShare*kept.slow)) + 4; served == 0 || served > most || kept.asked != served {
		t.Errorf("%d served with %d encodings, at most %d", served, kept.asked, most)
	}
	if n.cutter.block(sha256.Sum256(nil)) != nil {
		t.Error("a block that nobody certified")
	}
	if raw, err := cut(block, uint32(block.Params().N)); raw != nil || err != nil {
		t.Error("a row beyond the block")
	}
}
