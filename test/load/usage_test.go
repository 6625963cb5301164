package load

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// spent is what the process has used so far.
type spent struct {
	cpu time.Duration // user and system
	rss uint64        // bytes resident now; 0 where /proc is missing
	at  time.Time
}

func usage() spent {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err) // the arguments are constants: it cannot fail
	}
	cpu := time.Duration(r.Utime.Nano() + r.Stime.Nano())
	return spent{cpu: cpu, rss: resident(), at: time.Now()}
}

func resident() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}
