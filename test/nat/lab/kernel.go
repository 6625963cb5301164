//go:build linux

package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
)

// ErrNoKernelNAT says that this machine's kernel cannot be a home's router.
var ErrNoKernelNAT = errors.New("needs `nft` of nftables and a kernel with network address translation")

// rules make a namespace a home's router, as a Linux box is one: conversations from inside are masqueraded, and nothing that
// nobody inside asked for is let in. Without the chain `in` a packet that comes too early would be an entry of its own, and the
// port that a hole needs would be taken.
const rules = `table ip home {
  chain out { type nat hook postrouting priority 100; oifname "eth0" masquerade %s; }
  chain in { type filter hook input priority 0; iifname "eth0" ct state established,related accept; iifname "eth0" drop; }
  chain through { type filter hook forward priority 0; iifname "eth0" ct state established,related accept; iifname "eth0" drop; }
}
`

// AddKernelHome adds a host behind the kernel's own NAT, in a namespace between it and its line: PortPreserving, or Symmetric
// by drawing ports. It returns ErrNoKernelNAT where the kernel or the machine cannot.
func (l *Lab) AddKernelHome(name string, kind Kind) (*Host, error) {
	if _, err := exec.LookPath("nft"); err != nil || kind == Mapping {
		return nil, ErrNoKernelNAT
	}
	l.next++
	public := netip.AddrFrom4([4]byte{45, byte(10 + l.next), 0, 1})
	h := &Host{Name: name, Public: public, own: public, lab: l}
	h.namespace = namespaceOf(name)
	h.box = h.namespace + "-router"
	lan := netip.AddrFrom4([4]byte{192, 168, byte(l.next), 1})
	for _, namespace := range []string{h.box, h.namespace} {
		if err := ip("netns", "add", namespace); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	l.hosts = append(l.hosts, h)
	l.mu.Unlock()
	if err := h.plug(h.box, public); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"link", "add", "lan", "netns", h.box, "type", "veth", "peer", "name", device, "netns", h.namespace},
		{"-n", h.box, "addr", "add", lan.String() + "/24", "dev", "lan"},
		{"-n", h.box, "link", "set", "lan", "up"},
		{"-n", h.namespace, "link", "set", "lo", "up"},
		{"-n", h.namespace, "addr", "add", lan.Next().String() + "/24", "dev", device},
		{"-n", h.namespace, "link", "set", device, "mtu", fmt.Sprint(mtu), "up"},
		{"-n", h.namespace, "route", "add", "default", "via", lan.String()},
		{"netns", "exec", h.box, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"},
	} {
		if err := ip(args...); err != nil {
			return nil, err
		}
	}
	drawn := map[Kind]string{Symmetric: "fully-random"}[kind]
	nft := exec.Command("ip", "netns", "exec", h.box, "nft", "-f", "-")
	nft.Stdin = strings.NewReader(fmt.Sprintf(rules, drawn))
	if out, err := nft.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %w: %s", ErrNoKernelNAT, err, out)
	}
	return h, nil
}
