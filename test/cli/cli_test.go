// Package cli tests the command line as scripts: what is typed, what is printed, and the exit code. The scripts are in
// testdata/script, in the language of github.com/rogpeppe/go-internal/testscript, with these commands of our own:
//
//	code N [NAME=VALUE...] command...   runs the command, with these variables, and demands the exit code N
//	mode PERM path...      demands the permission bits, in octal
//	oneline                demands that the standard error of the last `code` is one line that begins with "bedrock: "
package cli

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// directory holds the program: built once, or the one that BEDROCK_BINARY names.
var directory string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	if testing.Short() {
		return m.Run()
	}
	if given := os.Getenv("BEDROCK_BINARY"); given != "" {
		directory = filepath.Dir(given)
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "bedrock-cli-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	name := "bedrock"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if output, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), "../../cmd/bedrock").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, output)
		return 1
	}
	directory = dir
	return m.Run()
}

// patience bounds one command.
const patience = 30 * time.Second

func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: building the program takes long")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", directory+string(os.PathListSeparator)+env.Getenv("PATH"))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "posix" {
				return runtime.GOOS != "windows", nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": code, "mode": mode, "oneline": oneLine},
	})
}

// code runs a command for its exit code. What it prints goes to the files out and err of the script's directory, and
// where `stdout` and `stderr` look.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var variables []string
	for args = args[1:]; len(args) > 1 && strings.Contains(args[0], "="); args = args[1:] {
		variables = append(variables, args[0])
	}
	program := args[0]
	if program == "bedrock" {
		program = filepath.Join(directory, "bedrock")
	}
	cmd := exec.Command(program, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(append(os.Environ(), "HOME="+ts.Getenv("WORK"), "XDG_STATE_HOME=", "XDG_DATA_HOME="), variables...)
	cmd.Stdin = strings.NewReader("")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	watchdog := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	fmt.Fprint(ts.Stdout(), stdout.String())
	fmt.Fprint(ts.Stderr(), stderr.String())
	ts.Check(os.WriteFile(ts.MkAbs("err"), stderr.Bytes(), 0o600))
	if have := cmd.ProcessState.ExitCode(); have != want {
		ts.Fatalf("exit code %d, want %d\n%s%s", have, want, stdout.String(), stderr.String())
	}
}

func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: mode PERM path...")
	}
	if runtime.GOOS == "windows" {
		return
	}
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	for _, path := range args[1:] {
		info, err := os.Stat(ts.MkAbs(path))
		ts.Check(err)
		if have := info.Mode().Perm(); have != os.FileMode(want) {
			ts.Fatalf("%s has mode %04o, want %04o", path, have, want)
		}
	}
}

func oneLine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: oneline")
	}
	text := strings.TrimSuffix(ts.ReadFile("err"), "\n")
	if strings.Contains(text, "\n") || !strings.HasPrefix(text, "bedrock: ") {
		ts.Fatalf("want one line that begins with \"bedrock: \", got:\n%s", text)
	}
}
