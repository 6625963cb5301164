// Coding compares the coding of blocks by bedrock with rsema1d and rsmt2d, both of Celestia, on this machine: encoding with
// its commitment, checking one row, rebuilding a block, memory.
//
//	go run ./coding            progress on stderr and a table, 1 to 2 minutes
//	go run ./coding --json     the figures on stdout as JSON
//	go run ./coding --quick    a smoke run of some seconds: its figures are rough
//
// Run it on a machine that does nothing else. Where that cannot be, see the head of bench/order for how root can put a run
// ahead of the rest. It needs Linux, and on the first run the modules of the peers, some 8 MB.
//
// Exit code 0: measured; 1: something failed, or interrupted; 2: wrong flags.
//
// This program only builds and starts the one in coding/peers, a module of its own; how it measures is in the head of that.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run builds the comparison and runs it; its exit code is returned.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := compare(ctx, args, stdout, stderr)
	var ended *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ended) && ended.Exited():
		return ended.ExitCode()
	}
	fmt.Fprintln(stderr, "coding:", err)
	return 1
}

func compare(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	dir, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "github.com/etherscale/bedrock/bench/coding").Output()
	if err != nil {
		return fmt.Errorf("run it in bench/: %w", err)
	}
	scratch, err := os.MkdirTemp("", "bench-coding-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	program := filepath.Join(scratch, "peers")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	build.Dir = filepath.Join(strings.TrimSpace(string(dir)), "peers")
	build.Stdout, build.Stderr = stderr, stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build coding/peers: %w", err)
	}
	measure := exec.CommandContext(ctx, program, args...)
	measure.Cancel = func() error { return measure.Process.Signal(os.Interrupt) }
	measure.Stdout, measure.Stderr = stdout, stderr
	return measure.Run()
}
