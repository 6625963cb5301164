package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/consensus/sequencer"
	"github.com/etherscale/bedrock/dht"
	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/gossip/pool"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/node/metrics"
	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/rpc/verified"
	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

// Node is one open node. Parts that its role does not have are nil.
type Node struct {
	cfg     Config
	network types.NetworkID
	since   time.Time
	key     types.PublicKey
	log     *slog.Logger

	store  *store.DB
	host   *p2p.Host
	chain  *chain.Chain
	dht    *dht.DHT
	gossip *gossip.Gossip

	pool     pool.Source // nil at roles that take no transactions
	wallets  *pool.Pool  // the same pool on Ethereum networks
	exec     *execution.Chain
	account  *account.Account // nil at nodes that execute nothing or have no account
	order    *sequencer.Epochs
	sampling *availability
	proofs   *proofs
	view     *verified.View // nil at nodes that execute
	bonds    *bondProofs    // nil likewise
	ready    *readiness
	rpc      *rpc.Server
	news     *orderNews

	meter   *meter
	metrics *metrics.Registry
	health  *health.Tracker
	exposed *metricsServer // nil: nobody asked for it

	rebuildings rebuildings
	restoring   atomic.Pointer[execution.Restoration] // a state that is being fetched
	joined      joined

	disk       *diskKeeper // nil without a budget
	diskLooked diskLooked
	background *background // may be held up by slow peers
	heads      *background // telling of certified headers
	submits    *background // handing batches to sequencers directly
	stopPubsub context.CancelFunc
	closers    []func() error // in order of opening
}

// Open claims the data directory, starts listening and builds every part of the role. Nothing is worked on until Run. A
// node that was opened must be closed.
func Open(cfg Config) (_ *Node, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.fill()
	cfg.fit()
	news := newOrderNews()
	counted := newMeter(cfg.Role)
	cfg.Watch = counted.watch(news.watch(cfg.Watch))
	n := &Node{cfg: cfg, since: time.Now(), news: news, meter: counted, metrics: counted.registry, health: counted.health, key: config.PublicKeyOf(cfg.Key), log: cfg.Logger,
		background: newBackground(), heads: newBackground(), submits: newBackground()}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	for _, step := range []func() error{
		n.openNetwork, n.openStore, n.openChain, n.openHost, n.openAvailability, n.openExecution, n.openPool, n.openAccount, n.openProofs,
		n.openOrdering, n.openReadiness, n.openGossip, n.openMeter, n.openMetrics, n.openRPC,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *Node) onClose(f func() error) { n.closers = append(n.closers, f) }

func (n *Node) openNetwork() (err error) {
	if n.network, err = n.cfg.Genesis.NetworkID(); err != nil {
		return err
	}
	if n.cfg.Role == config.Sequencer && n.cfg.Genesis.Bonding == nil && !n.cfg.Genesis.Sequences(n.key) {
		return fmt.Errorf("this node's key %s is in no committee of the genesis file: run it as a peer, or with the home directory of a sequencer", n.key.PeerID())
	}
	return nil
}

func (n *Node) openStore() error {
	if err := os.MkdirAll(n.cfg.Data, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	db, err := store.Open(filepath.Join(n.cfg.Data, "store"), store.Options{Network: n.network, Budget: n.cfg.Disk, Logger: n.log, Fatal: n.diskLost})
	if err != nil {
		return err
	}
	n.store = db
	n.onClose(db.Close)
	return nil
}

// diskLost ends the process: after a failed sync nobody knows what is on the disk, and nothing may be signed on top of it.
func (n *Node) diskLost(err error) {
	n.log.Error("the disk failed; this process ends so that nothing is lost: check the disk, then start again", "error", err)
	os.Exit(1)
}

func (n *Node) openHost() error {
	cfg, err := n.cfg.host()
	if err != nil {
		return err
	}
	if n.cfg.Metrics != "" {
		cfg.Metrics = n.metrics.Registerer()
	}
	h, err := p2p.New(cfg)
	if err != nil {
		return err
	}
	n.host = h
	n.onClose(h.Close)
	return nil
}

// Run works until ctx ends (nil) or a part fails. It may be called once.
func (n *Node) Run(ctx context.Context) error {
	group, inner := errgroup.WithContext(ctx)
	run := func(what string, f func(context.Context) error) {
		group.Go(func() error {
			if err := f(inner); err != nil && inner.Err() == nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			return nil
		})
	}
	run("gossip", n.gossip.Run)
	run("dht", n.dht.Run)
	run("chain", n.followChain)
	run("epochs", n.followEpochs)
	run("join", n.stayJoined)
	if n.cfg.Disk > 0 {
		n.disk = newDiskKeeper(n)
		run("disk", n.disk.run)
	}
	run("health", n.watchHealth)
	run("background", n.background.run)
	run("heads", n.heads.run)
	run("submits", n.submits.run)
	if n.pool != nil {
		run("pool", n.pool.Run)
	}
	if n.account != nil {
		run("account", n.account.Run)
	}
	if n.exec != nil {
		run("execution", n.executeBlocks)
		if n.joinsLate() {
			run("snapshots", n.offerSnapshots)
		}
	} else {
		run("blocks", n.followBlocks)
	}
	if n.order != nil {
		run("ordering", n.orderBlocks)
	}
	if n.sampling != nil {
		run("sampling", n.sampling.Run)
	}
	if n.proofs != nil {
		run("proofs", n.proofs.run)
	}
	if n.ready != nil {
		run("readiness", n.ready.run)
	}
	if n.view != nil {
		run("values", n.keepValues)
	}
	if n.exposed != nil {
		run("metrics", n.exposed.run)
	}
	if n.rpc != nil {
		run("rpc", n.rpc.Run)
	}
	return n.ended(group.Wait())
}

// Close stops listening and releases the data directory. Run must have returned.
func (n *Node) Close() error {
	if n.stopPubsub != nil {
		n.stopPubsub()
		n.stopPubsub = nil
	}
	var problems []error
	for i := len(n.closers) - 1; i >= 0; i-- {
		problems = append(problems, n.closers[i]())
	}
	n.closers = nil
	return errors.Join(problems...)
}

// Role is the node's role.
func (n *Node) Role() config.Role { return n.cfg.Role }

// Since is when the node was opened.
func (n *Node) Since() time.Time { return n.since }

// NetworkName is the network's name, as its genesis has it.
func (n *Node) NetworkName() string { return n.cfg.Genesis.Name }

// Version is the name and version of this program.
func (n *Node) Version() string { return p2p.UserAgent }

// PeerID is the node's libp2p identity.
func (n *Node) PeerID() string { return n.host.ID().String() }

// Addrs lists the node's addresses as --bootstrap takes them.
func (n *Node) Addrs() []string { return n.host.FullAddrs() }

// RPCAddr is the host:port of the RPC server, or empty.
func (n *Node) RPCAddr() string {
	if n.rpc == nil {
		return ""
	}
	return n.rpc.Addr()
}

// Head is the newest certified height that the node knows.
func (n *Node) Head() types.Height { return n.chain.Head().Header.Height }

// Submit enters one transaction envelope at this node and returns its hash.
func (n *Node) Submit(ctx context.Context, envelope []byte) (types.Hash, error) {
	if n.pool == nil {
		return types.Hash{}, fmt.Errorf("a %s node takes no transactions", n.cfg.Role)
	}
	return n.pool.AddEnvelope(ctx, envelope)
}
