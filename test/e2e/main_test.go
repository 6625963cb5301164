package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// program is the path of the program under test: built once, or what BEDROCK_BINARY names. It stays empty under -short.
var program string

var thorough = flag.Bool("long", false, "also run what takes minutes")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	if testing.Short() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "bedrock-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// What the programs leave for each other stays among those of the tests.
	for name, folder := range map[string]string{"XDG_STATE_HOME": "state", "XDG_DATA_HOME": "data"} {
		if err := os.Setenv(name, filepath.Join(dir, folder)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	if program = os.Getenv("BEDROCK_BINARY"); program != "" {
		return m.Run()
	}
	program = filepath.Join(dir, "bedrock")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if output, err := exec.Command("go", "build", "-o", program, "../../cmd/bedrock").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, output)
		return 1
	}
	return m.Run()
}

// long skips a test of real processes under -short.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: real processes take long")
	}
}
