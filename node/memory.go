package node

import (
	"math"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Shares of the memory budget.
const (
	// goShare is what the Go runtime is told to stay within; what is left is for the databases' caches and buffers, which are not
	// of its heap, and for stacks of the C library.
	goShare = 0.8
	// stateShare is for caches of the executed state, which take more than anything else.
	stateShare = 0.15
)

// Bounds of the state cache in MiB: below the least every block reads the disk, above the most little is gained.
const (
	leastStateCache = 12
	mostStateCache  = 192
)

// fit derives from the budgets what depends on them: caches and the Go runtime's limit. A machine or container with less memory
// than the budget sets the budget.
func (c *Config) fit() {
	if c.Disk > 0 && c.ShardBudget == 0 {
		c.ShardBudget = diskShare(c.Disk, rowShare)
	}
	if c.Memory == 0 {
		return
	}
	if there, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)(); err == nil && there < math.MaxInt64 {
		c.Memory = min(c.Memory, int64(there))
	}
	if c.StateCache == 0 {
		c.StateCache = int(min(max(shareOf(c.Memory, stateShare)>>20, leastStateCache), mostStateCache))
	}
	debug.SetMemoryLimit(shareOf(c.Memory, goShare))
}

func shareOf(budget int64, share float64) int64 { return int64(share * float64(budget)) }
