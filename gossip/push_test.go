package gossip

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/etherscale/bedrock/types"
)

// numbered is a push that says which it is.
func numbered(n uint64, size int) *types.Push {
	vertex := make([]byte, max(size, 8))
	binary.BigEndian.PutUint64(vertex, n)
	return &types.Push{Vertices: [][]byte{vertex}}
}

func numberOf(p *types.Push) uint64 { return binary.BigEndian.Uint64(p.Vertices[0]) }

type arrival struct {
	from types.Member
	n    uint64
}

func TestPushesArriveInOrderFromWhoSentThem(t *testing.T) {
	s := newSwarm(t, 4, 0) // not connected: the links find each other
	got := make([]inbox[arrival], 4)
	var all []*Gossip
	for i := range s.hosts {
		g, _ := s.start(i, Handlers{Push: func(from types.Member, p *types.Push) { got[i].put(arrival{from, numberOf(p)}) }})
		all = append(all, g)
	}
	const count = 30
	for n := range uint64(count) {
		for i, g := range all {
			for j := range all {
				if ok := g.Push(types.Member(j), numbered(n, 100)); ok != (i != j) {
					t.Fatalf("Push from %d to %d: %v", i, j, ok)
				}
			}
		}
	}
	for i := range got {
		eventually(t, "pushes", func() bool { return got[i].len() == 3*count })
		next := make(map[types.Member]uint64)
		for _, a := range got[i].all() {
			if a.n != next[a.from] || int(a.from) == i {
				t.Fatalf("member %d: push %d of %d where %d was expected", i, a.n, a.from, next[a.from])
			}
			next[a.from]++
		}
	}
	if all[0].Push(9, numbered(0, 8)) || all[0].Push(1, &types.Push{}) || all[0].Push(1, numbered(0, 9<<20)) {
		t.Fatal("Push takes what cannot be sent")
	}
	eventually(t, "sent counts", func() bool {
		st := all[0].Stats()
		return len(st.Links) == 3 && st.Links[0].Connected && st.Links[0].Sent == count && st.InboundPushes == 3
	})
}

// A push that is larger than a message arrives in parts.
func TestLargePushArrivesInParts(t *testing.T) {
	s := newSwarm(t, 2, 0)
	var got inbox[*types.Push]
	a, _ := s.start(0, Handlers{Push: func(types.Member, *types.Push) {}})
	s.start(1, Handlers{Push: func(_ types.Member, p *types.Push) { got.put(p) }})
	p := new(types.Push)
	for range 60 {
		p.Batches = append(p.Batches, make([]byte, 100<<10))
	}
	p.Vertices = [][]byte{make([]byte, 500<<10), []byte("the own vertex")}
	if !a.Push(1, p) {
		t.Fatal("refused")
	}
	last := func() string {
		if all := got.all(); len(all) > 0 && len(all[len(all)-1].Vertices) > 0 {
			v := all[len(all)-1].Vertices
			return string(v[len(v)-1])
		}
		return ""
	}
	eventually(t, "the last part", func() bool { return last() == "the own vertex" })
	batches, vertices := 0, 0
	for _, part := range got.all() {
		if vertices > 0 && len(part.Batches) > 0 {
			t.Fatal("a body comes after a vertex")
		}
		batches, vertices = batches+len(part.Batches), vertices+len(part.Vertices)
	}
	if batches != 60 || vertices != 2 || got.len() < 2 {
		t.Fatalf("%d batches, %d vertices in %d parts", batches, vertices, got.len())
	}
}

// I2: a member that does not read costs its own queue alone.
func TestSlowReaderBlocksNobodyElse(t *testing.T) {
	s := newSwarm(t, 3, 0)
	release := make(chan struct{})
	var quick inbox[uint64]
	a, _ := s.start(0, Handlers{Push: func(types.Member, *types.Push) {}}, func(c *Config) { c.PushQueueBytes = 1 << 20 })
	var slow inbox[uint64]
	s.start(1, Handlers{Push: func(_ types.Member, p *types.Push) { <-release; slow.put(numberOf(p)) }})
	s.start(2, Handlers{Push: func(_ types.Member, p *types.Push) { quick.put(numberOf(p)) }})
	const count = 600
	began := time.Now()
	for n := range uint64(count) { // 60 MiB in all: more than queue and windows hold
		for _, to := range []types.Member{1, 2} {
			if !a.Push(to, numbered(n, 100<<10)) {
				t.Fatal("refused")
			}
		}
		eventually(t, "the quick reader", func() bool { return quick.len() > int(n)-8 })
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Fatalf("took %v", took)
	}
	eventually(t, "the quick reader's last", func() bool { return quick.len() == count })
	st := a.Stats()
	if st.Links[0].Dropped == 0 || st.Links[0].Queued > 1<<20 || st.Links[1].Dropped != 0 {
		t.Fatalf("links %+v", st.Links)
	}
	close(release)
	eventually(t, "the slow reader's newest", func() bool {
		all := slow.all()
		return len(all) > 0 && all[len(all)-1] == count-1
	})
}

func TestPushStreamComesBack(t *testing.T) {
	s := newSwarm(t, 2, 0)
	var got inbox[uint64]
	take := Handlers{Push: func(_ types.Member, p *types.Push) { got.put(numberOf(p)) }}
	a, _ := s.start(0, Handlers{Push: func(types.Member, *types.Push) {}})
	_, stop := s.start(1, take)
	a.Push(1, numbered(1, 8))
	eventually(t, "the first", func() bool { return got.len() == 1 })
	if err := s.hosts[1].Network().ClosePeer(s.hosts[0].ID()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second, over a new connection", func() bool {
		a.Push(1, numbered(2, 8))
		return got.len() > 1
	})
	stop()
	eventually(t, "the end of the stream", func() bool { return !a.Stats().Links[0].Connected })
	a.Push(1, numbered(3, 8))
	s.start(1, take)
	eventually(t, "what was queued meanwhile", func() bool { all := got.all(); return all[len(all)-1] == 3 })
}

// Nobody outside the committee pushes, and what is not a push ends the stream and costs.
func TestStrangersDoNotPush(t *testing.T) {
	s := newSwarm(t, 2, 1)
	s.connectAll()
	var got inbox[uint64]
	g, _ := s.start(0, Handlers{Push: func(_ types.Member, p *types.Push) { got.put(numberOf(p)) }})
	open := func(host int) network.Stream {
		t.Helper()
		stream, err := s.hosts[host].NewStream(s.ctx, s.hosts[0].ID(), protocolsOf(testNetwork).push)
		if err != nil {
			t.Fatal(err)
		}
		return stream
	}
	ended := func(stream network.Stream) bool {
		_ = stream.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err := stream.Read(make([]byte, 1))
		if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Logf("the stream reads %v", err)
			return false
		}
		return true
	}
	if stranger, err := s.hosts[2].NewStream(s.ctx, s.hosts[0].ID(), protocolsOf(testNetwork).push); err == nil {
		_ = writeFrame(stranger, numbered(1, 8).Encode())
		if !ended(stranger) || got.len() != 0 {
			t.Fatal("a stranger's push is taken")
		}
	}
	for name, frame := range map[string][]byte{"oversize": {0, 0x40, 0, 1, 0}, "garbage": {0, 0, 0, 2, 1, 2}} {
		before := g.peers.weight(s.hosts[1].ID())
		member := open(1)
		if _, err := member.Write(frame); err != nil {
			t.Fatal(err)
		}
		if !ended(member) || got.len() != 0 {
			t.Fatalf("%s: taken", name)
		}
		if g.peers.weight(s.hosts[1].ID()) <= before {
			t.Fatalf("%s: no penalty", name)
		}
	}
	member := open(1)
	if err := writeFrame(member, numbered(7, 8).Encode()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a good push", func() bool { return got.len() == 1 })
	newer := open(1)
	if err := writeFrame(newer, numbered(8, 8).Encode()); err != nil {
		t.Fatal(err)
	}
	if eventually(t, "the newer stream", func() bool { return got.len() == 2 }); !ended(member) {
		t.Fatal("a member's older stream lives on")
	}
}

// silentlyGone is a host from whose known addresses of one peer nothing comes back.
type silentlyGone struct {
	host.Host
	stale multiaddr.Multiaddr
}

func (h silentlyGone) Connect(ctx context.Context, info peer.AddrInfo) error {
	if slices.ContainsFunc(info.Addrs, h.stale.Equal) {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.Host.Connect(ctx, info)
}

// A member that has moved is found at its new address, though its old one swallows what is sent there until all patience is gone.
func TestAMemberThatMovedIsFound(t *testing.T) {
	s := newSwarm(t, 2, 0)
	stale := multiaddr.StringCast("/ip4/45.9.9.9/tcp/4848")
	s.hosts[0].Peerstore().AddAddr(s.hosts[1].ID(), stale, time.Hour)
	var got inbox[uint64]
	a, _ := s.start(0, Handlers{Push: func(types.Member, *types.Push) {}}, func(c *Config) { c.Host = silentlyGone{s.hosts[0], stale} })
	s.start(1, Handlers{Push: func(_ types.Member, p *types.Push) { got.put(numberOf(p)) }}, func(c *Config) { c.FindPeer = nil })
	if !a.Push(1, numbered(7, 8)) {
		t.Fatal("refused")
	}
	for until := time.Now().Add(time.Minute); got.len() == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the member was not found at its new address")
		}
	}
}
