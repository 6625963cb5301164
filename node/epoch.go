package node

import "github.com/etherscale/bedrock/types"

// committeeOf is the committee of an epoch that certified headers have named; nil for any other.
func (n *Node) committeeOf(e types.Epoch) *types.Committee {
	committee, _ := n.chain.Committee(e)
	return committee
}

// placeIn is this node's index in the committee of an epoch; false if it is not in it.
func (n *Node) placeIn(e types.Epoch) (types.Member, bool) {
	committee := n.committeeOf(e)
	if committee == nil {
		return 0, false
	}
	return committee.Index(n.key)
}
