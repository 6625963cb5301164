package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"

	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// TestMemoryBudgetIsKept: a peer with the memory of a small board executes what a wallet sends, one transfer after the other, and
// its process never holds more than it was given.
func TestMemoryBudgetIsKept(t *testing.T) {
	long(t)
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	const budget = 160 << 20
	n := newNetwork(t, 1, "--heartbeat", "1s")
	n.startSequencers(t)
	small := &peer{name: "small", home: filepath.Join(n.dir, "small"), flags: []string{"--memory", "160MiB", "--profile", "pi"}}
	mustRun(t, "init", "--role", "peer", "--genesis", filepath.Join(n.dir, "genesis.json"), "--home", small.home)
	small.run(t, n.sequencers[0].ready.Addrs...)
	p := pay(t, newWallet(t, 0, n.genesis.ChainID, func(int) *gethrpc.Client { return small.client() }))
	time.Sleep(8 * time.Second)
	p.end(t)
	held := peakOf(t, small.proc.cmd.Process.Pid)
	t.Logf("%d transfers; the process held %d MiB at most", len(p.sent), held>>20)
	if held > budget {
		t.Errorf("the process held %d MiB, its budget is %d", held>>20, budget>>20)
	}
}

// peakOf is the most memory that a process had resident, in bytes.
func peakOf(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no peak in %s", status)
	}
	kib, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
