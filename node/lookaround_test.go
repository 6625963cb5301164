package node

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/etherscale/bedrock/rpc"
)

// TestLookAround dials a host that is there and one that is not, without a key of the node's own, also where the port is taken.
func TestLookAround(t *testing.T) {
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	there, err := newHost(hostConfig{key: key, role: Bootstrap, limits: LimitsOf(ProfileBootstrap, Bootstrap), log: slog.New(slog.DiscardHandler),
		listen: []multiaddr.Multiaddr{multiaddr.StringCast("/ip4/127.0.0.1/tcp/0")}})
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	port, err := there.Addrs()[0].ValueForProtocol(multiaddr.P_TCP)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Role: Peer, Listen: []string{"/ip4/127.0.0.1/tcp/" + port},
		Bootstrap: append(fullAddrs(there), "/ip4/127.0.0.1/tcp/1/p2p/"+PublicKeyOf(other).PeerID())}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s, err := LookAround(ctx, cfg, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Contacts) != 2 || s.Contacts[0].Err != nil || s.Contacts[0].Took <= 0 || s.Contacts[0].Agent != Program() || s.Contacts[1].Err == nil {
		t.Errorf("one of two answers: %+v", s.Contacts)
	}
	if s.Reach.Network != "private" || s.Reach.State != rpc.Unknown {
		t.Errorf("a network of one machine: %+v", s.Reach)
	}
}
