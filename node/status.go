package node

import (
	"fmt"

	"github.com/etherscale/bedrock/node/p2p"
	"github.com/etherscale/bedrock/rpc"
)

// addState adds to a status what it says of the node as such.
func (n *Node) addState(s *rpc.Status) {
	s.Network, s.Version, s.Since = n.NetworkName(), p2p.UserAgent, n.since
	s.CertifiedAt = n.chain.Head().Header.Time.Std().UTC()
	s.Confidence = n.meter.sure()
	r := n.Reachability()
	s.Relayed = r.Relayed
	switch {
	case r.Network != "public":
	case r.State != rpc.Reachable && len(r.Relays) > 0:
		s.Reachability = "relayed"
	default:
		s.Reachability = r.State
	}
	if a, ok := n.Account(); ok {
		s.Account = fmt.Sprintf("0x%x", a)
	}
	s.Budgets, s.Joining = n.budgets(), n.joiningStatus()
	ready := n.readiness()
	s.Ready, s.Health = ready.Ready, ready.Health
}
