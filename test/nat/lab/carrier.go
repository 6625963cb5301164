//go:build linux

package lab

import (
	"fmt"
	"net/netip"
)

// Carrier is a provider's NAT: many homes, each with a router of its own, share its one public address.
type Carrier struct {
	*router
	homes byte
}

// AddCarrier adds a carrier whose NAT is of a kind.
func (l *Lab) AddCarrier(kind Kind) *Carrier {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	at := netip.AddrFrom4([4]byte{45, byte(10 + l.next), 0, 1})
	c := &Carrier{router: newRouter(kind, at, netip.Addr{}, uint64(l.next))}
	l.shared[at] = c
	return c
}

// AddCustomer adds a host behind a router of its own whose outer address, of 100.64.0.0/10, is behind a carrier.
func (l *Lab) AddCustomer(name string, kind Kind, c *Carrier) (*Host, error) {
	l.next++
	if c.homes++; c.homes > 200 {
		return nil, fmt.Errorf("lab: a carrier has no address left for %s", name)
	}
	outer, own := netip.AddrFrom4([4]byte{100, 64, 0, 1 + c.homes}), netip.AddrFrom4([4]byte{192, 168, byte(l.next), 2})
	return l.add(&Host{Name: name, Public: c.public, own: own, router: newRouter(kind, outer, own, uint64(l.next)), carrier: c})
}
