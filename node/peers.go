package node

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"golang.org/x/sync/errgroup"

	"github.com/etherscale/bedrock/gossip"
	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// Bounds of asking peers how far away they are.
const (
	pingPatience = 2 * time.Second
	pingsAtOnce  = 16
)

var _ rpc.Peers = (*service)(nil)

// Peers implements rpc.Peers.
func (s *service) Peers(ctx context.Context, measured bool) ([]rpc.Peer, error) {
	n := s.n
	committee := n.committeeOf(n.chain.Epoch())
	list := []rpc.Peer{}
	for _, p := range n.host.Network().Peers() {
		conns := n.host.Network().ConnsToPeer(p)
		best := bestConn(conns)
		if best == nil {
			continue
		}
		out := rpc.Peer{ID: p.String(), Addr: best.RemoteMultiaddr().String(), Transport: p2p.TransportOf(best.RemoteMultiaddr()),
			Direction: directionOf(best), Connections: len(conns), Since: best.Stat().Opened.Unix(), Score: n.gossip.Score(p), Agent: n.agentOf(p)}
		if place, ok := memberAmong(committee, p); ok {
			out.Member = &place
		}
		out.Keeps = n.keepsRows(p)
		list = append(list, out)
	}
	if measured {
		n.measure(ctx, list)
	}
	slices.SortFunc(list, func(a, b rpc.Peer) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// Reachability implements rpc.Peers.
func (s *service) Reachability(context.Context) (*rpc.Reachability, error) {
	r := s.n.Reachability()
	return &r, nil
}

// place sorts members of the committee first.
func place(p rpc.Peer) uint64 {
	if p.Member == nil {
		return types.MaxCommittee
	}
	return *p.Member
}

// measure asks each peer for an echo. A peer that gives none in time keeps no latency.
func (n *Node) measure(ctx context.Context, list []rpc.Peer) {
	ctx, cancel := context.WithTimeout(p2p.AllowRelayed(ctx), pingPatience)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(pingsAtOnce)
	for i := range list {
		group.Go(func() error {
			id, err := peer.Decode(list[i].ID)
			if err != nil {
				return nil
			}
			own, stop := context.WithCancel(ctx)
			defer stop()
			select {
			case echo := <-ping.Ping(own, n.host, id):
				if echo.Error == nil {
					ms := float64(echo.RTT.Microseconds()) / 1000
					list[i].Latency = &ms
				}
			case <-ctx.Done():
			}
			return nil
		})
	}
	_ = group.Wait() // its jobs return no errors
}

// keepsRows reports whether a peer says that it speaks the protocol of rows.
func (n *Node) keepsRows(p peer.ID) bool {
	protocols, err := n.host.Peerstore().GetProtocols(p)
	return err == nil && slices.ContainsFunc(protocols, func(id protocol.ID) bool { return p2p.CarriesRows(id) })
}

// mostAgent bounds what is shown of the name that a peer gives its program.
const mostAgent = 64

// agentOf is what a peer calls its program, printable and short.
func (n *Node) agentOf(p peer.ID) string {
	value, err := n.host.Peerstore().Get(p, "AgentVersion")
	text, isText := value.(string)
	if err != nil || !isText {
		return ""
	}
	return printable(text, mostAgent)
}

// printable is a stranger's text without what a terminal would act on, and not longer than most.
func printable(text string, most int) string {
	out := make([]rune, 0, most)
	for _, r := range text {
		if len(out) == most {
			break
		}
		if r < ' ' || r > '~' {
			r = '?'
		}
		out = append(out, r)
	}
	return string(out)
}

// memberAmong is the place of a peer in a committee, which may be nil.
func memberAmong(committee *types.Committee, p peer.ID) (uint64, bool) {
	if committee == nil {
		return 0, false
	}
	key, err := gossip.KeyOf(p)
	if err != nil {
		return 0, false
	}
	place, ok := committee.Index(key)
	return uint64(place), ok
}

// directionOf says who opened a connection.
func directionOf(c network.Conn) string {
	if c.Stat().Direction == network.DirInbound {
		return "in"
	}
	return "out"
}

// bestConn is the connection that streams take: a direct one before a relayed one; nil if there is none.
func bestConn(conns []network.Conn) network.Conn {
	for _, c := range conns {
		if !p2p.IsRelayed(c.RemoteMultiaddr()) {
			return c
		}
	}
	if len(conns) > 0 {
		return conns[0]
	}
	return nil
}
