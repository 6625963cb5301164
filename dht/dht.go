package dht

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
	ds "github.com/ipfs/go-datastore"
	kad "github.com/libp2p/go-libp2p-kad-dht"
	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	record "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// Headers is what the DHT must know of the chain. Its methods are called from many goroutines.
type Headers interface {
	// HeaderByCommitment returns a certified header with this data commitment.
	HeaderByCommitment(commitment types.Hash) (types.CertifiedHeader, bool)
	// Head is the newest certified header, or the genesis header.
	Head() types.CertifiedHeader
	// Committee is who may sign the headers of an epoch, as far as it is known.
	Committee(e types.Epoch) (*types.Committee, bool)
}

// Config configures a DHT. Zero values of the limits mean the defaults named with them.
type Config struct {
	Host      host.Host
	Network   types.NetworkID
	Server    bool        // stores rows for others; else only asks
	Datastore ds.Batching // rows on disk; needed by servers
	Headers   Headers
	// Blocks, if set, are blocks that this node keeps whole as a member of the committee. It serves their rows from
	// there and takes no copies of them.
	Blocks Blocks
	// Upload, if not 0, is the number of bytes a second that offers of rows may send. Answers to questions do not count.
	Upload    int64
	Replicas  int           // holders of each row; 3
	Budget    int64         // bytes of disk for rows; 4 GiB
	Retention time.Duration // rows older than this (header time) are given up; 0: never
	// Sweep is the time between two looks for servers; 30 s. It grows to two minutes while the servers nearest to the node stay the
	// same, but not with WholeTable. SweepLimit is the number of servers asked each time; 32,
	// with WholeTable 256.
	Sweep      time.Duration
	SweepLimit int
	// TakeOverDelay is how long a publisher has before another one looks whether its rows are there; 2 s.
	TakeOverDelay time.Duration
	WholeTable    bool // crawl large networks: publishers need every server, readers only some
	// Sign, if set, signs a header digest with a committee member's key, so that rows can be published before their
	// header is certified. It must sign only what is durable in the own vertex log.
	Sign func(digest types.Hash) (types.PublicKey, types.Signature)
	// Lied, if set, is told of each peer that sent something that is provably not the block's.
	Lied func(p peer.ID, what string)
	// BadEncoding, if set, gets the proof when a row offered under a certified header, or fetched to repair its block, shows
	// that the block is badly encoded.
	BadEncoding func(ch types.CertifiedHeader, proof *coding.BadEncodingError)
	Logger      *slog.Logger
}

func (c Config) withDefaults() Config {
	setDefault(&c.Replicas, 3)
	setDefault(&c.Budget, 4<<30)
	setDefault(&c.Sweep, 30*time.Second)
	setDefault(&c.TakeOverDelay, 2*time.Second)
	if c.WholeTable {
		setDefault(&c.SweepLimit, 256)
	}
	setDefault(&c.SweepLimit, 32)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Datastore == nil {
		c.Datastore = ds.NewNullDatastore()
	}
	return c
}

func setDefault[T int | int64 | time.Duration](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}

// Validate returns everything that is wrong with the configuration.
func (c Config) Validate() error {
	var problems []error
	if c.Host == nil {
		problems = append(problems, errors.New("dht: Host is missing"))
	}
	if c.Headers == nil {
		problems = append(problems, errors.New("dht: Headers are needed to know what may be stored"))
	}
	if c.Server && c.Datastore == nil {
		problems = append(problems, errors.New("dht: a server needs a Datastore"))
	}
	if c.Replicas < 0 || c.Replicas > 20 {
		problems = append(problems, fmt.Errorf("dht: Replicas %d is not in 1..20", c.Replicas))
	}
	if c.Upload < 0 || c.Budget < 0 || c.Retention < 0 || c.Sweep < 0 || c.SweepLimit < 0 || c.TakeOverDelay < 0 {
		problems = append(problems, errors.New("dht: Upload, Budget, Retention, Sweep, SweepLimit and TakeOverDelay must not be negative"))
	}
	return errors.Join(problems...)
}

// DHT stores, publishes and fetches rows. Its methods may be called from any goroutine once New returned.
type DHT struct {
	cfg         Config
	log         *slog.Logger
	host        host.Host
	kad         *kad.IpfsDHT
	kadProtocol protocol.ID
	rowProtocol protocol.ID
	messenger   *pb.ProtocolMessenger
	rows        *rows
	cutter      *cutter
	waiting     *provisional
	servers     *servers
	verifiers   *verifiers
	door        *door
	upload      *uplink       // of offers
	offering    *turns        // of offers, by block and holder
	seeding     *turns        // of those that ask to hand on
	sending     *turns        // of those that send rows
	publishing  *turns        // of blocks
	dialling    chan struct{} // slots to dial holders in
	passing     *handOns
	repair      *repairer
	counts      counts
	life        context.Context // until Close
	endLife     context.CancelFunc
	inquirers   *inquirers
	pace        *pace
	closeOnce   sync.Once
	closeErr    error
}

// The streams as name/version, behind /bedrock/<network id>/.
const (
	kadStream = "kad/1.0.0"
	rowStream = "row/2"
)

// Streams lists the streams that this program speaks, as name/version.
func Streams() []string { return []string{kadStream, rowStream} }

// New builds the DHT on the host and, for a server, starts to answer. kad-dht starts goroutines of its own; Close (or
// the end of Run) ends them. It fails when the configuration or what is stored is broken.
func New(cfg Config) (*DHT, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	held, err := openRows(context.Background(), cfg.Datastore, cfg.Budget)
	if err != nil {
		return nil, err
	}
	prefix := protocol.ID("/bedrock/" + cfg.Network.String())
	d := &DHT{
		cfg: cfg, log: cfg.Logger, host: cfg.Host, kadProtocol: prefix + "/" + kadStream, rowProtocol: prefix + "/" + rowStream,
		rows: held, cutter: &cutter{blocks: cfg.Blocks, headers: cfg.Headers}, waiting: newProvisional(), verifiers: newVerifiers(), door: newDoor(),
		upload: &uplink{rate: cfg.Upload}, offering: newTurns(paced(offerParallel, cfg.Upload), offerPerPeer),
		seeding: newTurns(paced(seedParallel, cfg.Upload), offerPerPeer), sending: newTurns(paced(sendParallel, cfg.Upload), sendParallel), publishing: newTurns(maxPublishing, maxPublishing),
		dialling: make(chan struct{}, dialParallel), passing: newHandOns(),
		inquirers: newInquirers(), pace: newPace(),
	}
	d.life, d.endLife = context.WithCancel(context.Background())
	mode := kad.ModeClient
	if cfg.Server {
		mode = kad.ModeServer
	}
	d.kad, err = kad.New(unprotecting{cfg.Host}, kad.Mode(mode), kad.ProtocolPrefix(prefix), kad.Datastore(view{d}),
		kad.Validator(record.NamespacedValidator{Namespace: Validator{}}),
		kad.RoutingTablePeerDiversityFilter(newDiversity(cfg.Host)), kad.DisableProviders(), kad.DisableAutoRefresh(), kad.MaxRecordAge(0))
	if err != nil {
		return nil, fmt.Errorf("dht: start kad-dht: %w", err)
	}
	if d.messenger, err = pb.NewProtocolMessenger(d.kad.MessageSender()); err != nil {
		return nil, errors.Join(fmt.Errorf("dht: start kad-dht: %w", err), d.kad.Close())
	}
	d.servers = newServers(cfg.Host, d.kadProtocol, cfg.Server, d.kad.RoutingTable().ListPeers)
	d.repair = newRepairer(d)
	if cfg.Server {
		cfg.Host.SetStreamHandler(d.rowProtocol, d.handle)
	}
	return d, nil
}

// Close stops answering and ends kad-dht. The host and the datastore stay open: they are the caller's.
func (d *DHT) Close() error {
	d.closeOnce.Do(func() {
		d.host.RemoveStreamHandler(d.rowProtocol)
		d.endLife()
		d.passing.close()
		d.closeErr = d.kad.Close()
	})
	return d.closeErr
}

// Run keeps the table of servers fresh, moves rows whose header was certified to the disk, gives up old ones and repairs
// what the network loses, until ctx ends. Then it closes the DHT.
func (d *DHT) Run(ctx context.Context) error {
	defer d.Close()
	var wg sync.WaitGroup
	wg.Go(func() { d.keepTable(ctx) })
	if d.cfg.Server {
		wg.Go(func() { d.repair.run(ctx) })
	}
	d.keepRows(ctx)
	wg.Wait()
	return ctx.Err()
}

func (d *DHT) keepRows(ctx context.Context) {
	promote, expire := time.NewTicker(500*time.Millisecond), time.NewTicker(time.Minute)
	defer promote.Stop()
	defer expire.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-promote.C:
			d.promote(ctx)
		case <-expire.C:
			d.giveUpOld(ctx)
		}
	}
}

// Expire gives up the rows of blocks with a header time before limit and returns how many there were.
func (d *DHT) Expire(ctx context.Context, limit types.Time) (int, error) {
	return d.rows.expire(ctx, limit)
}

// promote moves rows that waited for a certificate to the disk.
func (d *DHT) promote(ctx context.Context) {
	certified := func(c types.Hash) bool {
		_, ok := d.cfg.Headers.HeaderByCommitment(c)
		return ok
	}
	for _, w := range d.waiting.take(time.Now(), certified) {
		if _, err := d.store(ctx, &w.header, w.opening, w.shards); err != nil {
			d.log.Warn("rows not kept", "height", w.header.Height, "error", err)
		}
	}
}

// Bootstrap connects to the given peers and fills kad-dht's routing table. It succeeds if one of them answers; an empty
// list succeeds.
func (d *DHT) Bootstrap(ctx context.Context, peers []peer.AddrInfo) error {
	var problems []error
	for _, p := range peers {
		if p.ID == d.host.ID() {
			continue
		}
		if err := d.host.Connect(ctx, p); err != nil {
			problems = append(problems, fmt.Errorf("dht: bootstrap peer %s: %w", p.ID, err))
			continue
		}
		d.host.ConnManager().Protect(p.ID, "bootstrap")
	}
	if len(problems) > 0 && len(problems) == len(peers) {
		return errors.Join(problems...)
	}
	d.sweep(ctx)
	return nil
}

// Servers lists the known DHT servers with their addresses, the own node left out; good ones to remember for a restart.
func (d *DHT) Servers() []peer.AddrInfo {
	var out []peer.AddrInfo
	for _, p := range d.knownServers() {
		out = append(out, peer.AddrInfo{ID: p, Addrs: d.host.Peerstore().Addrs(p)})
	}
	return out
}
