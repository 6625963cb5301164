//go:build linux

package lab

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// whole computes a packet's transport checksum anew: 0 where the one that it carries is right.
func whole(p packet) uint16 {
	body := append([]byte(nil), p[p.header():]...)
	pseudo := append(append([]byte(nil), p[12:20]...), 0, p.protocol())
	pseudo = binary.BigEndian.AppendUint16(pseudo, uint16(len(body)))
	if len(body)%2 == 1 {
		body = append(body, 0)
	}
	return ^sum(append(pseudo, body...))
}

// random is a packet with right checksums.
func random(r *rand.Rand, protocol byte) packet {
	end := func() netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{45, byte(r.Uint32()), byte(r.Uint32()), 1}), uint16(r.Uint32()))
	}
	payload := make([]byte, 12+r.IntN(40))
	for i := range payload {
		payload[i] = byte(r.Uint32())
	}
	p := udp(end(), end(), payload)
	p[9] = protocol
	binary.BigEndian.PutUint16(p[10:], 0)
	binary.BigEndian.PutUint16(p[10:], ^sum(p[:20]))
	at := map[byte]int{protocolTCP: 36, protocolUDP: 26}[protocol]
	binary.BigEndian.PutUint16(p[at:], 0)
	binary.BigEndian.PutUint16(p[at:], whole(p))
	return p
}

func TestRewrittenPacketsHaveRightChecksums(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for range 2000 {
		p := random(r, []byte{protocolTCP, protocolUDP}[r.IntN(2)])
		to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168, byte(r.Uint32()), 2}), uint16(r.Uint32()))
		if r.IntN(2) == 0 {
			p.setSource(to)
			if p.source() != to {
				t.Fatalf("source %v, not %v", p.source(), to)
			}
		} else {
			p.setDestination(to)
			if p.destination() != to {
				t.Fatalf("destination %v, not %v", p.destination(), to)
			}
		}
		if sum(p[:20]) != 0xffff || whole(p) != 0 {
			t.Fatalf("wrong checksum: % x", []byte(p))
		}
	}
}

func TestOnlyWholePacketsPass(t *testing.T) {
	p := random(rand.New(rand.NewPCG(1, 2)), protocolTCP)
	if _, ok := parse(p); !ok {
		t.Fatal("a whole packet is refused")
	}
	for n := range len(p) {
		if _, ok := parse(p[:n]); ok {
			t.Fatalf("%d of %d bytes pass", n, len(p))
		}
	}
	for what, change := range map[string]func(packet){
		"IPv6":        func(p packet) { p[0] = 0x65 },
		"a fragment":  func(p packet) { p[6] |= 0x20 },
		"ICMP":        func(p packet) { p[9] = 1 },
		"long header": func(p packet) { p[0] = 0x4f },
	} {
		changed := packet(append([]byte(nil), p...))
		change(changed)
		if _, ok := parse(changed); ok {
			t.Errorf("%s passes", what)
		}
	}
}
