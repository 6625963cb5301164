package load

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/node"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/types"
)

// plan says what swarm to open. There is always one bootstrap node; sequencers come first in swarm.nodes.
type plan struct {
	sequencers, peers, provers, liars, lights int

	payload types.Payload
	alloc   map[string]types.GenesisAccount
	pacing  consensus.Pacing
	sandbox []string
}

// swarm is a running network. Facts are written down with their time as they come.
type swarm struct {
	nodes   []*node.Node // sequencers, then the others in order of plan's fields
	names   []string
	journal *journal
	stop    func()
}

// openSwarm starts the nodes; the benchmark's cleanup ends them.
func openSwarm(t testing.TB, p plan) *swarm {
	t.Helper()
	dir := t.TempDir()
	roles := p.roles()
	keys := make([]types.PublicKey, len(roles))
	configs := make([]node.Config, len(roles))
	options := config.GenesisOptions{
		// Ten seconds ago: so the first heartbeat block closes at once and tells that the committee works.
		Name: "load", ChainID: config.DevnetChainID, Time: time.Now().Add(-10 * time.Second), Payload: p.payload, Alloc: p.alloc,
		ChallengeWindow: 10 * time.Second,
	}
	for i, r := range roles {
		key, err := config.NewKey()
		must(t, err)
		keys[i] = config.PublicKeyOf(key)
		configs[i] = node.Config{
			Key: key, Role: r.role, Data: filepath.Join(dir, r.name), Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Sandbox: p.sandbox,
			UnusedMark: filepath.Join(dir, r.name+".unused"), Dishonest: r.liar, Logger: logger(r.name),
		}
		switch r.role {
		case config.Sequencer:
			configs[i].Pacing = p.pacing
			options.Committee = append(options.Committee, keys[i])
		case config.Prover:
			options.Provers = append(options.Provers, keys[i])
		}
	}
	genesis, err := config.NewGenesis(options)
	must(t, err)
	s := &swarm{journal: new(journal)}
	s.open(t, genesis, roles, configs)
	return s
}

// logger is silent unless LOAD_LOG names a level.
func logger(name string) *slog.Logger {
	var level slog.Level
	if text := os.Getenv("LOAD_LOG"); text == "" || level.UnmarshalText([]byte(text)) != nil {
		return slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError}))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})).With("node", name)
}

type member struct {
	name string
	role config.Role
	liar bool
}

// roles lists the members; the bootstrap node is last, but opened first.
func (p plan) roles() []member {
	var out []member
	add := func(n int, role config.Role, liar bool) {
		for range n {
			out = append(out, member{fmt.Sprintf("%s-%d", role, len(out)), role, liar})
		}
	}
	add(p.sequencers, config.Sequencer, false)
	add(p.peers, config.Peer, false)
	add(p.provers, config.Prover, false)
	add(p.liars, config.Prover, true)
	add(p.lights, config.Light, false)
	add(1, config.Bootstrap, false)
	return out
}

func (s *swarm) open(t testing.TB, genesis *types.Genesis, roles []member, configs []node.Config) {
	s.nodes, s.names = make([]*node.Node, len(roles)), make([]string, len(roles))
	var bootstrap []string
	order := append([]int{len(roles) - 1}, upTo(len(roles)-1)...)
	for _, i := range order {
		c := configs[i]
		must(t, config.MarkUnused(c.UnusedMark))
		c.Genesis, c.Bootstrap, c.Watch = genesis, bootstrap, s.journal.watcher(i)
		n, err := node.Open(c)
		must(t, err)
		t.Cleanup(func() { noError(t, n.Close()) })
		if i == len(roles)-1 {
			bootstrap = n.Addrs()
		}
		s.nodes[i], s.names[i] = n, roles[i].name
	}
	s.run(t)
}

// run starts every node; the cleanup registered here runs before the nodes are closed.
func (s *swarm) run(t testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	group, inner := errgroup.WithContext(ctx)
	for i, n := range s.nodes {
		group.Go(func() error {
			if err := n.Run(inner); err != nil && inner.Err() == nil {
				return fmt.Errorf("%s: %w", s.names[i], err)
			}
			return nil
		})
	}
	var once sync.Once
	s.stop = func() { once.Do(func() { cancel(); noError(t, group.Wait()) }) }
	t.Cleanup(s.stop)
}

// awaitReady returns when every node knows a certified block and the meshes have formed.
func (s *swarm) awaitReady(t testing.TB) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for _, n := range s.nodes {
		for n.Head() == 0 {
			if time.Now().After(deadline) {
				t.Fatal("no certified block at every node after a minute")
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	time.Sleep(1500 * time.Millisecond) // a heartbeat of gossipsub, so that its meshes are full
}

// note is a fact with where and when.
type note struct {
	node int
	at   time.Time
	fact node.Fact
}

// journal writes down facts in order of their coming.
type journal struct {
	mu    sync.Mutex
	notes []note
}

func (j *journal) watcher(i int) func(node.Fact) {
	return func(f node.Fact) {
		now := time.Now()
		j.mu.Lock()
		j.notes = append(j.notes, note{i, now, f})
		j.mu.Unlock()
	}
}

// since returns the notes from the index on.
func (j *journal) since(from int) []note {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]note(nil), j.notes[from:]...)
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}
