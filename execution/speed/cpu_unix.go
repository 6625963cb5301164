//go:build unix

package speed

import (
	"fmt"
	"syscall"
	"time"
)

// CPUTime is what this process has taken of processors, user and system.
func CPUTime() (time.Duration, error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0, fmt.Errorf("speed: CPU time: %w", err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), nil
}
