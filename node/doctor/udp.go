package doctor

import (
	"context"
	"fmt"
	"net"
	"runtime"
)

// udpWanted is the receive buffer that QUIC asks for (quic-go, UDP buffer sizes).
const udpWanted = 7 << 20

// checkUDP asks the system for the buffer that QUIC wants and looks at what it gave.
func checkUDP(context.Context, *Patient) Finding {
	c, err := net.ListenUDP("udp", &net.UDPAddr{})
	if err != nil {
		return fail("no UDP socket can be opened, so there is no QUIC: "+sentence(err), "bedrock doctor --only udp")
	}
	defer c.Close()
	if err := c.SetReadBuffer(udpWanted); err != nil {
		return judgeUDP(0)
	}
	given := receiveBuffer(c)
	if runtime.GOOS == "linux" {
		given /= 2 // Linux tells the double of what holds data (socket(7))
	}
	if given == 0 {
		return pass("this system does not tell the size of UDP buffers")
	}
	return judgeUDP(given)
}

func judgeUDP(given int) Finding {
	if given >= udpWanted {
		return pass("%d KiB of UDP receive buffer", given>>10)
	}
	return warn(fmt.Sprintf("%d KiB of UDP receive buffer, QUIC wants %d KiB: slower under load", given>>10, udpWanted>>10), bufferCommand())
}

func bufferCommand() string {
	switch runtime.GOOS {
	case "linux":
		return "sudo sysctl -w net.core.rmem_max=7500000 net.core.wmem_max=7500000"
	case "windows":
		return "bedrock run --listen /ip4/0.0.0.0/tcp/4848"
	}
	return "sudo sysctl -w kern.ipc.maxsockbuf=8441037"
}
