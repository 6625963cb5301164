package node

import (
	"errors"

	"github.com/etherscale/bedrock/chain"
	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/consensus/sequencer"
	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/store"
)

// endCode is the health code of an error that ends a node; false for errors without one.
func endCode(err error) (health.ID, bool) {
	for _, end := range []struct {
		err  error
		code health.ID
	}{
		{sequencer.ErrTwin, health.Twin}, {sequencer.ErrOldCopy, health.Twin}, {store.ErrDiskFull, health.DiskFull}, {ErrDiskBudget, health.DiskFull},
		{chain.ErrRuleVersion, health.RulesNewer}, {consensus.ErrRuleVersion, health.RulesNewer}, {chain.ErrStale, health.CheckpointOld},
	} {
		if errors.Is(err, end.err) {
			return end.code, true
		}
	}
	return "", false
}

// ended raises the code of what ended the node, and logs it with the next step. It returns the error.
func (n *Node) ended(err error) error {
	id, known := endCode(err)
	if !known {
		return err
	}
	n.health.Set(id, err.Error())
	if code, ok := health.Find(id); ok {
		n.log.Error(code.Title, "code", code.ID, "error", err, "next", code.Next)
	}
	return err
}
