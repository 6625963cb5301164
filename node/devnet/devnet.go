package devnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

// NodeInfo says how to find one node of the swarm.
type NodeInfo struct {
	Role   config.Role `json:"role"`
	PeerID string      `json:"peerId"`
	Addrs  []string    `json:"addrs"`
	Name   string      `json:"name"`
}

// Ready is what a user needs to know once the swarm runs.
type Ready struct {
	Schema      int    `json:"schema"`
	RPC         string `json:"rpc"`
	WS          string `json:"ws"`
	ChainID     uint64 `json:"chainId"`
	EpochLength uint64 `json:"epochLength"`
	// Network is the path of the file that `bedrock light --network` takes.
	Network  string     `json:"network"`
	Accounts []Account  `json:"accounts"`
	Nodes    []NodeInfo `json:"nodes"`
}

// Devnet is an open swarm.
type Devnet struct {
	cfg     Config
	genesis *types.Genesis
	dir     string
	temp    bool
	nodes   []*node.Node
	names   []string
	rpcNode *node.Node
	resumed types.Height // newest block that was there when the swarm was opened
	keys    map[types.PublicKey]string
	payees  map[[20]byte]string
	liar    types.PublicKey
	facts   chan named
	logs    io.Closer
}

type named struct {
	name string
	fact node.Fact
	at   time.Time
}

// Open starts every node's host and storage; nothing runs until Run.
func Open(cfg Config) (_ *Devnet, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d := &Devnet{cfg: cfg, dir: cfg.Dir, keys: map[types.PublicKey]string{}, payees: map[[20]byte]string{}, facts: make(chan named, 4096)}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if d.dir == "" {
		d.temp = true
		if d.dir, err = os.MkdirTemp("", "bedrock-devnet-"); err != nil {
			return nil, fmt.Errorf("devnet: %w", err)
		}
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, fmt.Errorf("devnet: %w", err)
	}
	p, genesis, err := loadPlan(d.dir, cfg)
	if err != nil {
		return nil, err
	}
	d.genesis = genesis
	log, err := os.OpenFile(filepath.Join(d.dir, "devnet.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("devnet: %w", err)
	}
	d.logs = log
	if err := d.openNodes(p, slog.New(slog.NewTextHandler(log, nil))); err != nil {
		return nil, err
	}
	return d, d.Network().Write(d.networkFile())
}

// Network is all that somebody needs who wants to join.
func (d *Devnet) Network() *config.Network {
	return &config.Network{Genesis: d.genesis, Bootstrap: d.nodes[0].Addrs()}
}

func (d *Devnet) networkFile() string { return filepath.Join(d.dir, "network.json") }

// stateCache is each node's memory for executed state in MiB: many nodes share one machine.
const stateCache = 12

// openNodes opens the bootstrap node first: the others join by its address.
func (d *Devnet) openNodes(p *plan, log *slog.Logger) error {
	var bootstrap []string
	serving := d.servingMember(p)
	for i, m := range p.Members {
		key, err := m.key()
		if err != nil {
			return err
		}
		purse, err := m.account()
		if err != nil {
			return err
		}
		cfg := node.Config{
			Genesis: d.genesis, Key: key, Account: purse, Role: m.Role, Data: filepath.Join(d.dir, m.Name), Bootstrap: bootstrap,
			Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Sandbox: d.cfg.Sandbox, StateCache: stateCache, Dishonest: m.Dishonest, UnusedMark: m.unusedMark(d.dir),
			Watch: d.watcher(m.Name), Logger: log.With("node", m.Name),
		}
		if d.cfg.Listen != nil {
			cfg.Listen = d.cfg.Listen(i)
		}
		if d.cfg.Delay > 0 {
			cfg.Dialer = line{d.cfg.Delay}
		}
		if m.Name == serving {
			cfg.RPC = d.cfg.RPC
		}
		n, err := node.Open(cfg)
		if err != nil {
			return fmt.Errorf("devnet: %s: %w", m.Name, err)
		}
		d.nodes, d.names = append(d.nodes, n), append(d.names, m.Name)
		d.keys[config.PublicKeyOf(key)], d.payees[account.AddressOf(purse)] = m.Name, m.Name
		if m.Dishonest {
			d.liar = config.PublicKeyOf(key)
		}
		d.resumed = max(d.resumed, n.Head())
		if m.Role == config.Bootstrap {
			bootstrap = n.Addrs()
		}
		if m.Name == serving {
			d.rpcNode = n
		}
	}
	return nil
}

// servingMember is the node whose RPC a wallet gets: an ordinary peer where there is one.
func (d *Devnet) servingMember(p *plan) string {
	for _, role := range []config.Role{config.Peer, config.Prover, config.Sequencer} {
		for _, m := range p.Members {
			if m.Role == role && !m.Dishonest {
				return m.Name
			}
		}
	}
	return ""
}

// watcher passes a node's facts on; when the printer lags, facts are dropped rather than the node held up.
func (d *Devnet) watcher(name string) func(node.Fact) {
	return func(fact node.Fact) {
		if d.cfg.Watch != nil {
			d.cfg.Watch(name, fact)
		}
		select {
		case d.facts <- named{name, fact, time.Now()}:
		default:
		}
	}
}

// Ready describes the open swarm.
func (d *Devnet) Ready() Ready {
	r := Ready{Schema: 1, ChainID: d.genesis.ChainID, EpochLength: d.genesis.EpochLength, Network: d.networkFile(), Accounts: Accounts()}
	if d.rpcNode != nil {
		r.RPC, r.WS = "http://"+d.rpcNode.RPCAddr(), "ws://"+d.rpcNode.RPCAddr()
	}
	for i, n := range d.nodes {
		r.Nodes = append(r.Nodes, NodeInfo{Role: n.Role(), PeerID: n.PeerID(), Addrs: n.Addrs(), Name: d.names[i]})
	}
	return r
}

// Run runs every node until ctx ends or one fails. It prints to out unless out is nil; terminal says whether out can be
// redrawn.
func (d *Devnet) Run(ctx context.Context, out io.Writer, terminal bool) error {
	group, inner := errgroup.WithContext(ctx)
	for i, n := range d.nodes {
		group.Go(func() error {
			if err := n.Run(inner); err != nil && inner.Err() == nil {
				return fmt.Errorf("devnet: %s: %w", d.names[i], err)
			}
			return nil
		})
	}
	group.Go(func() error { d.show(inner, out, terminal); return nil })
	return group.Wait()
}

// show owns the board and the screen.
func (d *Devnet) show(ctx context.Context, out io.Writer, terminal bool) {
	provers := d.cfg.Provers
	if d.cfg.DishonestProver {
		provers++
	}
	b := newBoard(d.keys, d.cfg.Lights, provers, d.resumed)
	b.liar, b.payees = d.liar, d.payees
	var s *screen
	if out != nil {
		s = &screen{out: out, terminal: terminal}
		s.banner(d.Ready())
	}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-d.facts:
			b.take(f.name, f.fact, f.at)
		case now := <-tick.C:
			if s != nil {
				s.draw(b, now)
			} else {
				b.settle(now, patience)
			}
		}
	}
}

// Close closes every node and removes a temporary directory.
func (d *Devnet) Close() error {
	var problems []error
	for i := len(d.nodes) - 1; i >= 0; i-- {
		problems = append(problems, d.nodes[i].Close())
	}
	d.nodes = nil
	if d.logs != nil {
		problems = append(problems, d.logs.Close())
		d.logs = nil
	}
	if d.temp {
		problems = append(problems, os.RemoveAll(d.dir))
	}
	return errors.Join(problems...)
}
