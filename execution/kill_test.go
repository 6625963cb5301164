package execution_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

const (
	killDir    = "BEDROCK_TEST_KILL_DIR"
	killBlocks = 300
)

// killBlock is block n of the chain that is killed: the same in the child and in the parent.
func killBlock(s *exectest.Swarm, n int) exectest.Stored {
	return s.Next(s.Transfer(n%exectest.Accounts, n%7+1, 1), s.Call(0, &exectest.StoreAddress, 0, 100_000, exectest.Words(uint64(n), 1)))
}

// TestKilledChild is the process that TestKillLosesNothing kills; by itself it does nothing.
func TestKilledChild(t *testing.T) {
	dir := os.Getenv(killDir)
	if dir == "" {
		t.Skip("only a child of TestKillLosesNothing")
	}
	s := exectest.Unopened(t, dir, nil)
	for n := range killBlocks {
		killBlock(s, n)
	}
	s.Open()
	for height := s.Chain.Height() + 1; height <= killBlocks; height++ {
		b := s.Stored[height]
		r, err := s.Chain.Apply(b.Header.Header, b.Data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Printf("applied %d\n", r.Height); err != nil {
			t.Fatal(err)
		}
	}
}

// I5, with a real kill: what Apply returned for is there afterwards, and the state follows.
func TestKillLosesNothing(t *testing.T) {
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var last types.Height
	for range 2 {
		child := exec.Command(exe, "-test.run", "^TestKilledChild$")
		child.Env = append(os.Environ(), killDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		target := last + 12
		for lines := bufio.NewScanner(out); last < target && lines.Scan(); {
			if _, err := fmt.Sscanf(lines.Text(), "applied %d", &last); err != nil {
				t.Fatalf("child says %q", lines.Text())
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // it was killed
		if last < target {
			t.Fatalf("child ended at block %d", last)
		}
	}
	s := exectest.Unopened(t, dir, nil)
	for n := range killBlocks {
		killBlock(s, n)
	}
	s.Open()
	if s.Chain.Height() < last {
		t.Fatalf("head %d after the kill, block %d was applied", s.Chain.Height(), last)
	}
	claim, err := s.Chain.LastClaim(s.Chain.Height())
	if err != nil {
		t.Fatal(err)
	}
	if state, err := s.Chain.StateAt(claim.Root); err != nil || state.GetNonce(exectest.Address(0)) == 0 {
		t.Fatal("state after the kill", err)
	}
}
