// Package wallet runs real wallet libraries against a devnet. The scripts are Node programs; see package.json.
package wallet

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestWallets starts the program as a user does and gives each script the line that `devnet --json` prints. With
// BEDROCK_DEVNET set to such a line it uses the devnet behind it.
func TestWallets(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: install Node 20 or newer to run the wallet tests")
	}
	if _, err := os.Stat("node_modules"); err != nil {
		t.Skip("node_modules is missing: run `npm ci` in test/wallet")
	}
	ready := os.Getenv("BEDROCK_DEVNET")
	if ready == "" {
		if testing.Short() {
			t.Skip("-short: starting a devnet takes long")
		}
		ready = startDevnet(t)
	}
	for _, script := range []string{"viem.test.mjs", "ethers.test.mjs", "openzeppelin.test.mjs"} {
		t.Run(strings.TrimSuffix(script, ".test.mjs"), func(t *testing.T) {
			t.Parallel() // each script has accounts of its own
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			command := exec.CommandContext(ctx, node, script)
			command.Env = append(os.Environ(), "BEDROCK_DEVNET="+ready)
			output, err := command.CombinedOutput()
			t.Logf("%s\n%s", script, output)
			if err != nil {
				t.Errorf("%s: %v", script, err)
			}
		})
	}
}

// startDevnet builds the program, runs a devnet for the time of the test and returns the line it prints when ready.
func startDevnet(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "bedrock")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	build := exec.Command("go", "build", "-o", binary, "../../cmd/bedrock")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	command := exec.Command(binary, "devnet", "--json", "--rpc", "127.0.0.1:0", "--for", "8m")
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	command.Stderr = &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	t.Cleanup(func() {
		if command.Process.Signal(os.Interrupt) != nil {
			command.Process.Kill()
		}
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			command.Process.Kill()
			t.Error("devnet did not stop within 10 s of an interrupt")
		}
		if t.Failed() {
			t.Logf("devnet said:\n%s", tail(log.String(), 8<<10))
		}
	})
	lines := make(chan string, 1)
	go func() {
		reader := bufio.NewReader(stdout)
		line, _ := reader.ReadString('\n')
		lines <- line
		io.Copy(io.Discard, reader)
		ended <- command.Wait()
	}()
	select {
	case line := <-lines:
		var ready struct{ Rpc, Ws string }
		if err := json.Unmarshal([]byte(line), &ready); err != nil || ready.Rpc == "" || ready.Ws == "" {
			t.Fatalf("devnet printed %q, not its ready line (%v)", line, err)
		}
		return line
	case <-time.After(90 * time.Second):
		t.Fatal("devnet was not ready within 90 s")
		return ""
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
