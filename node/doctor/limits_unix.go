//go:build unix

package doctor

import (
	"net"

	"golang.org/x/sys/unix"
)

// fileLimit is how many files this process may have open.
func fileLimit() (uint64, bool) {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return 0, false
	}
	return uint64(l.Cur), true
}

// receiveBuffer is what the system gave a socket, as it tells; 0 if it does not.
func receiveBuffer(c *net.UDPConn) (given int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF); err == nil {
			given = n
		}
	})
	return given
}
