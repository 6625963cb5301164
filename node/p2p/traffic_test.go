package p2p

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/protocol"
)

func TestUsesOfProtocols(t *testing.T) {
	for id, want := range map[protocol.ID]string{
		"/meshsub/1.2.0": "gossip", "/bedrock/abcd/dag/1": "ordering", "/bedrock/abcd/dagfetch/1": "ordering", "/bedrock/abcd/block/1": "blocks",
		"/bedrock/abcd/tx/1": "transactions", "/bedrock/abcd/state/1": "proofs", "/bedrock/abcd/row/2": "rows", "/bedrock/abcd/kad/1.0.0": "routing",
		"/bedrock/abcd/snapshot/1": "snapshot", "/ipfs/id/1.0.0": "connecting", "/libp2p/dcutr": "connecting", "/bedrock/": "connecting", "": "connecting",
	} {
		if got := uses()[useOf(id)]; got != want {
			t.Errorf("%q is for %s, want %s", id, got, want)
		}
	}
}
