//go:build linux

package nat

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/test/nat/lab"
)

// patience bounds what a network under test may take to get somewhere.
const patience = 90 * time.Second

// swarm is a network of programs in a lab.
type swarm struct {
	*testing.T
	lab  *lab.Lab
	dir  string
	boot *machine
}

// machine is a program on a host of the lab.
type machine struct {
	name  string
	host  *lab.Host
	args  []string
	cmd   *exec.Cmd
	log   *bytes.Buffer
	ready struct {
		PeerID string   `json:"peerId"`
		Addrs  []string `json:"addrs"`
		RPC    string   `json:"rpc"`
	}
	rpc *gethrpc.Client
}

// newSwarm makes a lab, the files of a network, and runs its bootstrap node.
func newSwarm(t *testing.T, sequencers int) *swarm {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: real processes take long")
	}
	l, err := lab.New(1)
	if errors.Is(err, lab.ErrNotHere) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &swarm{T: t, lab: l, dir: t.TempDir()}
	t.Cleanup(func() {
		for to, n := range l.Strays() {
			t.Errorf("%d packets went to %s, which is not in this internet", n, to)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	out, err := exec.Command(program, "genesis", "new", "--sequencers", fmt.Sprint(sequencers), "--heartbeat", "1s", "--out", s.path("net")).CombinedOutput()
	if err != nil {
		t.Fatalf("genesis: %v\n%s", err, out)
	}
	s.boot = s.public("boot", "bootstrap", "--home", s.path("boot"), "--network", s.path("net/network.json"))
	s.start(s.boot)
	return s
}

func (s *swarm) path(name string) string { return filepath.Join(s.dir, name) }

// public prepares a program on a host with a public address.
func (s *swarm) public(name string, args ...string) *machine {
	s.Helper()
	h, err := s.lab.AddPublic(name)
	return s.on(h, err, name, args)
}

// home prepares a program on a host behind a router.
func (s *swarm) home(name string, kind lab.Kind, args ...string) *machine {
	s.Helper()
	h, err := s.lab.AddHome(name, kind)
	return s.on(h, err, name, args)
}

func (s *swarm) on(h *lab.Host, err error, name string, args []string) *machine {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	return &machine{name: name, host: h, args: args}
}

// sequencer is what a member of the first committee is run with, peer and light what others are.
func (s *swarm) sequencer(i int) []string {
	return []string{"run", "--home", s.path(fmt.Sprintf("net/sequencer-%d", i))}
}

func (s *swarm) peer(name string) []string {
	return []string{"run", "--home", s.path(name), "--network", s.path("net/network.json")}
}

func (s *swarm) light(name string) []string {
	return []string{"light", "--home", s.path(name), "--network", s.path("net/network.json")}
}

// start runs a program and waits until it is up. All but the bootstrap node join by it.
func (s *swarm) start(m *machine, more ...string) {
	s.Helper()
	args := append(append([]string{}, m.args...), "--json")
	args = append(args, more...)
	if s.boot != m && !strings.Contains(strings.Join(more, " "), "--bootstrap") {
		for _, a := range s.boot.ready.Addrs {
			args = append(args, "--bootstrap", a)
		}
	}
	m.cmd, m.log = m.host.Command(program, args...), new(bytes.Buffer)
	m.cmd.Stderr = m.log
	m.cmd.Env = append(os.Environ(), "GOMAXPROCS=2", "XDG_STATE_HOME="+s.path("state"), "XDG_DATA_HOME="+s.path("data"))
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		s.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { m.stop(s.T) })
	lines := bufio.NewScanner(out)
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &m.ready) != nil {
		s.Fatalf("%s did not start: %q\n%s", m.name, lines.Text(), m.log)
	}
	go func() {
		for lines.Scan() { // nobody waits for what it says later
		}
	}()
	dial := func(_ context.Context, _, address string) (net.Conn, error) { return m.host.Dial(address) }
	m.rpc, err = gethrpc.DialOptions(context.Background(), m.ready.RPC, gethrpc.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: dial}}))
	if err != nil {
		s.Fatal(err)
	}
}

// stop ends the program; a second time does nothing.
func (m *machine) stop(t *testing.T) {
	if m.cmd == nil {
		return
	}
	_ = m.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(20*time.Second, func() { _ = m.cmd.Process.Kill() })
	_ = m.cmd.Wait()
	late.Stop()
	m.cmd = nil
	if t.Failed() {
		t.Logf("log of %s:\n%s", m.name, tail(m.log.String(), 4000))
	}
}

func tail(text string, n int) string { return text[max(0, len(text)-n):] }

// ask calls one method.
func (m *machine) ask(into any, method string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := m.rpc.CallContext(ctx, into, method, args...); err != nil {
		return fmt.Errorf("%s: %s: %w", m.name, method, err)
	}
	return nil
}

func (m *machine) status(t *testing.T) (s rpc.Status) {
	t.Helper()
	if err := m.ask(&s, "bedrock_status"); err != nil {
		t.Fatal(err)
	}
	return s
}

func (m *machine) reach(t *testing.T) (r rpc.Reachability) {
	t.Helper()
	if err := m.ask(&r, "bedrock_reachability"); err != nil {
		t.Fatal(err)
	}
	return r
}

// eventually waits until a condition holds, and returns how long it took.
func (s *swarm) eventually(what string, holds func() bool) time.Duration {
	s.Helper()
	begin := time.Now()
	for !holds() {
		if time.Since(begin) > patience {
			s.Fatalf("after %v: not yet %s", patience, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(begin)
}
