//go:build linux

package nat

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/test/nat/lab"
)

// connected is how a machine is connected to a peer: quic, tcp, relay, or "" for not at all.
func (m *machine) connected(peer string) string {
	var peers []rpc.Peer
	if err := m.ask(&peers, "bedrock_peers"); err != nil {
		return ""
	}
	for _, p := range peers {
		if p.ID == peer {
			return p.Transport
		}
	}
	return ""
}

// circuit is the address of a machine by way of the bootstrap node's relay, over a transport.
func (s *swarm) circuit(to *machine, transport string) string {
	for _, a := range s.boot.ready.Addrs {
		if strings.Contains(a, "/quic-v1/") == (transport == "quic") && strings.HasPrefix(a, "/ip4/45.") {
			return a + "/p2p-circuit/p2p/" + to.ready.PeerID
		}
	}
	s.Fatalf("the bootstrap node has no %s address among %q", transport, s.boot.ready.Addrs)
	return ""
}

func listenOn(transport string) string {
	if transport == "quic" {
		return "/ip4/0.0.0.0/udp/4848/quic-v1"
	}
	return "/ip4/0.0.0.0/tcp/4848"
}

// TestHolePunches: light clients at home reach a peer at home through a relay, and then directly: every time, over QUIC and TCP.
func TestHolePunches(t *testing.T) {
	s := newSwarm(t, 1)
	sequencer := s.public("seq0", s.sequencer(0)...)
	home := s.home("peer", lab.PortPreserving, s.peer("peer")...)
	s.start(sequencer)
	s.start(home)
	s.eventually("the home peer has a relay", func() bool { return len(home.reach(t).Relays) > 0 })

	const homes = 4
	rounds := 5
	if *long {
		rounds = 25
	}
	var lights []*machine
	for i := range homes {
		lights = append(lights, s.home(fmt.Sprintf("light%d", i), lab.PortPreserving))
	}
	took := make(map[string][]time.Duration)
	tried := 0
	for round := range rounds {
		transport := []string{"quic", "tcp"}[round%2]
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i, l := range lights {
			l.args = s.light(fmt.Sprintf("light%d-%d", i, round)) // a new home each time: nobody remembers anything
			s.start(l, "--bootstrap", s.circuit(home, transport), "--listen", listenOn(transport))
			tried++
			begin := time.Now()
			wg.Go(func() {
				for time.Since(begin) < 20*time.Second {
					if by := l.connected(home.ready.PeerID); by == transport {
						mu.Lock()
						took[transport] = append(took[transport], time.Since(begin))
						mu.Unlock()
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		for _, l := range lights {
			l.stop(t)
			l.host.Move() // and the router has forgotten all
		}
	}
	done := append(slices.Clone(took["quic"]), took["tcp"]...)
	for _, transport := range []string{"quic", "tcp"} {
		show(t, "nat: holes punched over %s: %d, p50 %.2f s, longest %.2f s", transport, len(took[transport]), middle(took[transport]).Seconds(), last(took[transport]).Seconds())
	}
	show(t, "nat: holes punched between port-preserving routers: %d of %d, p50 %.2f s", len(done), tried, middle(done).Seconds())
	if len(done) != tried {
		t.Errorf("%d of %d holes were punched", len(done), tried)
	}
}

func middle(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[(len(d)-1)/2]
}

func last(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	return slices.Max(d)
}

// TestSymmetricGoesThroughTheRelay: between two routers that draw a port for each conversation no hole can be punched. What the
// peers have to say goes through the relay: a light client samples with nobody else to ask for what that peer has.
func TestSymmetricGoesThroughTheRelay(t *testing.T) {
	s := newSwarm(t, 1)
	sequencer := s.public("seq0", s.sequencer(0)...)
	home := s.home("peer", lab.Symmetric, s.peer("peer")...)
	light := s.home("light", lab.Symmetric, s.light("light")...)
	s.start(sequencer)
	s.start(home)
	s.eventually("the home peer has a relay", func() bool { return len(home.reach(t).Relays) > 0 })
	s.start(light, "--bootstrap", s.circuit(home, "tcp"))
	took := s.eventually("the light client is connected through the relay", func() bool { return light.connected(home.ready.PeerID) == "relay" })
	sampled := s.eventually("the light client has sampled", func() bool { return light.status(t).Sampled > 0 })
	blocks := s.serves(home, light, 0)
	show(t, "nat: rows come through the relay: the light client's verdicts rest on some of that peer (%d blocks with data)", blocks)
	by := light.connected(home.ready.PeerID)
	show(t, "nat: two symmetric routers: connected after %.2f s by %s, first sample after %.1f s", took.Seconds(), by, sampled.Seconds())
	if by != "relay" {
		t.Errorf("connected by %q: symmetric routers were passed directly", by)
	}
}

// TestRouterMapsThePort: where the router speaks NAT-PMP the node asks it for its port, and strangers dial it directly.
func TestRouterMapsThePort(t *testing.T) {
	s := newSwarm(t, 1)
	sequencer := s.public("seq0", s.sequencer(0)...)
	home := s.home("peer", lab.Mapping, s.peer("peer")...)
	s.start(sequencer)
	s.start(home)
	took := s.eventually("the router has mapped the port", func() bool { return len(home.reach(t).Mapped) > 0 })
	r := home.reach(t)
	show(t, "nat: the router mapped %s after %.1f s", strings.Join(r.Mapped, " and "), took.Seconds())
	stranger := s.home("light", lab.Symmetric, s.light("light")...)
	s.start(stranger, "--bootstrap", r.Mapped[0]+"/p2p/"+home.ready.PeerID)
	took = s.eventually("a stranger is directly connected", func() bool {
		by := stranger.connected(home.ready.PeerID)
		return by != "" && by != "relay"
	})
	show(t, "nat: a light client behind a symmetric router dials the mapped port directly: %.2f s", took.Seconds())
}
