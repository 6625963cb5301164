package swarm

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	kb "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/marcopolo/simnet"

	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/types"
)

// Config describes a network. Zero values mean the defaults named.
type Config struct {
	Hosts   int    // servers, members included; at most 1000
	Members int    // of the committee; 4
	Seed    uint64 // of identities, and so of places in the key space and of delays
	Line    int    // bit/s up and down of every peer; DefaultLine
	// Slim members keep no whole blocks: they hold rows like any other server.
	Slim bool
	// LightConns are how many connections the manager of a light client trims to, and from how many on; a server's if zero.
	LightConns [2]int
	// Change, if set, may change the configuration of the DHT of peer i.
	Change func(i int, c *dht.Config)
}

// Network is a simulated network. Its methods are called from one goroutine inside [Virtual].
type Network struct {
	Chain *Chain
	Peers []*Peer // servers; the members come first, in committee order

	cfg       Config
	net       *simnet.Simnet
	id        types.NetworkID
	authority *authority
	library   *library
	chance    *rand.Rand
	lights    []*Light
	built     int // addresses given away
}

// New builds and connects a network; it must be called inside [Virtual], and so must Close.
func New(cfg Config) (*Network, error) {
	if cfg.Members == 0 {
		cfg.Members = 4
	}
	if cfg.Line == 0 {
		cfg.Line = DefaultLine
	}
	if cfg.Hosts < cfg.Members || cfg.Hosts > 1000 {
		return nil, fmt.Errorf("swarm: %d hosts with %d members; at most 1000", cfg.Hosts, cfg.Members)
	}
	a, err := newAuthority(cfg.Seed, cfg.Members)
	if err != nil {
		return nil, fmt.Errorf("swarm: committee: %w", err)
	}
	n := &Network{cfg: cfg, Chain: newChain(a.committee), authority: a, id: types.NetworkID{1, 2, 3}, library: newLibrary(),
		chance: rand.New(rand.NewPCG(cfg.Seed, 0)),
		net:    &simnet.Simnet{LatencyFunc: delay, Logger: slog.New(slog.DiscardHandler)}}
	n.net.Start()
	for i := range cfg.Hosts {
		if err := n.addServer(i); err != nil {
			n.Close()
			return nil, err
		}
	}
	if err := n.connect(); err != nil {
		n.Close()
		return nil, err
	}
	for _, p := range n.Peers {
		p.run()
	}
	time.Sleep(10 * time.Second)
	return n, nil
}

// Close ends everything. Peers are silenced first: their farewells would only cost time.
func (n *Network) Close() {
	all := n.Peers
	for _, l := range n.lights {
		all = append(all, l.Peer)
	}
	for _, p := range all {
		p.Kill()
	}
	var wg sync.WaitGroup
	for _, p := range all {
		wg.Go(p.close)
	}
	wg.Wait()
	n.net.Close()
	// Time ends with the function that runs in the bubble: whoever still sleeps would never wake.
	time.Sleep(10 * time.Minute)
}

func (n *Network) addServer(i int) error {
	p := &Peer{Index: i, Member: -1, Store: newStore()}
	key, cfg := keyOf(n.cfg.Seed, i), n.serverConfig(p)
	if i < n.cfg.Members {
		p.Member, key = i, n.authority.keys[i]
		cfg.WholeTable, cfg.SweepLimit = true, 0
		if !n.cfg.Slim {
			cfg.Blocks = n.library
		}
	}
	if err := n.build(p, key, publicIP(n.built), serverConns, cfg); err != nil {
		return err
	}
	n.Peers = append(n.Peers, p)
	return nil
}

// AddServer starts one more server with a key and an address of its own choosing and links it like the others.
func (n *Network) AddServer(ctx context.Context, key ed25519.PrivateKey, ip net.IP) (*Peer, error) {
	p := &Peer{Index: len(n.Peers), Member: -1, Store: newStore()}
	if err := n.build(p, key, ip, serverConns, n.serverConfig(p)); err != nil {
		return nil, err
	}
	n.Peers = append(n.Peers, p)
	err := n.link(ctx, p)
	p.run()
	return p, err
}

func (n *Network) serverConfig(p *Peer) dht.Config {
	return dht.Config{Server: true, Datastore: p.Store, Sweep: time.Hour, SweepLimit: 8}
}

// build gives a peer its line, its host and its DHT.
func (n *Network) build(p *Peer, key ed25519.PrivateKey, ip net.IP, conns [2]int, cfg dht.Config) error {
	var err error
	if p.wire, err = newWire(n.net, key, ip, conns, n.cfg.Line); err != nil {
		return err
	}
	n.built++
	cfg.Host, cfg.Network, cfg.Headers, cfg.Replicas = seat{p.wire.host, &p.wire.rows, &p.wire.conduct}, n.id, n.Chain, Replicas
	if cfg.Lied == nil {
		cfg.Lied = func(peer.ID, string) {}
	}
	if n.cfg.Change != nil {
		n.cfg.Change(p.Index, &cfg)
	}
	if p.DHT, err = dht.New(cfg); err != nil {
		p.wire.close()
		return fmt.Errorf("swarm: peer %d: %w", p.Index, err)
	}
	return nil
}

// Replicas is the number of holders of each row.
const Replicas = 3

// Connections that every server starts with.
const (
	nearestLinks = 12
	randomLinks  = 4
)

// connect links all servers.
func (n *Network) connect() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	errs := make([]error, len(n.Peers))
	var wg sync.WaitGroup
	for i, p := range n.Peers {
		others := n.neighbours(p)
		wg.Go(func() { errs[i] = meet(ctx, p, others) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("swarm: connect: %w", err)
	}
	return nil
}

func (n *Network) link(ctx context.Context, p *Peer) error { return meet(ctx, p, n.neighbours(p)) }

func meet(ctx context.Context, p *Peer, others []*Peer) (err error) {
	for _, o := range others {
		err = errors.Join(err, p.Host().Connect(ctx, o.Info()))
	}
	return err
}

// neighbours are the living servers nearest to a peer, and some random ones.
func (n *Network) neighbours(p *Peer) []*Peer {
	var ids []peer.ID
	at := make(map[peer.ID]*Peer)
	for _, o := range n.Peers {
		if o != p && !o.Dead() {
			ids = append(ids, o.ID())
			at[o.ID()] = o
		}
	}
	near := kb.SortClosestPeers(ids, kb.ConvertPeerID(p.ID()))
	var out []*Peer
	for _, id := range near[:min(nearestLinks, len(near))] {
		out = append(out, at[id])
	}
	for range min(randomLinks, len(ids)) {
		out = append(out, at[ids[n.chance.IntN(len(ids))]])
	}
	return out
}

// Servers returns the living servers that are no members.
func (n *Network) Servers() []*Peer {
	var out []*Peer
	for _, p := range n.Peers[n.cfg.Members:] {
		if !p.Dead() {
			out = append(out, p)
		}
	}
	return out
}

// Members returns the committee's peers, in committee order.
func (n *Network) Members() []*Peer { return n.Peers[:n.cfg.Members] }

// KillShare kills part of the given peers, chosen at random, at once, and returns those killed.
func (n *Network) KillShare(peers []*Peer, count int) []*Peer {
	var out []*Peer
	for _, i := range n.chance.Perm(len(peers))[:min(count, len(peers))] {
		peers[i].Kill()
		out = append(out, peers[i])
	}
	return out
}
