package execution_test

import (
	"bytes"
	"math/big"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/contracts"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// The slots that genesis writes are those of the compiler.
func TestBondLayout(t *testing.T) {
	artefact, err := contracts.BondsArtefact()
	if err != nil {
		t.Fatal(err)
	}
	slots := map[string]string{}
	for _, v := range artefact.Layout.Storage {
		slots[v.Label] = v.Slot
	}
	for label, want := range execution.BondSlots() {
		if slots[label] != want {
			t.Errorf("%s lies in slot %q, genesis writes %s", label, slots[label], want)
		}
	}
	members := map[string][]string{
		"t_struct(Parameters)_storage": {"unit", "minStake", "window", "step", "delay", "proverShare"},
		"t_struct(Bond)_storage":       {"owner", "role", "status", "place", "assertedIn", "operator", "readyFor", "stake", "served", "until"},
	}
	for name, want := range members {
		var have []string
		for _, m := range artefact.Layout.Types[name].Members {
			have = append(have, m.Label)
		}
		if !slices.Equal(have, want) {
			t.Errorf("%s has members %v, genesis writes %v", name, have, want)
		}
	}
}

// TestBondedGenesis reads through the contract what the genesis file says.
func TestBondedGenesis(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	g := s.Genesis
	abi := exectest.ABI()
	settings := exectest.View(s, abi.PackSettings(), abi.UnpackSettings)
	if settings != (contracts.BondsParameters{Unit: g.Bonding.StakeUnit, MinStake: 1, Window: g.ChallengeWindow, Step: g.WindowStep,
		Delay: g.UnbondingDelay, ProverShare: g.Bonding.ProverShare}) {
		t.Errorf("settings %+v", settings)
	}
	committee := exectest.View(s, abi.PackCommittee(), abi.UnpackCommittee)
	candidates := exectest.View(s, abi.PackCandidates(new(big.Int), big.NewInt(100)), abi.UnpackCandidates)
	if len(committee) != len(g.Committee) || len(candidates.Keys) != len(committee) || candidates.More.Sign() != 0 {
		t.Fatalf("committee of %d, %d candidates", len(committee), len(candidates.Keys))
	}
	known := exectest.View(s, abi.PackBonded(new(big.Int), big.NewInt(100)), abi.UnpackBonded)
	if len(known.Keys) != 8 || known.More.Sign() != 0 {
		t.Fatalf("%d keys are known to be bonded", len(known.Keys))
	}
	for i, key := range g.Provers {
		if known.Keys[len(g.Committee)+i] != key {
			t.Errorf("prover %d: %x", i, known.Keys[len(g.Committee)+i])
		}
	}
	for i, m := range g.Committee {
		if known.Keys[i] != m.Key {
			t.Errorf("member %d is known as %x", i, known.Keys[i])
		}
		if committee[i] != m.Key || candidates.Keys[i] != m.Key || candidates.Stakes[i] != uint64(m.Stake) {
			t.Errorf("member %d: %x", i, committee[i])
		}
	}
	total := new(big.Int)
	for i := range 8 {
		b := exectest.View(s, abi.PackBondOf(exectest.PublicKey(i)), abi.UnpackBondOf)
		role, stake := uint8(types.BondSequencer), int64(1)
		if i >= 4 {
			role, stake = uint8(types.BondProver), 2
		}
		if b.Owner != exectest.Address(i) || b.Operator != b.Owner || b.Role != role || b.Status != 1 || b.Stake.Cmp(ether(stake)) != 0 {
			t.Errorf("bond %d: %+v", i, b)
		}
		total.Add(total, b.Stake)
	}
	if have := exectest.View(s, abi.PackAccounted(), abi.UnpackAccounted); have.Cmp(total) != 0 || s.Chain.Balance(s.Contract()).ToBig().Cmp(total) != 0 {
		t.Errorf("accounted %s, balance %s, stakes %s", have, s.Chain.Balance(s.Contract()), total)
	}
	state, err := s.Chain.StateAt(s.Chain.Head().Root)
	if err != nil {
		t.Fatal(err)
	}
	artefact, err := contracts.BondsArtefact()
	if err != nil || !bytes.Equal(state.GetCode(s.Contract()), artefact.Code) {
		t.Error("the code at the vault is not the compiled one", err)
	}
}

// Block 1 tells the contract the value of height 0, on which the first assertion builds.
func TestFoundedOnGenesis(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	header, claim, err := execution.GenesisOutcome(s.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	s.Apply()
	settled := exectest.View(s, exectest.ABI().PackSettled(), exectest.ABI().UnpackSettled)
	prefix := types.Hash(common.HexToHash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")) // sha256 of nothing
	if want := execution.ValueHash(0, header.Digest(), prefix, claim); settled.Value != want || settled.Claim != claim.Hash() {
		t.Errorf("settled %+v, want value %s", settled, want)
	}
}

func TestBondedGenesisRefusesATakenVault(t *testing.T) {
	g := exectest.Genesis()
	exectest.Bonded(g)
	g.Alloc[exectest.Vault] = types.GenesisAccount{Balance: "0x1"}
	if _, err := execution.EthereumGenesis(g); err == nil {
		t.Fatal("an account of the genesis lies where the contract does")
	}
}

func ether(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), big.NewInt(exectest.Ether)) }
