package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// oldVersion is the commit of v0.5.0: what runs at people's homes when this program comes out.
const oldVersion = "d44f8455ed97d94af0ac1164e14f9bbbdf7e6bd0"

// oldProgram builds that version out of the repository's history. Without the history the test skips.
func oldProgram(t *testing.T) string {
	t.Helper()
	git := func(args ...string) *exec.Cmd {
		return exec.Command("git", append([]string{"-C", "../.."}, args...)...)
	}
	if git("cat-file", "-e", oldVersion+"^{commit}").Run() != nil {
		t.Skip("the history of this checkout does not reach back to v0.5.0: `git fetch --unshallow`")
	}
	source := t.TempDir()
	archive, unpack := git("archive", oldVersion), exec.Command("tar", "-x", "-C", source)
	pipe, err := archive.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	unpack.Stdin = pipe
	if err := archive.Start(); err != nil {
		t.Fatal(err)
	}
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("unpack v0.5.0: %v\n%s", err, out)
	}
	if err := archive.Wait(); err != nil {
		t.Fatalf("git archive: %v", err)
	}
	path := filepath.Join(source, "bedrock-old")
	build := exec.Command("go", "build", "-o", path, "./cmd/bedrock")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build v0.5.0: %v\n%s", err, out)
	}
	return path
}

// TestUpgrade runs a network whose homes v0.5.0 made: half of the committee, a peer and a light client still run that version,
// the others this one, on the homes of that one. Under load the old ones are then replaced one by one. Nothing acknowledged is
// lost or done twice, nobody signs two things, all agree on every state, and what was ordered by both is audited.
func TestUpgrade(t *testing.T) {
	long(t)
	old := oldProgram(t)
	n := oldNetwork(t, old)
	peers := []*peer{n.oldHome(t, old, "peer"), n.oldHome(t, old, "peer")}
	peers[0].program = old
	lights := []*peer{n.oldHome(t, old, "light"), n.light}
	lights[0].program = old

	n.startSequencers(t)
	entry := n.sequencers[0].ready.Addrs
	for _, p := range append(append([]*peer{}, peers...), lights...) {
		p.run(t, entry...)
	}
	var wallets []*wallet
	for i, s := range n.sequencers {
		next := n.sequencers[(i+1)%len(n.sequencers)]
		wallets = append(wallets, newWallet(t, i, n.genesis.ChainID, func(attempt int) *gethrpc.Client { return []*peer{s, next}[attempt%2].client() }))
	}
	load := sendAll(t, 150*time.Millisecond, wallets...)
	n.waitHeight(t, 4)
	for _, light := range lights {
		n.sampledBy(t, light)
	}
	t.Log("old and new are one network")

	watcher := n.sequencers[0]
	for _, victim := range []*peer{n.sequencers[2], n.sequencers[3]} {
		victim.proc.interrupt(t)
		victim.program = program
		n.comesBack(t, victim)
	}
	for _, p := range []*peer{peers[0], lights[0]} {
		p.proc.interrupt(t)
		p.program = program
		p.run(t, watcher.ready.Addrs...)
	}
	for _, light := range lights {
		n.sampledBy(t, light)
	}
	load.end()
	load.settle(t, watcher.client(), settleWithin)
	load.checkOnce(t, watcher.client())
	n.checkStates(t)
	for _, p := range peers {
		p.follows(t, watcher)
	}
	for _, w := range wallets {
		mustRun(t, "audit", w.sent[0].Hash().Hex(), "--rpc", watcher.ready.RPC)
		mustRun(t, "audit", w.sent[len(w.sent)-1].Hash().Hex(), "--rpc", peers[0].ready.RPC)
	}
	lights[0].proc.interrupt(t)
	for _, p := range peers {
		p.proc.interrupt(t)
	}
	n.stop(t)
	n.checkVertexLogs(t)
	n.checkCertificates(t)
	for _, p := range append(append(n.all(), peers...), lights[0]) {
		p.upgraded(t)
	}
}

// upgraded demands a home of today with the copy of one file that v0.5.0 wrote.
func (p *peer) upgraded(t *testing.T) {
	t.Helper()
	if version, err := os.ReadFile(filepath.Join(p.home, "VERSION")); err != nil || string(version) != "2\n" {
		t.Errorf("%s: VERSION is %q, %v", p.name, version, err)
	}
	config, err := os.ReadFile(filepath.Join(p.home, "config.toml"))
	copies, wrong := filepath.Glob(filepath.Join(p.home, "backup-of-layout-1-*", "config.toml"))
	if err != nil || wrong != nil || len(copies) != 1 || strings.Contains(string(config), "shard_mib") {
		t.Errorf("%s: copies %v of its settings, which are now %q", p.name, copies, config)
	}
}

// oldNetwork makes genesis and homes with the old program. The last two sequencers go on running it.
func oldNetwork(t *testing.T, old string) *network {
	t.Helper()
	n := &network{dir: filepath.Join(t.TempDir(), "net")}
	if _, stderr, code := runProgram(t, old, "genesis", "new", "--sequencers", "4", "--heartbeat", "1s", "--out", n.dir); code != 0 {
		t.Fatalf("v0.5.0 makes no genesis: %s", stderr)
	}
	n.read(t)
	for i, s := range n.sequencers {
		if i >= 2 {
			s.program = old
		}
	}
	n.light = n.oldHome(t, old, "light")
	return n
}

// oldHome makes a home with the old program, with settings by their old names.
func (n *network) oldHome(t *testing.T, old, role string) *peer {
	t.Helper()
	dir, err := os.MkdirTemp(n.dir, role+"-")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{name: filepath.Base(dir), home: filepath.Join(dir, "home")}
	if _, stderr, code := runProgram(t, old, "init", "--role", role, "--genesis", filepath.Join(n.dir, "genesis.json"), "--home", p.home); code != 0 {
		t.Fatalf("v0.5.0 makes no home: %s", stderr)
	}
	path := filepath.Join(p.home, "config.toml")
	config, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, append(config, "shard_mib = 512 # of my disk\n"...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sampledBy waits until a light client has found available what is certified now.
func (n *network) sampledBy(t *testing.T, light *peer) {
	t.Helper()
	last := n.light
	n.light = light
	defer func() { n.light = last }()
	n.checkSampled(t)
}

// follows waits until a peer has executed what another has, with the same outcome.
func (p *peer) follows(t *testing.T, other *peer) {
	t.Helper()
	goal := other.status(t).Height
	eventually(t, backWithin, p.name+" executes what the sequencers do", func() error {
		var mine, theirs ethBlock
		if err := p.ask(&mine, "eth_getBlockByNumber", goal, false); err != nil {
			return err
		}
		other.mustAsk(t, &theirs, "eth_getBlockByNumber", goal, false)
		if mine != theirs {
			return fmt.Errorf("it has %+v, %s has %+v", mine, other.name, theirs)
		}
		return nil
	})
}
