package verified

import (
	"errors"
	"math/big"
	"testing"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// TestBondsAreProven: what a settled state says of a key is what whoever executed reads, before and after it bonds.
func TestBondsAreProven(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	s.Apply()
	s.Apply(s.Bond(3, 30, types.BondProver, big.NewInt(1e18)))
	s.Apply() // the contract decides about requests at the next block
	s.Apply()
	newcomer := exectest.PublicKey(30)
	f := &followed{s, 1, 1}
	v := New(Config{Rules: s.Rules(), Chain: f, Peers: &crowd{peers: []peerFunc{honest(s)}}})
	if b, err := v.Bond(t.Context(), f.value(1), newcomer); err != nil || b.Status != 0 {
		t.Errorf("before: %+v, %v", b, err)
	}
	f.settled, f.asserted = 4, 4
	for _, key := range append([]types.PublicKey{newcomer}, s.Genesis.Provers...) {
		want, err := s.Chain.Bond(key)
		if err != nil || want.Status != execution.BondActive || want.Role != types.BondProver {
			t.Fatalf("%+v, %v", want, err)
		}
		got, err := v.Bond(t.Context(), f.value(4), key)
		if err != nil || got.Owner != want.Owner || got.Operator != want.Operator || got.Status != want.Status || got.Role != want.Role || got.Stake.Cmp(want.Stake) != 0 {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	silent := New(Config{Rules: s.Rules(), Chain: f, Peers: &crowd{}})
	if b, err := silent.Bond(t.Context(), f.value(4), newcomer); !errors.Is(err, ErrUnproven) {
		t.Errorf("without a peer: %+v, %v", b, err)
	}
}
