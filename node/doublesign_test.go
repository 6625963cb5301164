package node

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/rpc"
	"github.com/etherscale/bedrock/types"
)

// TestTwoSignaturesOfOneHeight: whoever sees in a member's vertices that it signed two headers of one height challenges it, in
// whatever order they come and whether the node knows one of the headers or neither; and nobody is challenged who signed one.
func TestTwoSignaturesOfOneHeight(t *testing.T) {
	s := exectest.New(t, nil)
	s.Apply(s.Transfer(0, 1, 1))
	n, _ := honestNode(t, s, 0, config.Peer, t.TempDir(), nil)
	certify(t, s, n, 1)
	known, _ := s.Certified(1)
	passed := 0
	push := n.watchPushes(func(types.Member, *types.Push) { passed++ })
	say := func(key int, round types.Round, h types.Header) {
		author, _ := s.Committee().Index(exectest.PublicKey(key))
		signature := types.HeaderSignature{Height: h.Height, Digest: h.Digest(), Signature: types.SignDigest(exectest.PeerKey(key), h.Digest())}
		v := types.NewVertex(types.VertexID{Version: types.Version, Network: s.Network, Round: 1, Author: author, Time: types.Time(round)},
			types.VertexBody{Parents: types.NewBitmap(s.Committee().Len()), HeaderSignatures: []types.HeaderSignature{signature}})
		push(author, &types.Push{Vertices: [][]byte{v.WithSignature(types.SignDigest(exectest.PeerKey(key), v.Digest())).Encode()}})
	}
	other := known.Header
	other.VertexIndex++
	ahead, aside := other, other
	ahead.Height, aside.Height = 9, 9
	aside.VertexIndex++
	for i, h := range []types.Header{known.Header, known.Header, other} { // the first is known here
		say(0, types.Round(i), h)
	}
	for i, h := range []types.Header{other, known.Header} { // it comes last
		say(1, types.Round(i), h)
	}
	for i, h := range []types.Header{ahead, aside} { // neither is known
		say(2, types.Round(i), h)
	}
	say(3, 0, known.Header)
	say(3, 1, ahead)
	if passed != 9 {
		t.Error(passed, "pushes were passed on")
	}
	var list []rpc.Conviction
	soon(t, "three convictions", func() (err error) {
		if list, err = n.proofs.ledger.convictions(); err == nil && len(list) < 3 {
			err = fmt.Errorf("%+v", list)
		}
		return err
	})
	for key := range 4 {
		id := exectest.PublicKey(key).PeerID()
		convicted := slices.ContainsFunc(list, func(c rpc.Conviction) bool {
			return c.Sequencer == id && c.Kind == fraud.KindDoubleSignature.String()
		})
		if convicted != (key < 3) {
			t.Errorf("member with key %d: convicted %t", key, convicted)
		}
	}
	if n.chain.Err() != nil {
		t.Error(errors.New("one member's fault stopped the node"), n.chain.Err())
	}
}
