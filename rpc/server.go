package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/eth/gasprice"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"golang.org/x/sync/errgroup"
)

// Config says what to serve, where and within which limits. Zero values of limits mean the defaults.
type Config struct {
	Address string // host:port; port 0 takes any free one
	ChainID uint64
	Version string // answer of web3_clientVersion

	Backend Backend // nil: nothing is executed here, so only chain id, net_*, web3_* and bedrock_* are served
	Pool    Pool    // nil: transactions are not taken; must be there if Backend is
	Bedrock Bedrock // nil: bedrock_* is not served

	// Joining says how the node comes near the newest block, in words, and is empty once it was there: before, nothing is told
	// of the newest state and no transaction is taken. nil: it is there.
	Joining func() string

	Verified Verified // instead of Backend, where nothing is executed: eth_* is answered by proofs

	Hosts   []string // names in the Host header besides localhost and IP addresses; "*": any
	Origins []string // web origins besides those of this machine; "*": any
	Debug   bool     // serve debug_*

	GasCap      uint64        // gas of a call; 50 million
	CallTimeout time.Duration // of a call, an estimate, a trace or a log search; 5 s
	Calls       int           // calls, estimates and traces that run at once; 8
	LogRange    uint64        // blocks of a log search; 10,000
	LogCount    int           // logs of an answer; 10,000
	BatchItems  int           // requests of a batch; 1,000
	BatchBytes  int           // bytes of the answers to a batch; 25 MiB
	BodyBytes   int           // bytes of a request; 5 MiB
	Sockets     int           // open WebSockets; 256

	Filters       int // installed filters, over all clients; 1,000
	Subscriptions int // open subscriptions, over all clients; 1,000

	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.GasCap = orDefault(c.GasCap, 50_000_000)
	c.CallTimeout = orDefault(c.CallTimeout, 5*time.Second)
	c.Calls = orDefault(c.Calls, 8)
	c.LogRange = orDefault(c.LogRange, 10_000)
	c.LogCount = orDefault(c.LogCount, 10_000)
	c.BatchItems = orDefault(c.BatchItems, 1_000)
	c.BatchBytes = orDefault(c.BatchBytes, 25<<20)
	c.BodyBytes = orDefault(c.BodyBytes, 5<<20)
	c.Sockets = orDefault(c.Sockets, 256)
	c.Filters = orDefault(c.Filters, 1_000)
	c.Subscriptions = orDefault(c.Subscriptions, 1_000)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func orDefault[T comparable](value, byDefault T) T {
	var zero T
	if value == zero {
		return byDefault
	}
	return value
}

// Server answers JSON-RPC on one address.
type Server struct {
	cfg      Config
	listener net.Listener
	quota    *quota
}

// New binds the address; Run serves. A caller that does not run the server closes it.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if cfg.Backend != nil && cfg.Pool == nil {
		return nil, errors.New("rpc: a backend needs a pool")
	}
	if cfg.Backend != nil && cfg.Verified != nil {
		return nil, errors.New("rpc: either a backend or proofs")
	}
	listener, err := net.Listen("tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("rpc: cannot listen on %s, choose another --rpc address: %w", cfg.Address, err)
	}
	return &Server{cfg: cfg, listener: listener, quota: newQuota(cfg.Filters, cfg.Subscriptions)}, nil
}

// Addr is the bound host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// HTTP is the URL for requests.
func (s *Server) HTTP() string { return "http://" + s.Addr() }

// WS is the URL for WebSockets.
func (s *Server) WS() string { return "ws://" + s.Addr() }

// Close releases the address of a server that is not run.
func (s *Server) Close() error { return s.listener.Close() }

// Run serves until ctx ends, then closes every connection. It returns nil after ctx ended.
func (s *Server) Run(ctx context.Context) error {
	server := gethrpc.NewServer()
	defer server.Stop()
	server.SetBatchLimits(s.cfg.BatchItems, s.cfg.BatchBytes)
	server.SetHTTPBodyLimit(s.cfg.BodyBytes)
	server.SetWebsocketReadLimit(int64(s.cfg.BodyBytes))

	group, ctx := errgroup.WithContext(ctx)
	if s.cfg.Backend != nil {
		f := &feed{reader: newReader(s.cfg.Backend, s.cfg.Joining), pool: s.cfg.Pool}
		defer f.scope.Close() // ends the filters and the fee oracle
		if err := s.registerEthereum(server, f); err != nil {
			return err
		}
		group.Go(func() error { return f.run(ctx) })
	}
	if err := s.registerAlways(server); err != nil {
		return err
	}
	httpServer := &http.Server{
		Handler:           s.handler(server),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}
	group.Go(func() error {
		if err := httpServer.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("rpc: serving %s: %w", s.Addr(), err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		server.Stop() // WebSockets are not the HTTP server's any more
		return httpServer.Close()
	})
	return group.Wait()
}

type service struct {
	namespace string
	receiver  any
}

func register(server *gethrpc.Server, services ...service) error {
	for _, s := range services {
		if err := server.RegisterName(s.namespace, s.receiver); err != nil {
			return fmt.Errorf("rpc: %s: %w", s.namespace, err)
		}
	}
	return nil
}

// registerAlways registers what needs no execution.
func (s *Server) registerAlways(server *gethrpc.Server) error {
	services := []service{
		{"net", &Network{strconv.FormatUint(s.cfg.ChainID, 10), s.cfg.Bedrock}},
		{"web3", &Web3{s.cfg.Version}},
	}
	switch {
	case s.cfg.Verified != nil:
		services = append(services, service{"eth", &Proven{
			v: s.cfg.Verified, gasCap: s.cfg.GasCap, maxLogs: s.cfg.LogCount, timeout: provenPatience, slots: make(chan struct{}, provenAtOnce),
		}})
	case s.cfg.Backend == nil:
		services = append(services, service{"eth", chainID(s.cfg.ChainID)})
	}
	if s.cfg.Pool != nil {
		services = append(services, service{"eth", &Sender{s.cfg.Pool, s.cfg.Joining}})
	}
	if s.cfg.Bedrock != nil {
		services = append(services, service{"bedrock", &BedrockMethods{s.cfg.Bedrock}})
	}
	if ordering, ok := s.cfg.Bedrock.(Ordering); ok {
		services = append(services, service{"bedrock", &OrderMethods{ordering, s.quota}})
	}
	return register(server, services...)
}

// Bounds of requests that are answered by proofs: each waits for peers.
const (
	provenPatience = 20 * time.Second
	provenAtOnce   = 32
)

// chainID serves eth_chainId where nothing is executed.
type chainID uint64

// ChainId is the network's chain id.
func (c chainID) ChainId() hexutil.Uint64 { return hexutil.Uint64(c) }

func (s *Server) registerEthereum(server *gethrpc.Server, f *feed) error {
	oracle := gasprice.NewOracle(f, gasprice.Config{
		Blocks: 20, Percentile: 60, MaxHeaderHistory: 1024, MaxBlockHistory: 1024,
		MaxPrice: gasprice.DefaultMaxPrice, IgnorePrice: gasprice.DefaultIgnorePrice,
	}, nil)
	calls := &Calls{f.reader, s.cfg.GasCap, s.cfg.CallTimeout, make(chan struct{}, s.cfg.Calls)}
	logs := &Logs{
		FilterAPI: filters.NewFilterAPI(filters.NewFilterSystem(f, filters.Config{Timeout: filterLife, LogQueryLimit: 1000})),
		r:         f.reader, maxRange: s.cfg.LogRange, maxLogs: s.cfg.LogCount, timeout: s.cfg.CallTimeout,
		quota: s.quota,
	}
	fees := &Fees{f.reader, oracle}
	services := []service{
		{"eth", &Blocks{f.reader}},
		{"eth", &Transactions{f.reader, s.cfg.Pool}},
		{"eth", &Accounts{f.reader}},
		{"eth", calls},
		{"eth", fees},
		{"eth", &Filler{calls, fees, s.cfg.Pool}},
		{"eth", logs},
		{"eth", &Progress{f.reader, s.cfg.Bedrock}},
		{"txpool", &PoolContent{f.reader, s.cfg.Pool}},
	}
	if s.cfg.Debug {
		services = append(services, service{"debug", &Raw{f.reader, s.cfg.Pool}}, service{"debug", &Tracing{f.reader, calls}})
	}
	return register(server, services...)
}

// handler routes WebSockets and requests, which share one path.
func (s *Server) handler(server *gethrpc.Server) http.Handler {
	sockets := server.WebsocketHandler([]string{"*"}) // access has checked the origin
	free := make(chan struct{}, s.cfg.Sockets)
	route := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			server.ServeHTTP(w, r)
			return
		}
		select {
		case free <- struct{}{}:
			defer func() { <-free }()
			sockets.ServeHTTP(w, r)
		default:
			http.Error(w, "too many WebSockets are open", http.StatusServiceUnavailable)
		}
	})
	health, _ := s.cfg.Bedrock.(Health)
	return &access{lower(s.cfg.Hosts), lower(s.cfg.Origins), HealthPaths(health, route)}
}
