package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// peer is a node in a process of its own.
type peer struct {
	name, home string
	flags      []string // of `run`, beside those that every node gets
	program    string   // empty: the program under test

	mu    sync.Mutex // guards what a restart replaces
	proc  *process
	ready running
	rpc   *gethrpc.Client
}

// running is the line that `bedrock run --json` prints.
type running struct {
	Schema  int      `json:"schema"`
	Role    string   `json:"role"`
	PeerID  string   `json:"peerId"`
	Addrs   []string `json:"addrs"`
	RPC     string   `json:"rpc"`
	Metrics string   `json:"metrics"`
	Account string   `json:"account"`
}

// run starts the node, on any free ports, and joins it to others.
func (p *peer) run(t *testing.T, bootstrap ...string) {
	t.Helper()
	args := []string{"run", "--home", p.home, "--listen", "/ip4/127.0.0.1/tcp/0", "--rpc", "127.0.0.1:0", "--json"}
	if p.program == "" || p.program == program { // v0.5.0 knows no metrics
		args = append(args, "--metrics", "127.0.0.1:0")
	}
	args = append(args, p.flags...)
	for _, addr := range bootstrap {
		args = append(args, "--bootstrap", addr)
	}
	path := p.program
	if path == "" {
		path = program
	}
	proc := startProgram(t, path, p.name, args...)
	var ready running
	proc.ready(t, &ready)
	client, err := gethrpc.Dial(ready.RPC)
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proc, p.ready, p.rpc = proc, ready, client
}

// client is the connection to the node's newest run.
func (p *peer) client() *gethrpc.Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rpc
}

// ask calls one method.
func (p *peer) ask(into any, method string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := p.client().CallContext(ctx, into, method, args...); err != nil {
		return fmt.Errorf("%s: %s: %w", p.name, method, err)
	}
	return nil
}

func (p *peer) mustAsk(t *testing.T, into any, method string, args ...any) {
	t.Helper()
	if err := p.ask(into, method, args...); err != nil {
		t.Fatal(err)
	}
}

func (p *peer) status(t *testing.T) (s rpc.Status) {
	t.Helper()
	p.mustAsk(t, &s, "bedrock_status")
	return s
}

// network is four sequencers and a light client, five processes.
type network struct {
	dir        string
	genesis    *types.Genesis
	sequencers []*peer
	light      *peer
}

// newNetwork makes genesis and homes with the program itself; flags are for the genesis.
func newNetwork(t *testing.T, sequencers int, flags ...string) *network {
	t.Helper()
	n := &network{dir: filepath.Join(t.TempDir(), "net")}
	mustRun(t, append([]string{"genesis", "new", "--sequencers", fmt.Sprint(sequencers), "--out", n.dir}, flags...)...)
	n.read(t)
	n.light = &peer{name: "light", home: filepath.Join(n.dir, "light")}
	mustRun(t, "init", "--role", "light", "--genesis", filepath.Join(n.dir, "genesis.json"), "--home", n.light.home)
	return n
}

// read reads the genesis and lists the sequencers that were made with it.
func (n *network) read(t *testing.T) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(n.dir, "genesis.json"))
	if err != nil {
		t.Fatal(err)
	}
	if n.genesis, err = types.DecodeGenesis(file); err != nil {
		t.Fatal(err)
	}
	for i := range n.genesis.Committee {
		name := fmt.Sprintf("sequencer-%d", i)
		n.sequencers = append(n.sequencers, &peer{name: name, home: filepath.Join(n.dir, name)})
	}
}

// startSequencers starts all of them; the first is where the others join.
func (n *network) startSequencers(t *testing.T) {
	t.Helper()
	for i, s := range n.sequencers {
		if i == 0 {
			s.run(t)
			continue
		}
		s.run(t, n.sequencers[0].ready.Addrs...)
	}
}

// all lists every node.
func (n *network) all() []*peer { return append(append([]*peer(nil), n.sequencers...), n.light) }

// eventually polls until done says so. The last complaint is the test's failure.
func eventually(t *testing.T, within time.Duration, what string, done func() error) time.Duration {
	t.Helper()
	begin := time.Now()
	for {
		err := done()
		if err == nil {
			return time.Since(begin)
		}
		if time.Since(begin) > within {
			t.Fatalf("%s: not within %v: %v", what, within, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
