package node

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/etherscale/bedrock/account"
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/types"
)

// defaultListen is where a node listens when nothing is configured: any interface, the port of the network.
func defaultListen() []string {
	return []string{"/ip4/0.0.0.0/tcp/4848", "/ip4/0.0.0.0/udp/4848/quic-v1", "/ip6/::/tcp/4848", "/ip6/::/udp/4848/quic-v1"}
}

// Config is everything Open needs. Genesis, Key, Role and Data are required.
type Config struct {
	Genesis *types.Genesis
	Key     ed25519.PrivateKey
	Role    config.Role
	Data    string // directory of the node's data; made when missing

	// Account is the node's Ethereum account: owner or operator of its bond, payee of its challenges, sender of what it posts. A
	// node without one posts nothing.
	Account account.Key

	Listen    []string // multiaddrs; default: TCP and QUIC on port 4848 of all interfaces, or any port where that is taken
	Announce  []string // multiaddrs to tell others beside those the node finds out; rarely needed
	Bootstrap []string // multiaddrs with /p2p/ of nodes to join by
	RPC       string   // host:port of the JSON-RPC server, port 0 for any free; empty: none

	listenMayMove bool // nobody asked for the port of Listen
	// RPCMayMove lets the server take any free port where the one of RPC is taken.
	RPCMayMove bool
	// Metrics is the host:port of /metrics, /livez and /readyz, port 0 for any free; empty: none. MetricsMayMove as RPCMayMove.
	Metrics        string
	MetricsMayMove bool

	// Disk, Memory and Bandwidth are hard budgets: bytes of the data directory, bytes of this process's memory, bytes a second
	// sent and received together. 0: none. Memory is of the whole process: one node a process may have it.
	Disk, Memory, Bandwidth int64
	// Profile sets what the node keeps its use of machine and line within; default: ProfileBootstrap for the role Bootstrap, else ProfileHome.
	Profile config.Profile
	// NoPortMapping keeps the node from asking the router to forward its port.
	NoPortMapping bool

	// Dialer opens TCP connections to other nodes; nil: the system's. A swarm in one process puts a slow line here.
	Dialer p2p.Dialer

	// Checkpoint, if not empty, is HEIGHT:DIGEST of an epoch's last header, from somebody trusted.
	Checkpoint string

	// ShardBudget is the disk in bytes for other people's rows; 0: the DHT's default. Upload is how many bytes of rows a second
	// are given to others at most; 0: as fast as the line goes.
	ShardBudget, Upload int64
	// Sampling is how sure the node makes of a block's data: "default" (or empty) tolerates peers that are away, "strict" also
	// proves that the block decodes alike for everybody, and asks for three times as many rows.
	Sampling string
	// SamplingRate bounds the bytes a second that sampling receives. 0: config.LightSamplingRate at light clients, none at others.
	SamplingRate int64

	// LatestAsserted makes the tag latest of a light client's RPC stand for the newest asserted state, not the newest settled one.
	LatestAsserted bool

	// StateCache is the memory in MiB for the executed state; 0: execution's default.
	StateCache int
	// Sandbox is the command line of a child process that verifies one challenge (`bedrock fraud verify --stdin`).
	Sandbox []string
	// UnusedMark is the path of a file whose presence says that Key has never signed a vertex. The node removes it before
	// the key does. Without it a sequencer with an empty vertex log asks the others how far its key came.
	UnusedMark string
	// TwinWatch is how long a sequencer whose key has signed before watches, at its start, for another node that signs with it.
	// 0: not at all, where one process holds all nodes.
	TwinWatch time.Duration
	// Pacing is the sequencer's own timing; zero fields mean their defaults.
	Pacing consensus.Pacing
	// Dishonest makes a prover lie about one chunk of every block, and a sequencer sign beside a twin of its key. For drills on
	// development networks only.
	Dishonest bool

	// SnapshotGap is how many blocks a fetched state must save over executing them; 0: 2,048.
	SnapshotGap uint64

	// Watch, if set, is told every fact; it must not block.
	Watch func(Fact)
	// Logger defaults to slog.Default.
	Logger *slog.Logger
}

// Validate returns everything that is wrong with the configuration, each problem naming its key.
func (c *Config) Validate() error {
	var problems []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("node config: "+format, args...))
		}
	}
	need(c.Genesis != nil, "Genesis is missing")
	need(len(c.Key) == ed25519.PrivateKeySize, "Key is missing")
	need(c.Data != "", "Data directory is missing")
	need(c.Disk >= 0 && c.Memory >= 0 && c.Bandwidth >= 0, "Disk, Memory and Bandwidth must not be negative")
	need(c.ShardBudget >= 0 && c.Upload >= 0, "ShardBudget and Upload must not be negative")
	need(!c.Dishonest || c.Role == config.Prover || c.Role == config.Sequencer, "Dishonest is for provers and sequencers")
	if _, err := config.ParseRole(string(c.Role)); err != nil {
		problems = append(problems, err)
	}
	if _, err := config.ParseCheckpoint(c.Checkpoint); err != nil {
		problems = append(problems, err)
	}
	if _, err := config.ParseSampling(c.Sampling); err != nil {
		problems = append(problems, err)
	}
	need(c.SamplingRate >= 0, "SamplingRate %d is negative", c.SamplingRate)
	if c.Profile != "" {
		if _, err := config.ParseProfile(string(c.Profile)); err != nil {
			problems = append(problems, err)
		}
	}
	if _, err := p2p.ParseAddrs(c.Announce); err != nil {
		problems = append(problems, fmt.Errorf("announce: %w", err))
	}
	if _, err := p2p.ParseAddrs(c.Listen); err != nil {
		problems = append(problems, fmt.Errorf("listen: %w", err))
	}
	if _, err := p2p.ParsePeers(c.Bootstrap); err != nil {
		problems = append(problems, fmt.Errorf("bootstrap: %w", err))
	}
	return errors.Join(problems...)
}

// A sequencer at rest makes vertices once a heartbeat: a twin is watched for a little longer, and not for ever where heartbeats
// are rare.
const (
	twinWatchMost = 10 * time.Second
	twinWatchMore = 2 * time.Second
)

// minRound is the time between own vertices on average: of those measured (test/load, Pacing) the longest with which half
// of the transactions are ordered within 50 ms.
const minRound = 18 * time.Millisecond

func (c *Config) fill() {
	if c.Pacing.MinRound == 0 {
		c.Pacing.MinRound = minRound
	}
	if c.Profile == "" {
		c.Profile = config.ProfileOf(c.Role)
	}
	if len(c.Listen) == 0 {
		c.Listen, c.listenMayMove = defaultListen(), c.Role != config.Bootstrap // others know a bootstrap node's address
	}
	if c.Watch == nil {
		c.Watch = func(Fact) {}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}

// ConfigOf is the configuration that the home directory and what was set over it describe.
func ConfigOf(h *config.Home) Config {
	s := h.Layers.Settings
	cfg := Config{
		Genesis: h.Genesis, Key: h.Key, Account: h.Account, Role: s.Role, Data: filepath.Join(h.Dir, config.DataDir),
		Listen: s.Listen, Announce: s.Announce, Bootstrap: s.Bootstrap, RPC: s.RPC, Metrics: s.Metrics, Checkpoint: s.Checkpoint,
		UnusedMark: filepath.Join(h.Dir, config.UnusedMark), Profile: s.Profile, NoPortMapping: s.NoPortMapping,
		ShardBudget: s.RowBudget, Upload: s.Upload, Sampling: s.Sampling, SamplingRate: s.SamplingRate, LatestAsserted: s.LatestAsserted,
	}
	if cfg.Role == "" {
		cfg.Role = config.Peer
	}
	cfg.TwinWatch = min(microseconds(h.Genesis.Heartbeat), twinWatchMost) + twinWatchMore
	profile := s.Profile
	if profile == "" {
		profile = config.ProfileOf(cfg.Role)
	}
	usual := config.LimitsOf(profile, cfg.Role)
	cfg.Disk, cfg.Memory, cfg.Bandwidth = cmp.Or(s.Disk, usual.Disk), cmp.Or(s.Memory, usual.Memory), cmp.Or(s.Bandwidth, usual.Bandwidth)
	if h.Network != nil {
		cfg.Bootstrap = append(cfg.Bootstrap, h.Network.Bootstrap...)
		if cfg.Checkpoint == "" {
			cfg.Checkpoint = h.Network.Checkpoint
		}
	}
	return cfg
}
