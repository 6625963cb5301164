package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Bounds of waiting for a process.
const (
	readyWithin = 60 * time.Second
	endWithin   = 15 * time.Second
)

// process is one run of the program. It ends with the test at the latest.
type process struct {
	name  string
	cmd   *exec.Cmd
	lines chan string // what it prints; capacity 1: only the ready line is of interest
	log   tail
	ended chan struct{}
	code  int // exit code, -1 after a signal; valid once ended is closed
}

// start runs the program. Its log is shown if the test fails.
func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	return startProgram(t, program, name, args...)
}

func startProgram(t *testing.T, path, name string, args ...string) *process {
	t.Helper()
	p := &process{name: name, cmd: exec.Command(path, args...), lines: make(chan string, 1), ended: make(chan struct{})}
	p.cmd.Stderr = &p.log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go p.read(stdout)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s (exit code %d) said:\n%s", name, p.code, p.log.String())
		}
	})
	return p
}

// read drains standard output, then reaps the process.
func (p *process) read(stdout io.Reader) {
	reader := bufio.NewReader(stdout)
	if line, err := reader.ReadString('\n'); err == nil {
		p.lines <- line
	}
	_, _ = io.Copy(&p.log, reader) // with --json what ended it stands there
	_ = p.cmd.Wait()
	p.code = p.cmd.ProcessState.ExitCode()
	close(p.ended)
}

// ready waits for the line of JSON that the program prints when it is up.
func (p *process) ready(t *testing.T, into any) {
	t.Helper()
	select {
	case line := <-p.lines:
		if err := json.Unmarshal([]byte(line), into); err != nil {
			t.Fatalf("%s printed %q instead of its ready line: %v", p.name, line, err)
		}
	case <-p.ended:
		t.Fatalf("%s ended with exit code %d before it was ready:\n%s", p.name, p.code, p.log.String())
	case <-time.After(readyWithin):
		t.Fatalf("%s was not ready within %v", p.name, readyWithin)
	}
}

// kill is kill -9. It returns when the process is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// over reports whether the process has ended.
func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// interrupt is Ctrl-C. It returns how long the process took to end, and demands that it ended well.
func (p *process) interrupt(t *testing.T) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatalf("interrupt %s: %v", p.name, err)
	}
	select {
	case <-p.ended:
	case <-time.After(endWithin):
		t.Fatalf("%s did not end within %v of an interrupt", p.name, endWithin)
	}
	took := time.Since(begin)
	if p.code != 0 {
		t.Errorf("%s ended with exit code %d after an interrupt:\n%s", p.name, p.code, p.log.String())
	}
	return took
}

// run runs the program to its end and returns what it said with its exit code.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return runProgram(t, program, args...)
}

func runProgram(t *testing.T, path string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, log tail
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &out, &log
	watchdog := time.AfterFunc(readyWithin, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %q: %v", args, err)
	}
	return out.String(), log.String(), cmd.ProcessState.ExitCode()
}

// mustRun is run for commands that have to succeed.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := run(t, args...)
	if code != 0 {
		t.Fatalf("bedrock %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// tail keeps the last bytes written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const tailBytes = 6 << 10

// Write implements io.Writer.
func (w *tail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = append(w.kept, p...)
	if extra := len(w.kept) - tailBytes; extra > 0 {
		w.kept = append([]byte(nil), w.kept[extra:]...)
	}
	return len(p), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.kept)
}
