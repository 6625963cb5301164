package swarm

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
	"github.com/quic-go/quic-go"
)

const (
	// minDelay and maxDelay bound the one-way delay of a pair of peers.
	minDelay = 10 * time.Millisecond
	maxDelay = 60 * time.Millisecond
	// DefaultLine is what a peer's line carries up, and down, in bit/s.
	DefaultLine = 20_000_000
	// packetOverhead is what IPv4 and UDP add to each packet.
	packetOverhead = 28
	port           = 4848
)

// delay is the one-way delay between two peers, the same in both directions: a hash of their addresses, evenly spread.
func delay(p *simnet.Packet) time.Duration {
	a, b := addressNumber(p.From), addressNumber(p.To)
	h := fnv.New64a()
	_ = binary.Write(h, binary.LittleEndian, [2]uint32{min(a, b), max(a, b)})
	const steps = 1 << 16
	// Of FNV's bits the higher ones are the better mixed.
	return minDelay + (maxDelay-minDelay)*time.Duration(h.Sum64()>>32%steps)/steps
}

func addressNumber(a net.Addr) uint32 {
	udp, ok := a.(*net.UDPAddr)
	if !ok || udp.IP.To4() == nil {
		return 0
	}
	return binary.BigEndian.Uint32(udp.IP.To4())
}

// publicIP is the address of peer i, alone in its /16.
func publicIP(i int) net.IP { return net.IPv4(byte(11+i/250), byte(i%250), 7, 10) }

// line is a peer's end of the wire.
type line struct {
	*simnet.SimConn
	silent *atomic.Bool
}

// WriteTo sends, unless the peer is silent.
func (l line) WriteTo(p []byte, to net.Addr) (int, error) {
	if l.silent.Load() {
		return len(p), nil
	}
	return l.SimConn.WriteTo(p, to)
}

// ReadFrom receives; what reaches a silent peer is gone.
func (l line) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := l.SimConn.ReadFrom(p)
		if err != nil || !l.silent.Load() {
			return n, from, err
		}
	}
}

// source answers libp2p which of the own addresses reaches a destination: the only one.
type source struct{ ip net.IP }

// PreferredSourceIPForDestination implements quicreuse.SourceIPSelector.
func (s source) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) { return s.ip, nil }

// wire makes a libp2p host whose QUIC runs over the simulated network. The returned line and QUIC manager are the
// caller's: the manager must be closed after the host.
type wire struct {
	host   host.Host
	line   *simnet.SimConn
	silent *atomic.Bool
	quic   *quicreuse.ConnManager
	rows   atomic.Int64 // bytes of answers of the row protocol
	// conduct is what the peer does in place of what it should; nil for an honest one.
	conduct atomic.Pointer[Conduct]
}

// serverConns are the marks of a server's connection manager: libp2p's own would cut publishers off.
var serverConns = [2]int{96, 160}

func newWire(nw *simnet.Simnet, key ed25519.PrivateKey, ip net.IP, conns [2]int, bits int) (*wire, error) {
	identity, err := crypto.UnmarshalEd25519PrivateKey(key)
	if err != nil {
		return nil, err
	}
	connections, err := connmgr.NewConnManager(conns[0], conns[1], connmgr.WithGracePeriod(time.Minute))
	if err != nil {
		return nil, err
	}
	w := &wire{silent: new(atomic.Bool)}
	settings := simnet.NodeBiDiLinkSettings{Uplink: simnet.LinkSettings{BitsPerSecond: bits}, Downlink: simnet.LinkSettings{BitsPerSecond: bits}}
	listen := func(_ string, a *net.UDPAddr) (net.PacketConn, error) {
		w.line = nw.NewEndpoint(a, settings)
		return line{w.line, w.silent}, nil
	}
	manager := func(reset quic.StatelessResetKey, token quic.TokenGeneratorKey, opts ...quicreuse.Option) (*quicreuse.ConnManager, error) {
		w.quic, err = quicreuse.NewConnManager(reset, token, opts...)
		return w.quic, err
	}
	w.host, err = libp2p.New(libp2p.Identity(identity), libp2p.ConnectionManager(connections),
		libp2p.ListenAddrStrings(fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", ip, port)),
		libp2p.QUICReuse(manager, quicreuse.OverrideListenUDP(listen),
			quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return source{ip}, nil })),
		libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.DisableRelay(), libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery())
	if err != nil {
		return nil, fmt.Errorf("swarm: host at %s: %w", ip, err)
	}
	return w, nil
}

// traffic is what a line carried, in bytes on the wire with the headers of IP and UDP; rows is what came on streams of the
// row protocol, without anything below.
type traffic struct{ sent, received, rows int64 }

func (w *wire) traffic() traffic {
	s := w.line.Stats()
	return traffic{int64(s.BytesSent + packetOverhead*s.PacketsSent), int64(s.BytesRcvd + packetOverhead*s.PacketsRcvd), w.rows.Load()}
}

func (w *wire) close() {
	_ = w.host.Close()
	_ = w.quic.Close()
}
