package dht

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// small is a swarm of three holders that have every row of a block, and a reader that knows them.
type small struct {
	a      *authority
	nodes  []*node
	reader *node
	block  *coding.Block
	header types.Header

	mu    sync.Mutex
	liars []peer.ID
}

func newSmall(t *testing.T, change func(*Config)) *small {
	t.Helper()
	s := &small{a: newAuthority(t)}
	s.nodes = newSwarm(t, s.a, 3)
	s.block, s.header = encodeBlock(t, 1, 5000)
	for _, n := range s.nodes {
		n.chain.add(s.a.certify(s.header))
	}
	if r := publishAll(t, s.nodes[0], s.header, s.block); r.Copies != 3*s.block.Params().N {
		t.Fatalf("%+v", r)
	}
	s.reader = newNode(t, s.a, func(c *Config) {
		c.Server = false
		c.Lied = func(p peer.ID, _ string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.liars = append(s.liars, p)
		}
		if change != nil {
			change(c)
		}
	})
	if err := s.reader.Bootstrap(t.Context(), []peer.AddrInfo{infoOf(s.nodes[0].host)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		s.reader.sweep(t.Context())
		return len(s.reader.servers.list()) == 3
	}, "reader does not know the servers")
	return s
}

// I6: one holder lies about every row. The reader finds out, asks others, and leaves the liar alone.
func TestLyingHolder(t *testing.T) {
	s := newSmall(t, nil)
	liar := s.nodes[1]
	liar.host.SetStreamHandler(liar.rowProtocol, func(stream network.Stream) {
		raw, err := readFrame(stream, maxRequest)
		if err != nil {
			return
		}
		r, err := decodeRequest(raw)
		if err != nil || r.kind != kindGet {
			_ = stream.Reset()
			return
		}
		marks := newBitmap(len(r.indices))
		for j := range r.indices {
			marks.set(j)
		}
		_ = writeFrame(stream, answer{marks: marks}.encode(kindGet))
		for _, i := range r.indices {
			shard, _ := s.block.Shard(i)
			shard.Row = slices.Clone(shard.Row)
			shard.Row[3] ^= 1
			out, _ := shard.MarshalBinary()
			_, _ = stream.Write(out)
		}
		_ = stream.Close()
	})
	v := verifierOf(t, s.block)
	wrong, right := 0, 0
	err := s.reader.Rows(t.Context(), s.header, indices(s.block.Params().N), func(from string, shard coding.Shard) bool {
		if v.Verify(shard) != nil {
			wrong++
			if from != liar.host.ID().String() {
				t.Errorf("%s lied", from)
			}
			return false
		}
		right++
		return true
	})
	if err != nil || right != s.block.Params().N || wrong == 0 {
		t.Fatalf("%d right, %d wrong: %v", right, wrong, err)
	}
	if s.reader.door.open(liar.host.ID()) || !slices.Contains(s.liars, liar.host.ID()) {
		t.Fatal("the liar was not noticed")
	}
	if collect(t, s.reader.DHT, s.header, v, indices(8)); len(s.liars) != 1 && slices.Max(s.liars) != slices.Min(s.liars) {
		t.Fatalf("liars: %v", s.liars)
	}
}

// A holder that takes the question and says nothing costs no more than the hedge.
func TestSilentHolder(t *testing.T) {
	s := newSmall(t, nil)
	release := make(chan struct{})
	defer close(release)
	for _, n := range s.nodes[1:] {
		n.host.SetStreamHandler(n.rowProtocol, func(stream network.Stream) { <-release; _ = stream.Reset() })
	}
	start := time.Now()
	got := collect(t, s.reader.DHT, s.header, verifierOf(t, s.block), indices(16))
	if len(got) != 16 || time.Since(start) > 2*firstPatience+2*time.Second {
		t.Fatalf("%d rows after %v", len(got), time.Since(start))
	}
}

// Rows that no holder has come from a member of the committee that signed the block, wherever in the key space it is.
func TestMembersAreTheLastResort(t *testing.T) {
	s := newSmall(t, func(c *Config) { c.Replicas = 1 })
	missing, header := encodeBlock(t, 7, 4000)
	member := newNode(t, s.a, func(c *Config) {
		c.Host, c.Blocks = memberHost(t, s.a, 1), &keptBlocks{blocks: map[types.Height]*coding.Block{7: missing}}
	})
	member.chain.add(s.a.certify(header))
	s.reader.chain.add(s.a.certify(header))
	if err := s.reader.host.Connect(t.Context(), infoOf(member.host)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return s.reader.connected(member.host.ID()) }, "not connected")
	n := uint32(missing.Params().N)
	far := 0
	for i := range n {
		if order, near := s.reader.holders(s.reader.servers.readable(), Key(header.Commitment, i)); near != 1 || !slices.Contains(order, member.host.ID()) {
			far++
		}
	}
	if got := collect(t, s.reader.DHT, header, verifierOf(t, missing), indices(int(n))); len(got) != int(n) || far == 0 {
		t.Fatalf("%d of %d rows, %d of them far from the member", len(got), n, far)
	}
}

// The rows of a sequencer that stays silent are published by the next one; those of the others are not sent again.
func TestTakeOver(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 4)
	block, header := encodeBlock(t, 1, 5000)
	for _, n := range nodes {
		n.chain.add(a.certify(header))
	}
	for i := range 3 { // 3 is silent
		if _, err := nodes[i].Publish(t.Context(), header, block, func(index int) bool { return index%4 == i }); err != nil {
			t.Fatal(err)
		}
	}
	nodes[0].cfg.TakeOverDelay, nodes[1].cfg.TakeOverDelay = 10*time.Millisecond, 10*time.Millisecond
	report, err := nodes[0].TakeOver(t.Context(), header, func() (*coding.Block, error) { return block, nil }, 0, 4)
	if want := block.Params().N / 4; err != nil || report.Rows != want || report.Stored != 3*want || report.Missing != 0 {
		t.Fatalf("%+v, %v: want three copies of a quarter of the rows", report, err)
	}
	if report, err = nodes[1].TakeOver(t.Context(), header, func() (*coding.Block, error) { return block, nil }, 1, 4); err != nil || report != (Report{}) {
		t.Fatalf("%+v, %v: want nothing left to do for the next", report, err)
	}
}

// Without certificate or key nothing can be published, without servers nothing is.
func TestPublishRefused(t *testing.T) {
	a := newAuthority(t)
	block, header := encodeBlock(t, 1, 5000)
	lonely := newNode(t, a, func(c *Config) { c.Server = false })
	if _, err := lonely.Publish(t.Context(), header, block, all); err == nil {
		t.Fatal("published without certificate")
	}
	lonely.chain.add(a.certify(header))
	if r, err := lonely.Publish(t.Context(), header, block, all); err == nil || r.Missing != block.Params().N {
		t.Fatalf("published to nobody: %+v", r)
	}
}

// A member may publish before the certificate is there; the rows reach the disk with it.
func TestPublishProvisional(t *testing.T) {
	a := newAuthority(t)
	nodes := newSwarm(t, a, 3)
	block, header := encodeBlock(t, 1, 5000)
	nodes[0].cfg.Sign = func(d types.Hash) (types.PublicKey, types.Signature) { return a.signAs(2, d) }
	if r := publishAll(t, nodes[0], header, block); r.Copies != 3*block.Params().N || r.Missing != 0 {
		t.Fatalf("%+v", r)
	}
	for _, n := range nodes {
		if n.Stats().Rows != 0 {
			t.Fatal("rows without certificate are on disk")
		}
		n.chain.add(a.certify(header))
		n.promote(t.Context())
		if n.Stats().Rows != block.Params().N {
			t.Fatalf("%+v after the certificate", n.Stats())
		}
	}
}
