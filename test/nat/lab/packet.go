//go:build linux

package lab

import (
	"encoding/binary"
	"net/netip"
)

// Protocol numbers of IPv4 that are passed on; others are dropped.
const (
	protocolTCP = 6
	protocolUDP = 17
)

// packet is an IPv4 packet with a TCP or UDP header that is whole: parse makes sure of it.
type packet []byte

// parse reports whether the bytes are a packet that the lab passes on: IPv4, unfragmented, TCP or UDP.
func parse(b []byte) (packet, bool) {
	if len(b) < 20 || b[0]>>4 != 4 {
		return nil, false
	}
	header := int(b[0]&15) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if header < 20 || total > len(b) || binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
		return nil, false
	}
	p := packet(b[:total])
	switch p.protocol() {
	case protocolTCP:
		return p, total >= header+20
	case protocolUDP:
		return p, total >= header+8
	}
	return nil, false
}

func (p packet) protocol() byte { return p[9] }
func (p packet) header() int    { return int(p[0]&15) * 4 }

func (p packet) source() netip.AddrPort      { return p.end(12, 0) }
func (p packet) destination() netip.AddrPort { return p.end(16, 2) }

func (p packet) end(address, port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(p[address:address+4])), binary.BigEndian.Uint16(p[p.header()+port:]))
}

func (p packet) setSource(to netip.AddrPort)      { p.rewrite(12, 0, to) }
func (p packet) setDestination(to netip.AddrPort) { p.rewrite(16, 2, to) }

// rewrite changes an address and a port, and the checksums by what changed (RFC 1624).
func (p packet) rewrite(address, port int, to netip.AddrPort) {
	var before, after [6]byte
	copy(before[:4], p[address:])
	copy(before[4:], p[p.header()+port:p.header()+port+2])
	ip := to.Addr().As4()
	copy(after[:4], ip[:])
	binary.BigEndian.PutUint16(after[4:], to.Port())
	copy(p[address:], after[:4])
	copy(p[p.header()+port:], after[4:])
	p.mend(10, before[:4], after[:4])
	at := p.header() + 16
	if p.protocol() == protocolUDP {
		if at = p.header() + 6; binary.BigEndian.Uint16(p[at:]) == 0 { // sent without a checksum
			return
		}
	}
	p.mend(at, before[:], after[:])
}

// mend corrects the checksum at a place for words that changed.
func (p packet) mend(at int, before, after []byte) {
	sum := uint32(^binary.BigEndian.Uint16(p[at:]))
	for i := 0; i < len(before); i += 2 {
		sum += uint32(^binary.BigEndian.Uint16(before[i:])) + uint32(binary.BigEndian.Uint16(after[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	mended := ^uint16(sum)
	if mended == 0 && p.protocol() == protocolUDP && at != 10 {
		mended = 0xffff
	}
	binary.BigEndian.PutUint16(p[at:], mended)
}

// udp is a new packet with a payload.
func udp(from, to netip.AddrPort, payload []byte) packet {
	p := make(packet, 28+len(payload))
	p[0], p[8], p[9] = 0x45, 64, protocolUDP
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	source, destination := from.Addr().As4(), to.Addr().As4()
	copy(p[12:], source[:])
	copy(p[16:], destination[:])
	binary.BigEndian.PutUint16(p[10:], ^sum(p[:20]))
	binary.BigEndian.PutUint16(p[20:], from.Port())
	binary.BigEndian.PutUint16(p[22:], to.Port())
	binary.BigEndian.PutUint16(p[24:], uint16(8+len(payload)))
	copy(p[28:], payload)
	return p // a UDP checksum of zero says that there is none
}

func sum(b []byte) uint16 {
	var s uint32
	for i := 0; i+1 < len(b); i += 2 {
		s += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
