package rpc

import (
	"fmt"

	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// JoiningError says that the node has not come near the newest block since its start: what it knows of the newest state is
// long outdated, and a transaction cannot be judged by it.
type JoiningError struct{ How string }

// Error tells what to do.
func (e *JoiningError) Error() string {
	return fmt.Sprintf("this node is still joining the network (%s): ask again later, or another node; `bedrock status` and eth_syncing tell how far it is", e.How)
}

// stillJoining is a JoiningError while joining gives words.
func stillJoining(joining func() string) error {
	if joining == nil {
		return nil
	}
	if how := joining(); how != "" {
		return &JoiningError{how}
	}
	return nil
}

// isNewest reports whether a block parameter stands for the newest block.
func isNewest(at *gethrpc.BlockNumberOrHash) bool {
	if at == nil {
		return true
	}
	number, ok := at.Number()
	return ok && (number == gethrpc.LatestBlockNumber || number == gethrpc.PendingBlockNumber)
}
