package execution_test

import (
	"errors"
	"math/big"
	"testing"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// lookback is the height whose state decides the committee of epoch 1 in the bonded test genesis.
const lookback = 65 - execution.CommitteeLookback

// TestNextEpochFromState: the largest stakes are chosen, of equal ones the smaller keys; of newcomers those that announced to be
// ready; nobody who leaves or was slashed. The answer is that of the one height, and survives a crash.
func TestNextEpochFromState(t *testing.T) {
	if execution.CommitteeLookback != consensus.CommitteeLookback {
		t.Fatal("ordering and execution look back to different heights")
	}
	s := exectest.New(t, func(g *types.Genesis) {
		exectest.Bonded(g)
		g.Bonding.MaxCommittee = 4
	})
	abi := exectest.ABI()
	ready := func(i int) []byte { return s.Send(i, new(big.Int), abi.PackReady(exectest.PublicKey(i))) }
	s.Apply(s.Bond(8, 8, types.BondSequencer, ether(3)), s.Bond(9, 9, types.BondSequencer, ether(9)), s.Bond(10, 10, types.BondSequencer, ether(1)))
	s.Apply(s.Send(0, new(big.Int), abi.PackUnbond(exectest.PublicKey(0))))
	s.Apply(ready(8), ready(10))
	s.ApplyHeader(func(h *types.Header) { h.Verdicts = []types.Verdict{{Accused: exectest.PublicKey(1)}} })
	for s.Chain.Height() < lookback {
		s.Apply()
	}
	next, err := s.Chain.NextEpochAt(lookback)
	if err != nil {
		t.Fatal(err)
	}
	s.Apply(ready(9)) // too late for this choice
	stakes := map[types.PublicKey]types.Stake{}
	for _, m := range next.Committee {
		stakes[m.Key] = m.Stake
	}
	want := map[int]types.Stake{2: 1, 3: 1, 8: 3, 10: 1}
	for i, stake := range want {
		if stakes[exectest.PublicKey(i)] != stake {
			t.Errorf("peer %d: stake %d, want %d", i, stakes[exectest.PublicKey(i)], stake)
		}
	}
	if _, err := types.NewCommittee(next.Committee); err != nil || len(next.Committee) != len(want) {
		t.Errorf("%d members, %v", len(next.Committee), err)
	}
	if _, err := s.Chain.NextEpochAt(lookback + 1); !errors.Is(err, execution.ErrUnknown) {
		t.Error("every height decides:", err)
	}
	crash(s)
	s.Open()
	if again, err := s.Chain.NextEpochAt(lookback); err != nil || len(again.Committee) != len(want) {
		t.Error("after a crash:", again, err)
	}
}

// A committee has at most as many members as the genesis allows, however many are ready; the smallest keys of equal stakes.
func TestCommitteeIsBounded(t *testing.T) {
	s := exectest.New(t, func(g *types.Genesis) {
		exectest.Bonded(g)
		g.Bonding.MaxCommittee = 4
	})
	abi := exectest.ABI()
	var bonds, readies [][]byte
	for i := 8; i < 20; i++ {
		bonds = append(bonds, s.Bond(i, i, types.BondSequencer, ether(1)))
		readies = append(readies, s.Send(i, new(big.Int), abi.PackReady(exectest.PublicKey(i))))
	}
	s.Apply(bonds...)
	s.Apply()
	s.Apply(readies...)
	for s.Chain.Height() < lookback {
		s.Apply()
	}
	next, err := s.Chain.NextEpochAt(lookback)
	if err != nil || len(next.Committee) != 4 {
		t.Fatal(next, err)
	}
	top := next.Committee[3].Key
	smaller := 0
	for _, i := range []int{0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19} {
		if key := exectest.PublicKey(i); string(key[:]) <= string(top[:]) {
			smaller++
		}
	}
	if smaller != 4 {
		t.Fatalf("%d keys are as small as the largest chosen", smaller)
	}
}

// TestSettledValueReachesTheEpochsEnd: what an epoch's last header says is settled is what the contract has settled in the state
// that decides the committee: once a step's window is over, above genesis.
func TestSettledValueReachesTheEpochsEnd(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	abi := exectest.ABI()
	s.Apply()
	genesis := exectest.View(s, abi.PackSettled(), abi.UnpackSettled)
	claim := make([]byte, execution.ClaimBytes)
	claim[0] = 7
	block := append(append([]byte{0, 1}, make([]byte, 32)...), claim...) // one chunk, nothing before its claim
	s.Apply(s.Send(4, new(big.Int), abi.PackAssertValue(exectest.PublicKey(4), genesis.Value, 0, 1, digestOf(s, 1), block)))
	for s.Chain.Height() < lookback {
		s.ApplyHeader(func(h *types.Header) { h.Time += types.Time(s.Genesis.WindowStep) })
	}
	settled := exectest.View(s, abi.PackSettled(), abi.UnpackSettled)
	next, err := s.Chain.NextEpochAt(lookback)
	if err != nil {
		t.Fatal(err)
	}
	if next.SettledHeight != 1 || settled.Height != 1 || next.SettledClaim == types.Hash(genesis.Claim) || next.SettledClaim != types.Hash(settled.Claim) {
		t.Errorf("height %d, claim %s; the contract has %d, %x", next.SettledHeight, next.SettledClaim, settled.Height, settled.Claim)
	}
}
