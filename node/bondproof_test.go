package node

import (
	"context"
	"errors"
	"log/slog"
	"math/big"
	"testing"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/fraud"
	"github.com/etherscale/bedrock/rpc/verified"
	"github.com/etherscale/bedrock/types"
)

// onePeer answers as a node that executed the chain does, unless it is silent.
type onePeer struct {
	prove  func(context.Context, *types.StateRequest) ([]byte, bool)
	silent bool
	asked  int
}

func (p *onePeer) Consult(ctx context.Context, visit func(context.Context, verified.Ask) (any, error)) (any, error) {
	return visit(ctx, func(r *types.StateRequest) ([]byte, error) {
		p.asked++
		if answer, ok := p.prove(ctx, r); ok && !p.silent {
			return answer, nil
		}
		return nil, errors.New("it has none")
	})
}

// TestLightClientKnowsBondsByProof: who may assert is what a settled state says that is younger than the unbonding delay; without
// a proof nobody new may, and nobody at all once all that is known is older.
func TestLightClientKnowsBondsByProof(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	newcomer, founder := exectest.PublicKey(30), s.Genesis.Provers[0]
	s.Apply()
	s.Apply(s.Bond(3, 30, types.BondProver, big.NewInt(1e18)))
	s.Apply() // the contract decides about requests at the next block
	s.Apply()
	s.ApplyHeader(func(h *types.Header) {
		h.Verdicts = []types.Verdict{{Challenge: types.BatchIDOf([]byte("a lie")), Kind: uint64(fraud.KindWrongState), Accused: newcomer}}
	})
	s.Apply()
	n := lightOver(t, s, t.TempDir(), 6)
	defer n.Close()
	full := &Node{exec: s.Chain, log: slog.New(slog.DiscardHandler)}
	peer := &onePeer{prove: full.proveHandler()}
	n.view = verified.New(verified.Config{Rules: s.Rules(), Chain: claimed{n}, Peers: peer})
	settle := func(h types.Height) {
		t.Helper()
		own, err := fraud.OwnParent(s.Chain, h)
		if err == nil {
			err = n.proofs.tracker.Rebase(own)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	expect := func(when string, key types.PublicKey, known, stands bool) {
		t.Helper()
		if bond, ok := n.proofs.bonds.of(key); ok != known || bond.Stands != stands {
			t.Errorf("%s: %+v, %t", when, bond, ok)
		}
	}
	expect("by the genesis", founder, true, true)
	expect("by the genesis", newcomer, false, false)
	if peer.asked > 0 {
		t.Error("the genesis is known without asking")
	}
	settle(1)
	expect("before it bonded", newcomer, false, false)
	peer.silent = true
	settle(4)
	expect("bonded, and nobody proves it", newcomer, false, false)
	expect("a founder, and nobody proves it", founder, false, false)
	peer.silent = false
	expect("bonded", newcomer, true, true)
	expect("still bonded", founder, true, true)
	asked := peer.asked
	expect("known", newcomer, true, true)
	peer.silent = true
	expect("known", founder, true, true)
	if peer.asked != asked {
		t.Error("what is known is asked again")
	}
	settle(5)
	n.proofs.tracker.Convict(&fraud.Finding{Kind: fraud.KindWrongState, Height: 4, Accused: []types.PublicKey{newcomer}})
	expect("slashed, and nobody proves it", newcomer, true, true)
	peer.silent = false
	expect("slashed: known still, for challenges", newcomer, true, false)
	n.cfg.Genesis.UnbondingDelay = 1
	expect("all that is known is older than the unbonding delay", newcomer, false, false)
	expect("all that is known is older than the unbonding delay", founder, false, false)
}
