package fraud

import (
	"fmt"
	"runtime/debug"
	"syscall"
)

// apply limits this process: a soft limit that makes the collector work harder, and above it the kernel's on private
// writable memory and on processor time. The runtime reserves address space generously without using it, so the size of
// the address space is no measure.
func (l Limits) apply() error {
	l = l.withDefaults()
	debug.SetMemoryLimit(int64(l.Memory / 4 * 3))
	seconds := uint64(l.Timeout.Seconds()) + 1
	for resource, limit := range map[int]uint64{syscall.RLIMIT_DATA: l.Memory, syscall.RLIMIT_CPU: 2 * seconds, syscall.RLIMIT_CORE: 0} {
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("limit verification process: %w", err)
		}
	}
	return nil
}
