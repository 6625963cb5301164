package guides

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/uuid"

	"github.com/etherscale/bedrock/node/devnet"
)

// patience bounds a command of a guide.
const patience = 2 * time.Minute

// stage is one user's computer: a home directory, the program in its PATH, and nothing of the real user's.
type stage struct {
	*testing.T
	home string
	root string // what sudo writes to
	env  []string
	node *running
}

// running is a node that a page has started.
type running struct {
	text string
	cmd  *exec.Cmd
	out  *bytes.Buffer
	done chan error
}

// newStage makes a user's computer. The network is found by the state directory, which all of a test's users share.
func newStage(t *testing.T) *stage {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: real processes take long")
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is missing")
	}
	s := &stage{T: t, home: t.TempDir(), root: t.TempDir()}
	if err := os.MkdirAll(s.path(".local/bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	cache, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		t.Fatal(err)
	}
	dirs := strings.Fields(string(cache))
	s.env = []string{
		"HOME=" + s.home, "PATH=" + s.path(".local/bin") + ":" + os.Getenv("PATH"), "XDG_STATE_HOME=" + stateHome, "ROOT=" + s.root,
		"GOCACHE=" + dirs[0], "GOMODCACHE=" + dirs[1], "GOPATH=" + dirs[2], "GOFLAGS=" + os.Getenv("GOFLAGS"),
		// The computer's port 4848 may be somebody's. Everything else is as the page says.
		"BEDROCK_LISTEN=/ip4/127.0.0.1/tcp/0",
	}
	s.write(".local/bin/sudo", 0o700, sudo)
	s.write(".local/bin/journalctl", 0o700, "#!/bin/sh\nexit 0\n") // nothing runs under systemd here
	if err := os.Symlink(program, s.path(".local/bin/bedrock")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return s
}

// sudo does as root would, below a directory of the test: it installs there, and systemd's own tool enables units there. Only that
// nothing is started.
const sudo = `#!/bin/bash
set -euo pipefail
case "$1" in
install) args=("$@"); last=$((${#args[@]}-1)); args[last]="$ROOT${args[last]}"; mkdir -p "$(dirname "${args[last]}")"; exec "${args[@]}" ;;
systemctl)
  case "$2" in
  daemon-reload|stop|restart) exit 0 ;;
  enable) [ "$3" = --now ]; command -v systemctl >/dev/null || exit 0; exec systemctl --root="$ROOT" enable "$4" ;;
  esac ;;
sysctl) exit 0 ;;
esac
echo "the test's sudo does not know: $*" >&2
exit 64
`

func (s *stage) path(name string) string { return filepath.Join(s.home, name) }

func (s *stage) write(name string, mode os.FileMode, text string) {
	s.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), mode); err != nil {
		s.Fatal(err)
	}
}

// wallet leaves the user's own account, which has money in the network, as a keystore file with a password.
func (s *stage) wallet() {
	s.Helper()
	key, err := crypto.HexToECDSA(strings.TrimPrefix(devnet.Accounts()[3].PrivateKey, "0x"))
	if err != nil {
		s.Fatal(err)
	}
	encrypted, err := keystore.EncryptKey(&keystore.Key{Id: uuid.New(), Address: crypto.PubkeyToAddress(key.PublicKey), PrivateKey: key}, "correct horse", keystore.LightScryptN, keystore.LightScryptP)
	if err != nil {
		s.Fatal(err)
	}
	s.write("wallet.json", 0o600, string(encrypted))
	s.write("wallet.password", 0o600, "correct horse\n")
}

// shell runs one line as the user's shell does, in the source tree, and returns what it printed.
func (s *stage) shell(line string) (string, error) {
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-o", "pipefail", "-c", line)
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), s.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// start runs a node in the background and returns when it says that it is up. One node of a user runs at a time.
func (s *stage) start(c command) {
	s.Helper()
	s.stop()
	r := &running{text: c.text, cmd: exec.Command("bash", "-c", "exec "+c.text), out: new(bytes.Buffer), done: make(chan error, 1)}
	r.cmd.Dir, r.cmd.Env = filepath.Join("..", ".."), s.env
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		s.Fatal(err)
	}
	r.cmd.Stderr = r.cmd.Stdout
	if err := r.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.node = r
	up := make(chan struct{})
	go func() {
		read := &watched{buffer: r.out, mark: "ctrl-c stops cleanly", seen: up}
		_, _ = read.readAll(out)
		r.done <- r.cmd.Wait()
	}()
	select {
	case <-up:
	case err := <-r.done:
		s.Fatalf("line %d: %s: ended: %v\n%s", c.line, c.text, err, r.out)
	case <-time.After(patience):
		s.Fatalf("line %d: %s: not up after %s", c.line, c.text, patience)
	}
}

// stop presses Ctrl-C, after which a node ends well.
func (s *stage) stop() {
	r := s.node
	if r == nil {
		return
	}
	s.node = nil
	if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.Error(err)
	}
	select {
	case err := <-r.done:
		if err != nil {
			s.Errorf("%s: ended with %v\n%s", r.text, err, r.out)
		}
	case <-time.After(patience):
		_ = r.cmd.Process.Kill()
		s.Errorf("%s: still there %s after ctrl-c\n%s", r.text, patience, r.out)
	}
}

// account is the address of the running node's own account, and rpc where it answers, as `bedrock run` printed them.
func (s *stage) said(what string) string {
	for line := range strings.Lines(s.node.out.String()) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), what); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// network is the swarm that all pages join; it leaves its network file where a user's programs look for it.
type network struct {
	cmd *exec.Cmd
	rpc string
}

func startNetwork() (*network, error) {
	cmd := exec.Command(program, "devnet", "--json", "--rpc", "127.0.0.1:0", "--peers", "2", "--lights", "0")
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+stateHome)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var ready devnet.Ready
	if err := json.NewDecoder(out).Decode(&ready); err != nil {
		return nil, errors.Join(fmt.Errorf("devnet: %w", err), cmd.Process.Kill())
	}
	return &network{cmd, ready.RPC}, nil
}

func (n *network) stop() error {
	if err := n.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return n.cmd.Wait()
}
