package node

import "github.com/etherscale/bedrock/types"

// Progress says how far what this node knows has come. Heights are those up to which everything is so.
type Progress struct {
	Schema    int          `json:"schema"`
	Certified types.Height `json:"certified"`
	Sampled   types.Height `json:"sampled"`
	Asserted  types.Height `json:"asserted"`
	Settled   types.Height `json:"settled"`
	Stopped   string       `json:"stopped,omitempty"` // why the node follows no further
}

// Progress is where the node stands.
func (n *Node) Progress() Progress {
	p := Progress{Schema: 1, Certified: n.Head(), Sampled: n.sampled(), Asserted: n.asserted(), Settled: n.settled()}
	if s := n.stopped(); s != nil {
		p.Stopped = s.Reason
	}
	return p
}
