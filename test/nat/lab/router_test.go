//go:build linux

package lab

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

var (
	outer = netip.MustParseAddr("45.20.0.1")
	own   = netip.MustParseAddr("192.168.7.2")
	near  = netip.AddrPortFrom(own, 4848)
	one   = netip.MustParseAddrPort("45.1.0.1:1000")
	other = netip.MustParseAddrPort("45.2.0.1:2000")
	start = time.Unix(1_000_000, 0)
)

// sends passes a packet of the host out through the router and returns the port that the world sees.
func sends(t *testing.T, r *router, from, to netip.AddrPort, at time.Time) netip.AddrPort {
	t.Helper()
	p := udp(from, to, []byte("x"))
	r.leave(p, at)
	if p.source().Addr() != r.public || p.destination() != to {
		t.Fatalf("%v to %v left as %v to %v", from, to, p.source(), p.destination())
	}
	return p.source()
}

// gets reports whether a packet from outside reaches the port inside.
func gets(r *router, from, to, inside netip.AddrPort, at time.Time) bool {
	p := udp(from, to, []byte("x"))
	return r.enter(p, at) && p.destination() == inside && p.source() == from
}

func TestPortPreserving(t *testing.T) {
	r := newRouter(PortPreserving, outer, own, 1)
	seen := sends(t, r, near, one, start)
	if seen != netip.AddrPortFrom(outer, 4848) {
		t.Errorf("seen at %v", seen)
	}
	if !gets(r, one, seen, near, start) {
		t.Error("the answer was not let in")
	}
	if gets(r, other, seen, near, start) {
		t.Error("a stranger was let in")
	}
	if gets(r, netip.AddrPortFrom(one.Addr(), 1001), seen, near, start) {
		t.Error("another port of a known host was let in")
	}
	if again := sends(t, r, near, other, start); again != seen {
		t.Errorf("to another host seen at %v, to the first at %v", again, seen)
	}
	if !gets(r, other, seen, near, start) {
		t.Error("a punched hole is closed")
	}
}

func TestTwoHostsOfOneRouterGetTwoPorts(t *testing.T) {
	r := newRouter(PortPreserving, outer, netip.Addr{}, 1)
	neighbour := netip.AddrPortFrom(own.Next(), near.Port())
	a, b := sends(t, r, near, one, start), sends(t, r, neighbour, one, start)
	if a == b {
		t.Fatalf("both at %v", a)
	}
	if !gets(r, one, a, near, start) || !gets(r, one, b, neighbour, start) {
		t.Error("an answer came to the wrong host, or to none")
	}
}

func TestSymmetric(t *testing.T) {
	r := newRouter(Symmetric, outer, own, 1)
	a, b := sends(t, r, near, one, start), sends(t, r, near, other, start)
	if a == b {
		t.Errorf("both conversations at %v", a)
	}
	if again := sends(t, r, near, one, start); again != a {
		t.Errorf("one conversation at %v and %v", a, again)
	}
	if gets(r, one, b, near, start) {
		t.Error("a port let in somebody else's packet")
	}
	if !gets(r, one, a, near, start) || !gets(r, other, b, near, start) {
		t.Error("an answer was not let in")
	}
}

func TestMappingsExpire(t *testing.T) {
	for _, kind := range []Kind{PortPreserving, Symmetric} {
		r := newRouter(kind, outer, own, 1)
		seen := sends(t, r, near, one, start)
		if !gets(r, one, seen, near, start.Add(udpLife-time.Second)) {
			t.Errorf("kind %d: closed too early", kind)
		}
		if gets(r, one, seen, near, start.Add(3*udpLife)) {
			t.Errorf("kind %d: open when nothing came for long", kind)
		}
		if again := sends(t, r, near, one, start.Add(4*udpLife)); (again == seen) != (kind == PortPreserving) {
			t.Errorf("kind %d: seen at %v, later at %v", kind, seen, again)
		}
	}
	r := newRouter(PortPreserving, outer, own, 1)
	seen := sends(t, r, near, one, start)
	r.forget(outer.Next())
	if gets(r, one, seen, near, start) {
		t.Error("open after the line was dialled anew")
	}
	if again := sends(t, r, near, one, start); again.Addr() != outer.Next() {
		t.Errorf("still seen at %v", again)
	}
}

// request is a NAT-PMP request for a UDP port.
func request(port uint16, life uint32) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0, 1, 0, 0}, port)
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(b, port), life)
}

func TestNATPMP(t *testing.T) {
	r := newRouter(Mapping, outer, own, 1)
	if a := r.pmp([]byte{0, 0}, start); len(a) != 12 || [4]byte(a[8:]) != outer.As4() {
		t.Errorf("the outer address is % x", a)
	}
	a := r.pmp(request(near.Port(), 60), start)
	if len(a) != 16 || a[1] != 129 || binary.BigEndian.Uint32(a[12:]) != 60 {
		t.Fatalf("answer % x", a)
	}
	seen := netip.AddrPortFrom(outer, binary.BigEndian.Uint16(a[10:]))
	if !gets(r, other, seen, near, start.Add(59*time.Second)) {
		t.Error("a stranger is not let in by the mapped port")
	}
	if gets(r, other, seen, near, start.Add(61*time.Second)) {
		t.Error("the mapping lasts longer than was said")
	}
	r.pmp(request(near.Port(), 60), start)
	r.pmp(request(near.Port(), 0), start)
	if gets(r, other, seen, near, start.Add(time.Second)) {
		t.Error("a mapping that was given back is open")
	}
	for _, bad := range [][]byte{nil, {0}, {1, 0}, {0, 1}, {0, 3, 0, 0}, request(1, 1)[:11]} {
		if a := r.pmp(bad, start); a != nil {
			t.Errorf("% x was answered % x", bad, a)
		}
	}
	if a := newRouter(PortPreserving, outer, own, 1).pmp([]byte{0, 0}, start); a != nil {
		t.Errorf("a router without NAT-PMP answered % x", a)
	}
}
