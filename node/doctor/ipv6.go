package doctor

import (
	"context"
	"net"
)

// checkIPv6 looks for a way into the internet by IPv6.
func checkIPv6(context.Context, *Patient) Finding {
	found, err := net.InterfaceAddrs()
	if err != nil {
		return warn("the machine's addresses cannot be read: "+sentence(err), "ip address")
	}
	return judgeIPv6(globalIPv6(found), routedIPv6())
}

// globalIPv6 are the addresses that the open internet could carry.
func globalIPv6(addrs []net.Addr) (global []string) {
	for _, a := range addrs {
		network, ok := a.(*net.IPNet)
		if ok && network.IP.To4() == nil && network.IP.IsGlobalUnicast() && !network.IP.IsPrivate() {
			global = append(global, network.IP.String())
		}
	}
	return global
}

// routedIPv6 reports whether the machine has a route to a public address. Nothing is sent.
func routedIPv6() bool {
	c, err := net.Dial("udp6", "[2606:4700:4700::1111]:53")
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// judgeIPv6: to have none is usual. It is worth a warning only where it is there and does not work.
func judgeIPv6(global []string, routed bool) Finding {
	switch {
	case len(global) > 0 && routed:
		return pass("an address of its own, %s: peers with IPv6 need no forwarded port", global[0])
	case len(global) > 0:
		return warn("there is an address ("+global[0]+") and no route to the internet by it", "ip -6 route")
	}
	return pass("none; IPv4 is enough")
}
