package dht

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	ds "github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

var testNetwork = types.NetworkID{1, 2, 3}

// fakeChain knows the certified headers it was told.
type fakeChain struct {
	mu      sync.Mutex
	headers map[types.Hash]types.CertifiedHeader
	head    types.CertifiedHeader
	signal  chan struct{}
	// committee is that of epoch 0, the only one known.
	committee *types.Committee
}

func newFakeChain(c *types.Committee) *fakeChain {
	return &fakeChain{committee: c, headers: make(map[types.Hash]types.CertifiedHeader), signal: make(chan struct{}, 1)}
}

// Header and Subscribe make it what sampling follows.
func (c *fakeChain) Header(h types.Height) (types.CertifiedHeader, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ch := range c.headers {
		if ch.Header.Height == h {
			return ch, true
		}
	}
	return types.CertifiedHeader{}, false
}

// First makes it what sampling follows.
func (c *fakeChain) First() types.Height { return 1 }

func (c *fakeChain) Subscribe() (<-chan struct{}, func()) { return c.signal, func() {} }

func (c *fakeChain) add(ch types.CertifiedHeader) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers[ch.Header.Commitment] = ch
	if ch.Header.Height > c.head.Header.Height {
		c.head = ch
	}
	select {
	case c.signal <- struct{}{}:
	default:
	}
}

func (c *fakeChain) HeaderByCommitment(h types.Hash) (types.CertifiedHeader, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch, ok := c.headers[h]
	return ch, ok
}

func (c *fakeChain) Committee(e types.Epoch) (*types.Committee, bool) { return c.committee, e == 0 }

func (c *fakeChain) Head() types.CertifiedHeader {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.head
}

// authority is a committee of four whose keys the test holds.
type authority struct {
	committee *types.Committee
	keys      map[types.PublicKey]ed25519.PrivateKey
}

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	a := &authority{keys: make(map[types.PublicKey]ed25519.PrivateKey)}
	var members []types.CommitteeMember
	for i := range 4 {
		seed := sha256.Sum256([]byte{byte(i)})
		key := ed25519.NewKeyFromSeed(seed[:])
		pub := types.PublicKey(key.Public().(ed25519.PublicKey))
		a.keys[pub] = key
		members = append(members, types.CommitteeMember{Key: pub, Stake: 1})
	}
	slices.SortFunc(members, func(x, y types.CommitteeMember) int { return slices.Compare(x.Key[:], y.Key[:]) })
	var err error
	if a.committee, err = types.NewCommittee(members); err != nil {
		tb.Fatal(err)
	}
	return a
}

func (a *authority) signAs(i types.Member, digest types.Hash) (types.PublicKey, types.Signature) {
	key := a.committee.Member(i).Key
	return key, types.SignDigest(a.keys[key], digest)
}

// certify signs the header by members 0, 1 and 2: a quorum.
func (a *authority) certify(h types.Header) types.CertifiedHeader {
	ch := types.CertifiedHeader{Header: h}
	ch.Certificate.Signers = types.NewBitmap(a.committee.Len())
	for i := range types.Member(3) {
		_, sig := a.signAs(i, h.Digest())
		ch.Certificate.Signers.Set(i)
		ch.Certificate.Signatures = append(ch.Certificate.Signatures, sig)
	}
	return ch
}

// encodeBlock makes a block of size pseudo-random bytes and its header.
func encodeBlock(tb testing.TB, height types.Height, size int) (*coding.Block, types.Header) {
	tb.Helper()
	data := make([]byte, 0, size+32)
	for i := uint64(0); len(data) < size; i++ {
		sum := sha256.Sum256(binary.LittleEndian.AppendUint64([]byte{byte(height)}, i))
		data = append(data, sum[:]...)
	}
	block, err := coding.Encode(data[:size])
	if err != nil {
		tb.Fatal(err)
	}
	return block, types.Header{Version: types.Version, Network: testNetwork, Height: height, Time: types.TimeOf(time.Now()),
		DataLength: uint64(size), Commitment: block.Commitment()}
}

func verifierOf(tb testing.TB, b *coding.Block) *coding.Verifier {
	tb.Helper()
	v, err := coding.NewVerifier(b.Params(), b.Commitment(), b.RowRoot(), b.Y())
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func newTestHost(tb testing.TB) host.Host {
	tb.Helper()
	h, err := libp2p.New(libp2p.Transport(tcp.NewTCPTransport), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = h.Close() })
	return h
}

func infoOf(h host.Host) peer.AddrInfo { return peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()} }

func infosOf(nodes []*node) []peer.AddrInfo {
	var out []peer.AddrInfo
	for _, n := range nodes {
		out = append(out, infoOf(n.host))
	}
	return out
}

type node struct {
	*DHT
	chain *fakeChain
	store ds.Batching
}

// newNode starts one DHT node; change may adjust its configuration.
func newNode(tb testing.TB, a *authority, change func(*Config)) *node {
	tb.Helper()
	n := &node{chain: newFakeChain(a.committee), store: dssync.MutexWrap(ds.NewMapDatastore())}
	cfg := Config{Host: newTestHost(tb), Network: testNetwork, Server: true, Datastore: n.store, Headers: n.chain}
	if change != nil {
		change(&cfg)
	}
	d, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = d.Close() })
	n.DHT = d
	return n
}

// newSwarm starts n servers that all know each other.
func newSwarm(tb testing.TB, a *authority, n int) []*node {
	tb.Helper()
	nodes := make([]*node, n)
	for i := range nodes {
		nodes[i] = newNode(tb, a, nil)
	}
	boot := infoOf(nodes[0].host)
	for _, nd := range nodes[1:] {
		if err := nd.Bootstrap(tb.Context(), []peer.AddrInfo{boot}); err != nil {
			tb.Fatal(err)
		}
	}
	for i, nd := range nodes {
		eventually(tb, func() bool {
			nd.sweep(tb.Context())
			return len(nd.servers.list()) == n
		}, "node %d does not know all %d servers", i, n)
	}
	return nodes
}

// eventually waits for what other goroutines bring about.
func eventually(tb testing.TB, ok func() bool, format string, args ...any) {
	tb.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf(format, args...)
		}
	}
}

func all(int) bool { return true }

func publishAll(tb testing.TB, from *node, h types.Header, b *coding.Block) Report {
	tb.Helper()
	report, err := from.Publish(tb.Context(), h, b, all)
	if err != nil {
		tb.Fatal(err)
	}
	return report
}

func holdersOf(tb testing.TB, nodes []*node, c types.Hash, index uint32) []peer.ID {
	tb.Helper()
	var out []peer.ID
	for _, n := range nodes {
		held, err := n.rows.has(context.Background(), c, index)
		if err != nil {
			tb.Fatal(err)
		}
		if held {
			out = append(out, n.host.ID())
		}
	}
	return out
}
