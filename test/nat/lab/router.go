//go:build linux

package lab

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// Kind is what a home's router does.
type Kind int

// The kinds of routers.
const (
	PortPreserving Kind = iota
	Symmetric
	Mapping // PortPreserving, and opens ports by NAT-PMP
)

// Lifetimes of what a router remembers; short ones of real routers.
const (
	udpLife = 30 * time.Second
	tcpLife = 10 * time.Minute
)

// inside is one port of a host behind the router; with a remote end, one conversation of it.
type inside struct {
	protocol byte
	at       netip.AddrPort
	remote   netip.AddrPort // of Symmetric alone
}

// outside is one port of the router.
type outside struct {
	protocol byte
	port     uint16
}

// entry is one outside port in use.
type entry struct {
	inside inside
	used   time.Time
	sent   map[netip.AddrPort]time.Time // whom the host sent to: they may answer
	open   time.Time                    // until then, by NAT-PMP, anybody may send
}

// router is a NAT: hosts behind one outer address.
type router struct {
	kind   Kind
	public netip.Addr
	host   netip.Addr // of the one behind it; a carrier has many

	mu      sync.Mutex
	random  *rand.Rand
	out     map[inside]outside
	in      map[outside]*entry
	refused int
}

func newRouter(kind Kind, public, host netip.Addr, seed uint64) *router {
	return &router{kind: kind, public: public, host: host, random: rand.New(rand.NewPCG(seed, 7)),
		out: make(map[inside]outside), in: make(map[outside]*entry)}
}

// gateway is the router's address inside.
func (r *router) gateway() netip.Addr { return r.host.Prev() }

// leave translates what the host sends.
func (r *router) leave(p packet, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := inside{protocol: p.protocol(), at: p.source()}
	if r.kind == Symmetric {
		key.remote = p.destination()
	}
	at, e := r.entryOf(key, now)
	e.used, e.sent[p.destination()] = now, now
	p.setSource(netip.AddrPortFrom(r.public, at.port))
}

func (r *router) entryOf(key inside, now time.Time) (outside, *entry) {
	if at, ok := r.out[key]; ok {
		if e := r.in[at]; now.Before(e.open) || now.Sub(e.used) < life(key.protocol) {
			return at, e
		}
		delete(r.in, at)
	}
	at := outside{key.protocol, key.at.Port()}
	for _, taken := r.in[at]; taken || r.kind == Symmetric; _, taken = r.in[at] {
		at.port = uint16(1024 + r.random.IntN(64000))
		if _, taken = r.in[at]; !taken {
			break
		}
	}
	e := &entry{inside: key, sent: make(map[netip.AddrPort]time.Time)}
	r.out[key], r.in[at] = at, e
	return at, e
}

// enter translates what comes for the host, and reports whether the router lets it in.
func (r *router) enter(p packet, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.in[outside{p.protocol(), p.destination().Port()}]
	if !ok {
		r.refused++
		return false
	}
	if sent, known := e.sent[p.source()]; !now.Before(e.open) && (!known || now.Sub(sent) > life(p.protocol())) {
		r.refused++
		return false
	}
	e.used = now
	if _, known := e.sent[p.source()]; known {
		e.sent[p.source()] = now
	}
	p.setDestination(e.inside.at)
	return true
}

func life(protocol byte) time.Duration {
	if protocol == protocolTCP {
		return tcpLife
	}
	return udpLife
}

// forget drops all that the router remembers and gives it another address, as when the line is dialled anew.
func (r *router) forget(public netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.public = public
	clear(r.out)
	clear(r.in)
}

// pmpPort is where routers speak NAT-PMP.
const pmpPort = 5351

// pmp answers a NAT-PMP request (RFC 6886, sections 3.2 and 3.3); nil for what is none.
func (r *router) pmp(request []byte, now time.Time) []byte {
	if r.kind != Mapping || len(request) < 2 || request[0] != 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch operation := request[1]; {
	case operation == 0:
		public := r.public.As4()
		return append([]byte{0, 128, 0, 0, 0, 0, 0, 1}, public[:]...)
	case (operation == 1 || operation == 2) && len(request) == 12:
		key := inside{protocol: protocolUDP, at: netip.AddrPortFrom(r.host, binary.BigEndian.Uint16(request[4:]))}
		if operation == 2 {
			key.protocol = protocolTCP
		}
		at, e := r.entryOf(key, now)
		life := binary.BigEndian.Uint32(request[8:])
		e.open = now.Add(time.Duration(life) * time.Second)
		answer := append([]byte{0, 128 + operation, 0, 0, 0, 0, 0, 1}, request[4:6]...)
		answer = binary.BigEndian.AppendUint16(answer, at.port)
		return binary.BigEndian.AppendUint32(answer, life)
	}
	return nil
}
