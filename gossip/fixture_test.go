package gossip

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"go.uber.org/goleak"

	"github.com/etherscale/bedrock/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testNetwork = types.NetworkID{1, 2, 3}

// swarm is a few real hosts on loopback; the first ones are the committee, in its order.
type swarm struct {
	t         *testing.T
	committee *types.Committee
	hosts     []host.Host
	ctx       context.Context
}

// newSwarm makes members + others hosts, connected to each other, and closes them at the end of the test.
func newSwarm(t *testing.T, members, others int) *swarm {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &swarm{t: t, ctx: ctx}
	var keys []ed25519.PrivateKey
	for i := range members + others {
		seed := sha256.Sum256([]byte{byte(i), 77})
		keys = append(keys, ed25519.NewKeyFromSeed(seed[:]))
	}
	public := func(k ed25519.PrivateKey) types.PublicKey { return types.PublicKey(k.Public().(ed25519.PublicKey)) }
	slices.SortFunc(keys[:members], func(a, b ed25519.PrivateKey) int { x, y := public(a), public(b); return bytes.Compare(x[:], y[:]) })
	var list []types.CommitteeMember
	for _, k := range keys[:members] {
		list = append(list, types.CommitteeMember{Key: public(k), Stake: 1})
	}
	var err error
	if s.committee, err = types.NewCommittee(list); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		s.hosts = append(s.hosts, newHost(t, k))
	}
	t.Cleanup(func() {
		cancel()
		for _, h := range s.hosts {
			_ = h.Close()
		}
	})
	return s
}

func newHost(t *testing.T, key ed25519.PrivateKey) host.Host {
	t.Helper()
	identity, err := crypto.UnmarshalEd25519PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	h, err := libp2p.New(libp2p.Identity(identity), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.Security(noise.ID, noise.New), libp2p.DisableRelay(), libp2p.DisableMetrics(), libp2p.ResourceManager(&network.NullResourceManager{}))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (s *swarm) connect(a, b int) {
	s.t.Helper()
	if err := s.hosts[a].Connect(s.ctx, peer.AddrInfo{ID: s.hosts[b].ID(), Addrs: s.hosts[b].Addrs()}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *swarm) connectAll() {
	for a := range s.hosts {
		for b := range a {
			s.connect(a, b)
		}
	}
}

// findPeer finds the hosts of the swarm, as the DHT would.
func (s *swarm) findPeer(_ context.Context, id peer.ID) (peer.AddrInfo, error) {
	for _, h := range s.hosts {
		if h.ID() == id {
			return peer.AddrInfo{ID: id, Addrs: h.Addrs()}, nil
		}
	}
	return peer.AddrInfo{}, ErrNoPeers
}

// start runs gossip on host i until the test ends or stop is called; stop waits for Run.
func (s *swarm) start(i int, h Handlers, changes ...func(*Config)) (g *Gossip, stop func()) {
	s.t.Helper()
	cfg := Config{Host: s.hosts[i], Network: testNetwork, Committee: s.committee, Handlers: h, FindPeer: s.findPeer,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, c := range changes {
		c(&cfg)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	g, err := New(ctx, cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	})
	s.t.Cleanup(stop)
	return g, stop
}

// eventually waits until ok, or fails the test.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

// inbox collects what arrives.
type inbox[T any] struct {
	mu    sync.Mutex
	items []T
}

func (b *inbox[T]) put(v T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.items = append(b.items, v)
}

func (b *inbox[T]) all() []T {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.items)
}

func (b *inbox[T]) len() int { return len(b.all()) }
