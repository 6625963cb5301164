package node

import (
	"fmt"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// standing is what status says of the node's own bond: nil at nodes that read no state, in networks without bonds, and where
// a bond is neither there nor wanted.
func (n *Node) standing() *rpc.OwnBond {
	if n.exec == nil || n.cfg.Genesis.Bonding == nil {
		return nil
	}
	s, err := n.exec.Standing(n.key)
	if err != nil { // status has more to tell than this
		return &rpc.OwnBond{State: "unknown", Note: err.Error()}
	}
	if s.Status == 0 && n.cfg.Role != config.Sequencer && n.cfg.Role != config.Prover {
		return nil
	}
	out := &rpc.OwnBond{State: s.Status.String(), Stake: (*rpc.Wei)(s.Stake), Serves: s.Serves, Next: s.Next, Note: n.bondNote(s)}
	switch s.Role {
	case types.BondSequencer:
		out.Role = string(config.Sequencer)
	case types.BondProver:
		out.Role = string(config.Prover)
	}
	if s.Status != 0 {
		out.Owner, out.Operator = fmt.Sprintf("0x%x", s.Owner), fmt.Sprintf("0x%x", s.Operator)
	}
	return out
}

// bondNote says what its owner should know of a bond, or do.
func (n *Node) bondNote(s execution.Standing) string {
	switch {
	case s.Status == 0:
		return "no bond: `bedrock bond` asks for one"
	case s.Status == execution.BondSlashed:
		return "this key was proven dishonest: its stake is lost and it never bonds again"
	case s.Status == execution.BondReleased:
		return "released: `bedrock withdraw` pays it out, `bedrock bond` bonds it again"
	case s.Status == execution.BondLeaving && s.Serves:
		return fmt.Sprintf("leaving: it serves until block %d", (uint64(s.Epoch)+1)*n.cfg.Genesis.EpochLength)
	case s.Status == execution.BondLeaving && s.Clock < s.Until+n.cfg.Genesis.UnbondingDelay:
		return fmt.Sprintf("leaving: the stake answers for what it signed for another %.0f s of the chain's time", float64(s.Until+n.cfg.Genesis.UnbondingDelay-s.Clock)/1e6)
	case s.Status == execution.BondLeaving:
		return "leaving, and the delay is over: `bedrock withdraw` pays it out"
	case n.ready != nil && n.ready.why() != "":
		return n.ready.why()
	case s.Role == types.BondSequencer && n.cfg.Role != config.Sequencer:
		return fmt.Sprintf("bonded as a sequencer, and this node runs as a %s", n.cfg.Role)
	case s.Role == types.BondProver && n.cfg.Role != config.Prover:
		return fmt.Sprintf("bonded as a prover, and this node runs as a %s", n.cfg.Role)
	}
	return ""
}
