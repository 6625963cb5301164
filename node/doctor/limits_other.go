//go:build !unix

package doctor

import "net"

// fileLimit: these systems have none.
func fileLimit() (uint64, bool) { return 0, false }

// receiveBuffer: these systems do not tell.
func receiveBuffer(*net.UDPConn) int { return 0 }
