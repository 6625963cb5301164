package main

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
	"sync"
	"time"
)

// hangTime is how long one planted bug may take for all its seeds; a program that hangs is found, too.
const hangTime = 2 * time.Minute

// finding says how a planted bug was found.
type finding struct {
	Name      string  `json:"name"`
	Killed    bool    `json:"killed"`
	Seeds     uint64  `json:"seeds"` // played until it was found, or all; with --twins: scenarios
	Invariant string  `json:"invariant,omitempty"`
	What      string  `json:"what,omitempty"`
	Seconds   float64 `json:"seconds"`
	Why       string  `json:"why"`
}

func (f finding) line() string {
	if !f.Killed {
		return fmt.Sprintf("%-24s  NOT FOUND in %d", f.Name, f.Seeds)
	}
	what := f.What
	if len(what) > 90 {
		what = what[:90] + "..."
	}
	return fmt.Sprintf("%-24s  %5d  %-3s %s", f.Name, f.Seeds, f.Invariant, what)
}

// lab builds and plays planted bugs.
type lab struct {
	root         string
	dir          string
	first, seeds uint64
	twins        bool // play scenarios of package twins instead of seeds
}

func newLab(first, seeds uint64, twins bool) (*lab, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("run it inside the module: %w", err)
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	return &lab{root: strings.TrimSpace(string(out)), dir: dir, first: first, seeds: seeds, twins: twins}, nil
}

func (l *lab) close() { _ = os.RemoveAll(l.dir) }

// tryAll tries the bugs, several at once, and returns the findings in the table's order.
func (l *lab) tryAll(ctx context.Context, list []mutant, workers int, done func(finding)) ([]finding, error) {
	findings := make([]finding, len(list))
	problems := make([]error, len(list))
	next := make(chan int)
	var mu sync.Mutex
	var group sync.WaitGroup
	for range max(1, workers) {
		group.Go(func() {
			for i := range next {
				findings[i], problems[i] = l.try(ctx, list[i])
				mu.Lock()
				if problems[i] == nil {
					done(findings[i])
				}
				mu.Unlock()
			}
		})
	}
	for i := range list {
		next <- i
	}
	close(next)
	group.Wait()
	return findings, errors.Join(problems...)
}

func (l *lab) try(ctx context.Context, m mutant) (finding, error) {
	start := time.Now()
	f := finding{Name: m.Name, Why: m.Why, Seeds: l.seeds}
	program, err := l.build(ctx, m)
	if err != nil {
		return f, fmt.Errorf("%s: %w", m.Name, err)
	}
	limited, cancel := context.WithTimeout(ctx, hangTime)
	defer cancel()
	cmd := exec.CommandContext(limited, program, "--play", fmt.Sprintf("--first=%d", l.first), fmt.Sprintf("--seeds=%d", l.seeds), fmt.Sprintf("--twins=%t", l.twins))
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	out, err := cmd.Output()
	f.Seconds = time.Since(start).Seconds()
	if ctx.Err() != nil {
		return f, ctx.Err()
	}
	if limited.Err() != nil {
		f.Killed, f.Invariant, f.What = true, "S9", "the program hangs"
		return f, nil
	}
	if err != nil {
		return f, fmt.Errorf("%s: playing it: %w", m.Name, err)
	}
	var p played
	if err := json.Unmarshal(out, &p); err != nil {
		return f, fmt.Errorf("%s: its answer: %w", m.Name, err)
	}
	f.Killed, f.Seeds, f.Invariant, f.What = p.Failed, p.Played, p.Invariant, p.What
	return f, nil
}

// plant returns the file's text with the bug in it.
func (m mutant) plant(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, m.File))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.Old); n != 1 {
		return "", fmt.Errorf("%s: the text to replace stands %d times in %s, want once: bring the table up to date", m.Name, n, m.File)
	}
	return strings.Replace(string(text), m.Old, m.New, 1), nil
}

func (l *lab) build(ctx context.Context, m mutant) (string, error) {
	text, err := m.plant(l.root)
	if err != nil {
		return "", err
	}
	replaced := filepath.Join(l.dir, m.Name+".go")
	if err := os.WriteFile(replaced, []byte(text), 0o600); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(l.root, m.File): replaced}})
	if err != nil {
		return "", err
	}
	list := filepath.Join(l.dir, m.Name+".json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	program := filepath.Join(l.dir, m.Name)
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", list, "-o", program, "./consensus/sim/mutants")
	cmd.Dir = l.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("it does not build: %w: %s", err, bytes.TrimSpace(out))
	}
	return program, nil
}
