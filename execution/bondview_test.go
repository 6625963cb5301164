package execution_test

import (
	"math/big"
	"testing"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// A bond as a node reads it, from a stranger's request to the committee and out again.
func TestStanding(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	abi := exectest.ABI()
	check := func(what string, peer int, status execution.BondStatus, serves, next bool) execution.Standing {
		t.Helper()
		have, err := s.Chain.Standing(exectest.PublicKey(peer))
		if err != nil {
			t.Fatal(err)
		}
		if have.Status != status || have.Serves != serves || have.Next != next || have.Height != s.Chain.Height() {
			t.Fatalf("%s: %+v", what, have)
		}
		return have
	}
	check("a member of the genesis", 0, execution.BondActive, true, true)
	check("a prover of the genesis", 4, execution.BondActive, false, false)
	check("a stranger", 8, 0, false, false)
	s.Apply(s.Bond(8, 8, types.BondSequencer, ether(3)))
	check("a request that waits", 8, 0, false, false)
	s.Apply()
	bonded := check("bonded", 8, execution.BondActive, false, false)
	if bonded.Owner != exectest.Address(8) || bonded.Role != types.BondSequencer || bonded.Stake.Cmp(ether(3)) != 0 || bonded.Epoch != 0 {
		t.Errorf("bond %+v", bonded)
	}
	s.Apply(s.Send(8, new(big.Int), abi.PackReady(exectest.PublicKey(8))))
	if ready := check("ready", 8, execution.BondActive, false, true); ready.ReadyFor != 1 {
		t.Errorf("ready for %d", ready.ReadyFor)
	}
	committee := append([]types.CommitteeMember{{Key: exectest.PublicKey(8), Stake: 3}}, s.Genesis.Committee...)
	s.ApplyHeader(func(h *types.Header) {
		h.Next = &types.EpochEnd{Committee: committee, Rewards: make([]uint64, len(s.Genesis.Committee))}
	})
	check("serving", 8, execution.BondActive, true, true)
	s.Apply(s.Send(8, new(big.Int), abi.PackUnbond(exectest.PublicKey(8))))
	leaving := check("leaving", 8, execution.BondLeaving, true, false)
	if leaving.Clock == 0 || leaving.Until > leaving.Clock || leaving.Served != 2 {
		t.Errorf("leaving %+v", leaving)
	}
	bond, err := s.Chain.Bond(exectest.PublicKey(8))
	if err != nil || bond.Status != execution.BondLeaving || bond.Stake.Cmp(leaving.Stake) != 0 {
		t.Errorf("bond alone %+v: %v", bond, err)
	}
	for status, want := range map[execution.BondStatus]string{0: "none", execution.BondActive: "active", execution.BondLeaving: "leaving",
		execution.BondReleased: "released", execution.BondSlashed: "slashed", 9: "none"} {
		if status.String() != want {
			t.Errorf("status %d is %q", status, status)
		}
	}
}
