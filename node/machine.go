package node

import (
	"fmt"
	"math"
	"runtime/debug"
	runtimemetrics "runtime/metrics"

	"github.com/etherscale/bedrock/store"
)

// Thresholds of what the machine gives. The store takes nothing more in below leastDisk (its Options.MinFree).
const (
	leastDisk   = 128 << 20
	littleDisk  = 1 << 30
	tightMemory = 0.95 // of the bound; the collector works hard to stay below it
)

// memoryUse is what the Go runtime holds of the system's memory, and the bound that it keeps within; 0: none.
func memoryUse() (used, bound uint64) {
	samples := []runtimemetrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	runtimemetrics.Read(samples)
	used = samples[0].Value.Uint64() - min(samples[0].Value.Uint64(), samples[1].Value.Uint64())
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		bound = uint64(limit)
	}
	return used, bound
}

func (n *Node) lacksMemory() string {
	used, bound := memoryUse()
	if bound == 0 || float64(used) <= tightMemory*float64(bound) {
		return ""
	}
	return fmt.Sprintf("%d of %d MiB are in use", used>>20, bound>>20)
}

func (n *Node) lacksDisk() string { return n.freeBelow(littleDisk) }

func (n *Node) hasNoDisk() string { return n.freeBelow(leastDisk) }

// freeBelow says how much of the disk is free, if that is less than so many bytes.
func (n *Node) freeBelow(least uint64) string {
	free, err := store.FreeSpace(n.cfg.Data)
	if err != nil || free >= least {
		return ""
	}
	return fmt.Sprintf("%d MiB are free where %s lies", free>>20, n.cfg.Data)
}
