//go:build linux

package nat

import (
	"errors"
	"testing"

	"github.com/etherscale/bedrock/test/nat/lab"
)

// kernelHome prepares a program on a host behind the kernel's own NAT, and skips where it has none.
func (s *swarm) kernelHome(name string, kind lab.Kind, args ...string) *machine {
	s.Helper()
	h, err := s.lab.AddKernelHome(name, kind)
	if errors.Is(err, lab.ErrNoKernelNAT) {
		s.Skip(err)
	}
	return s.on(h, err, name, args)
}

func (s *swarm) customer(name string, kind lab.Kind, of *lab.Carrier, args ...string) *machine {
	s.Helper()
	h, err := s.lab.AddCustomer(name, kind, of)
	return s.on(h, err, name, args)
}

// meet starts a light client that knows a peer's relayed address alone, over one transport, and says how long it took until
// the best connection between them is by what is expected.
func (s *swarm) meet(m, peer *machine, transport, end string) {
	s.Helper()
	s.start(m, "--bootstrap", s.circuit(peer, transport), "--listen", listenOn(transport))
	took := s.eventually(m.name+" is connected to "+peer.name, func() bool { return m.connected(peer.ready.PeerID) == end })
	show(s.T, "nat: %s and %s over %s: connected by %s after %.2f s", m.name, peer.name, transport, end, took.Seconds())
}

// relayed waits until a machine has a relay.
func (s *swarm) relayed(m *machine) {
	s.Helper()
	s.eventually(m.name+" has a relay", func() bool { return len(m.reach(s.T).Relays) > 0 })
}

// TestKernelRouters: the kernel's own masquerading is what most home routers do. Holes are punched through it as through the
// lab's, and where it draws ports the relay serves.
func TestKernelRouters(t *testing.T) {
	s := newSwarm(t, 1)
	home := s.kernelHome("masqueraded-peer", lab.PortPreserving, s.peer("peer")...)
	overQUIC := s.kernelHome("masqueraded-light1", lab.PortPreserving, s.light("light1")...)
	overTCP := s.kernelHome("masqueraded-light2", lab.PortPreserving, s.light("light2")...)
	drawn := s.kernelHome("drawing-peer", lab.Symmetric, s.peer("drawn")...)
	light := s.kernelHome("drawing-light", lab.Symmetric, s.light("light3")...)
	s.start(s.public("seq0", s.sequencer(0)...))
	s.start(home)
	s.start(drawn)
	s.relayed(home)
	s.meet(overQUIC, home, "quic", "quic")
	s.meet(overTCP, home, "tcp", "tcp")
	s.relayed(drawn)
	s.meet(light, drawn, "quic", "relay")
	s.eventually("the light client has sampled", func() bool { return light.status(t).Sampled > 0 })
	if by := light.connected(drawn.ready.PeerID); by != "relay" {
		t.Errorf("connected by %q: routers that draw ports were passed directly", by)
	}
}

// TestCarrier: a provider puts its homes behind one address. The router at home maps the port, which is worth nothing, and the
// node says why; holes are punched through both routers all the same, also where a neighbour has the port already.
func TestCarrier(t *testing.T) {
	s := newSwarm(t, 1)
	shared, drawing := s.lab.AddCarrier(lab.PortPreserving), s.lab.AddCarrier(lab.Symmetric)
	neighbour := s.customer("neighbour", lab.PortPreserving, shared, s.light("neighbour")...)
	home := s.customer("peer-of-carrier", lab.Mapping, shared, s.peer("peer")...)
	s.start(s.public("seq0", s.sequencer(0)...))
	s.start(neighbour) // it has the port 4848 outside
	s.eventually("the neighbour has sampled", func() bool { return neighbour.status(t).Sampled > 0 })
	s.start(home)
	s.relayed(home)
	s.eventually("the node has noticed the carrier", func() bool { return home.reach(t).CGNAT })
	s.meet(s.home("light1", lab.PortPreserving, s.light("light1")...), home, "quic", "quic")
	s.meet(s.home("light2", lab.PortPreserving, s.light("light2")...), home, "tcp", "tcp")
	s.meet(s.customer("light-of-drawing-carrier", lab.PortPreserving, drawing, s.light("light3")...), home, "quic", "relay")
	show(t, "nat: the peer behind a carrier is %s and says so: carrier-grade NAT", home.reach(t).State)
}
