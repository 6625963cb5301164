//go:build linux

// Package nat proves, with real programs in a lab of network namespaces, what works behind home routers. It needs root, `ip` and
// /dev/net/tun, and skips without; docs/nat.md says what it shows. -args -long plays more rounds.
package nat

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/etherscale/bedrock/test/nat/lab"
)

// program is the path of the program under test.
var program string

var long = flag.Bool("long", false, "play more rounds")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "bedrock-nat-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if probe, err := lab.New(0); testing.Short() || err != nil {
		return m.Run() // every test skips, with the reason
	} else if err := probe.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	program = filepath.Join(dir, "bedrock")
	if output, err := exec.Command("go", "build", "-o", program, "../../cmd/bedrock").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, output)
		return 1
	}
	return m.Run()
}

// show prints a line of the report. go test hides what a passing package prints, and the report is what this one is run for: it
// goes to go test's own output as well.
func show(t *testing.T, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf(format, args...)
	t.Log(line)
	out, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/1", os.Getppid()), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil || testing.Verbose() {
		return
	}
	defer out.Close()
	fmt.Fprintln(out, line)
}
