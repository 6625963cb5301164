package fraud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

var (
	// ErrSandbox says that the child process could not be started: nothing is known about the challenge.
	ErrSandbox = errors.New("verification process cannot be started")
	// ErrSlow goes with ErrInvalid where a verification took too long: on another machine it may not.
	ErrSlow = errors.New("verification took too long")
)

// Limits of a verification. Zero means the default.
type Limits struct {
	Memory  uint64        // bytes the child may allocate, default 1 GiB; at least 384 MiB
	Timeout time.Duration // of wall-clock time, default 20 s
}

// Memory of a child: the smallest that the runtime and the largest challenge fit into, and the default.
const (
	minSandboxMemory     = 384 << 20
	defaultSandboxMemory = 1 << 30
	defaultTimeout       = 20 * time.Second
	maxAnswerBytes       = 1 << 20
)

func (l Limits) withDefaults() Limits {
	if l.Memory == 0 {
		l.Memory = defaultSandboxMemory
	}
	l.Memory = max(l.Memory, minSandboxMemory)
	if l.Timeout == 0 {
		l.Timeout = defaultTimeout
	}
	return l
}

// Sandbox verifies challenges in child processes: the own binary, run with arguments that make it call VerifyMain. A child
// that dies, whether by a panic, by memory or by time, has proven nothing.
type Sandbox struct {
	Exe    string   // path of the binary
	Args   []string // what makes it call VerifyMain
	Env    []string // added to an otherwise empty environment
	Limits Limits
}

// Judge verifies a challenge completely: the cheap checks in this process, execution in a child. It is what a peer does
// with a stranger's challenge. Errors are those of Verify.
func (s *Sandbox) Judge(ctx context.Context, c *Challenge, trust *Trust) (*Finding, error) {
	job, err := NewJob(c, trust)
	if err != nil {
		return nil, err
	}
	if c.Kind != KindWrongState { // nothing of a stranger's is executed
		return Verify(c, trust)
	}
	return s.Verify(ctx, job)
}

// Verify runs one job. Errors wrap ErrInvalid (the challenge proves nothing), ErrSandbox (no child ran), or are ctx's.
func (s *Sandbox) Verify(ctx context.Context, job *Job) (*Finding, error) {
	finding, _, err := s.Measure(ctx, job)
	return finding, err
}

// Usage is what a child process took: time on the wall, and of processors.
type Usage struct{ Wall, CPU time.Duration }

// Measure is Verify, and tells what the child took.
func (s *Sandbox) Measure(ctx context.Context, job *Job) (finding *Finding, used Usage, err error) {
	input, err := job.Encode()
	if err != nil {
		return nil, used, err
	}
	limits := s.Limits.withDefaults()
	timed, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	var out bounded
	cmd := exec.CommandContext(timed, s.Exe, s.Args...)
	cmd.Env = append([]string{}, s.Env...)
	cmd.Stdin, cmd.Stdout = bytes.NewReader(input), &out
	cmd.WaitDelay = time.Second
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, used, fmt.Errorf("%s: %w: %w", s.Exe, ErrSandbox, err)
	}
	err = cmd.Wait()
	used = Usage{Wall: time.Since(start), CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	switch {
	case ctx.Err() != nil:
		return nil, used, ctx.Err()
	case timed.Err() != nil:
		return nil, used, fmt.Errorf("%s are over: %w: %w", limits.Timeout, ErrSlow, ErrInvalid)
	case err != nil:
		return nil, used, fmt.Errorf("verification died (%w): %w", err, ErrInvalid)
	}
	finding, err = out.answer()
	return finding, used, err
}

// bounded keeps the beginning of the child's output.
type bounded struct{ bytes.Buffer }

// Write implements io.Writer; what goes beyond the bound is dropped.
func (b *bounded) Write(p []byte) (int, error) {
	if room := maxAnswerBytes - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (b *bounded) answer() (*Finding, error) {
	var a answer
	if err := json.Unmarshal(b.Bytes(), &a); err != nil {
		return nil, fmt.Errorf("verification gave no answer: %w: %w", ErrInvalid, err)
	}
	if a.Finding == nil {
		return nil, fmt.Errorf("%s: %w", a.Invalid, ErrInvalid)
	}
	return a.Finding, nil
}
