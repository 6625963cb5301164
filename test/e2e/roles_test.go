package e2e

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts/keystore"

	"github.com/etherscale/bedrock/rpc"
)

// TestRolesChangeInOneHome: a sequencer's home runs as a light client, then as a peer, then as a sequencer again, and a light
// client's as a peer. What one role did not keep the next one fetches; the sequencer goes on signing without a second vertex of any round.
func TestRolesChangeInOneHome(t *testing.T) {
	long(t)
	n := newNetwork(t, 4, "--heartbeat", "500ms")
	n.startSequencers(t)
	watcher, changing := n.sequencers[0], n.sequencers[3]
	entry := watcher.ready.Addrs
	n.light.run(t, entry...)
	n.waitHeight(t, 3)
	n.checkSampled(t)

	for _, role := range []string{"light", "peer", "sequencer"} {
		changing.proc.interrupt(t)
		changing.flags = []string{"--role", role}
		changing.run(t, entry...)
		if s := changing.status(t); s.Role != role {
			t.Fatalf("it runs as %q, want %q", s.Role, role)
		}
		if role == "light" {
			n.sampledUpTo(t, changing, watcher.status(t).Certified+1)
			continue
		}
		changing.executesUpTo(t, watcher.status(t).Height+1)
	}

	// The round of the own newest vertex comes up to the others'.
	goal := watcher.status(t).Round
	eventually(t, backWithin, "it signs again", func() error {
		if s := changing.status(t); s.Round <= goal {
			return fmt.Errorf("round %d, the others were at %d", s.Round, goal)
		}
		return nil
	})

	n.light.proc.interrupt(t)
	n.light.flags = []string{"--role", "peer"}
	n.light.run(t, entry...)
	n.light.executesUpTo(t, watcher.status(t).Height+1)
	n.stop(t)
	n.checkVertexLogs(t)
}

func (n *network) sampledUpTo(t *testing.T, p *peer, height rpc.Height) {
	t.Helper()
	eventually(t, backWithin, fmt.Sprintf("%s samples block %d", p.name, height), func() error {
		if s := p.status(t); s.Sampled < height {
			return fmt.Errorf("it has sampled up to %d", s.Sampled)
		}
		return nil
	})
}

func (p *peer) executesUpTo(t *testing.T, height rpc.Height) {
	t.Helper()
	eventually(t, backWithin, fmt.Sprintf("%s executes block %d", p.name, height), func() error {
		if s := p.status(t); s.Height < height {
			return fmt.Errorf("it has executed up to %d", s.Height)
		}
		return nil
	})
}

// TestSecretsStayInTheirFiles: what a node logs at its most talkative, its command line, and the files that it writes for other
// programs hold neither its keys nor its password.
func TestSecretsStayInTheirFiles(t *testing.T) {
	long(t)
	n := newNetwork(t, 1)
	home := n.sequencers[0].home
	const word = "correct horse battery"
	passwordFile := filepath.Join(n.dir, "password")
	if err := os.WriteFile(passwordFile, []byte(word+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "keys", "password", "--home", home, "--new-password-file", passwordFile)
	secrets := secretsOf(t, home, word)

	cmd := exec.Command(program, "run", "--home", home, "--listen", "/ip4/127.0.0.1/tcp/0", "--rpc", "127.0.0.1:0", "--metrics", "off",
		"--password-file", passwordFile, "--log-level", "debug", "--log-format", "json")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	running := filepath.Join(home, "running.json")
	eventually(t, readyWithin, "the node is up", func() error { _, err := os.Stat(running); return err })
	_, stderr, code := run(t, runArgs(home, "--password-file", passwordFile)...)
	refused(t, stderr, code, "in use", fmt.Sprintf("process %d", cmd.Process.Pid))
	for what, path := range map[string]string{"running.json": running, "the command line": fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid), "config.toml": filepath.Join(home, "config.toml")} {
		if runtime.GOOS != "linux" && strings.HasPrefix(path, "/proc") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		holdsNone(t, what, text, secrets)
	}
	time.Sleep(time.Second) // some rounds to talk about
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Fatalf("%v\n%s", err, said.String())
		}
	case <-time.After(endWithin):
		t.Fatal("it did not end")
	}
	if !strings.Contains(said.String(), `"level":"DEBUG"`) {
		t.Fatalf("the log is not talkative:\n%s", said.String())
	}
	holdsNone(t, "the log", said.Bytes(), secrets)
	if _, err := os.Stat(running); err == nil {
		t.Error("running.json is there after the end")
	}
}

// secretsOf are the secrets of a home, as bytes.
func secretsOf(t *testing.T, home, password string) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(home, "node.key"))
	if err != nil {
		t.Fatal(err)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(home, "account.json"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := keystore.DecryptKey(file, password)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"the node's key": seed, "the account's key": key.PrivateKey.D.FillBytes(make([]byte, 32)), "the password": []byte(password)}
}

func holdsNone(t *testing.T, what string, text []byte, secrets map[string][]byte) {
	t.Helper()
	for name, secret := range secrets {
		for _, form := range [][]byte{secret, []byte(hex.EncodeToString(secret)), []byte(strings.ToUpper(hex.EncodeToString(secret)))} {
			if bytes.Contains(text, form) {
				t.Errorf("%s holds %s", what, name)
			}
		}
	}
}
