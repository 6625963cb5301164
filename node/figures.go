package node

import (
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/sequencer"
	"github.com/etherscale/bedrock/types"
)

// Figures counts a sequencer's work in the newest epoch since it was opened.
type Figures struct {
	Order  consensus.Status
	Driver sequencer.Stats
	Fsyncs uint64 // of the vertex log
}

// Figures is a snapshot; false at nodes that are not in the committee.
func (n *Node) Figures() (Figures, bool) {
	if n.order == nil {
		return Figures{}, false
	}
	seq, log, ok := n.order.Current()
	if !ok {
		return Figures{}, false
	}
	return Figures{Order: seq.Status(), Driver: seq.Stats(), Fsyncs: log.Syncs()}, true
}

// Body is the data of a certified block that is stored here; types.DecodeBlockData gives its transactions.
func (n *Node) Body(h types.Height) ([]byte, error) { return n.chain.Body(h) }
