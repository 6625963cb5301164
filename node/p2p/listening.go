package p2p

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// free is where the host can listen: Listen, or any port where one of its ports is taken and the host may move. libp2p itself would
// share a TCP port with another node of this user, each taking the other's connections away, and do without a UDP port.
func (c *Config) free() ([]multiaddr.Multiaddr, error) {
	for _, a := range c.Listen {
		err := taken(a)
		switch {
		case err == nil:
		case c.MayMove:
			c.Log.Info("the usual port is taken: the node listens at another", "usual", a)
			return ParseAddrs(anyPort())
		default:
			return nil, fmt.Errorf("listen: %s is taken, maybe by another node on this machine; stop it, or choose another port with --listen: %w", a, err)
		}
	}
	return c.Listen, nil
}

// anyPort are the addresses to listen at where the node's own are taken.
func anyPort() []string {
	return []string{"/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1", "/ip6/::/tcp/0", "/ip6/::/udp/0/quic-v1"}
}

// taken is the system's refusal where somebody listens at an address already, else nil.
func taken(a multiaddr.Multiaddr) error {
	network, address, err := manet.DialArgs(a)
	if err != nil {
		return nil // nothing with ports
	}
	var socket io.Closer
	if strings.HasPrefix(network, "udp") {
		socket, err = net.ListenPacket(network, address)
	} else {
		socket, err = net.Listen(network, address)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	if err == nil {
		_ = socket.Close()
	}
	return nil
}
