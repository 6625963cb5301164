package node

import (
	"testing"
	"time"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// TestEquivocationsAreChallenged: two vertices of one round become one challenge that names their author, however often the
// core proves it.
func TestEquivocationsAreChallenged(t *testing.T) {
	s := exectest.New(t, nil)
	n := lightOver(t, s, t.TempDir(), 0)
	defer n.Close()
	member := types.Member(1)
	key := n.committeeOf(0).Member(member).Key
	var sign func(types.Hash) types.Signature
	for i := range 8 {
		if k := exectest.PeerKey(i); config.PublicKeyOf(k) == key {
			sign = func(d types.Hash) types.Signature { return types.SignDigest(k, d) }
		}
	}
	if sign == nil {
		t.Fatal("the key of member 1 is not among the test keys")
	}
	half := func(body byte) types.SignedVertexID {
		id := types.VertexID{Version: types.Version, Network: n.network, Round: 7, Author: member, Time: 9, Body: types.Hash{body}}
		return types.SignedVertexID{ID: id, Signature: sign(id.Digest())}
	}
	proof := types.NewEquivocation(half(1), half(2))
	if err := proof.Check(n.network, 0, n.committeeOf(0)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		n.onEquivocations([]types.Equivocation{proof})
	}
	for range 4 { // the node does not run: its background work is done by hand
		select {
		case job := <-n.background.jobs:
			job(t.Context())
		case <-time.After(time.Millisecond):
		}
	}
	listed, err := (&service{n: n}).Challenges(t.Context(), 0, 10)
	if err != nil || len(listed) != 1 {
		t.Fatalf("%d challenges listed: %v", len(listed), err)
	}
	if got := listed[0]; got.Kind != "double-vertex" || got.Accused != key.PeerID() || got.Verdict != "valid" || got.Height != rpc.Height(0) {
		t.Fatalf("%+v", got)
	}
}
