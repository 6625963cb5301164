package execution_test

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/program"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// Edges that random games seldom meet; each was found by a mutant of the contract that no test noticed
// (execution/contracts/internal/mutants).

func TestBondsHaveOneOfTwoRoles(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	r := s.Apply(s.Bond(8, 8, 0, ether(1)), s.Bond(8, 8, 3, ether(1)), s.Bond(8, 8, types.BondProver, ether(1)))
	if have := statuses(r); have[0] != 0 || have[1] != 0 || have[2] != 1 {
		t.Fatal(have)
	}
}

// The operator announces and unbonds like the owner; nobody else does, and what is released is the owner's, whoever asks.
func TestOperatorActsAndOwnerIsPaid(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	abi, key, none := exectest.ABI(), exectest.PublicKey(8), new(big.Int)
	r, sig := s.Prove(8, exectest.Address(8), exectest.Address(9), types.BondSequencer)
	s.Apply(s.Send(8, ether(1), abi.PackBond(key, uint8(types.BondSequencer), exectest.Address(9), r, sig)))
	done := s.Apply(s.Send(10, none, abi.PackReady(key)), s.Send(9, none, abi.PackReady(key)), s.Send(10, none, abi.PackUnbond(key)), s.Send(9, none, abi.PackUnbond(key)))
	if have := statuses(done); have[0] != 0 || have[1] != 1 || have[2] != 0 || have[3] != 1 {
		t.Fatal(have)
	}
	for range 42 { // the delay is 40 s, and a block adds a second at most
		s.ApplyHeader(func(h *types.Header) { h.Time += 1_000_000 })
	}
	if have := statuses(s.Apply(s.Send(10, none, abi.PackRelease(key)))); have[0] != 1 {
		t.Fatal(have)
	}
	if creditOf(s, exectest.Address(8)).Cmp(ether(1)) != 0 || creditOf(s, exectest.Address(9)).Sign() != 0 || creditOf(s, exectest.Address(10)).Sign() != 0 {
		t.Fatal("the stake was released to somebody else")
	}
}

// A contract that refuses what it withdraws keeps its credit.
func TestRefusedWithdrawalKeepsTheCredit(t *testing.T) {
	refuser := common.HexToAddress("0xc0de000000000000000000000000000000000201")
	s := exectest.New(t, func(g *types.Genesis) {
		exectest.Bonded(g)
		p := program.New().Op(vm.CALLVALUE).Push(0x40).Op(vm.JUMPI)
		p.Push(exectest.ABI().PackWithdraw()).Push(0).Op(vm.MSTORE)
		p.Push(0).Push(0).Push(4).Push(28).Push(0).Push(common.HexToAddress(g.FeeVault)).Op(vm.GAS, vm.CALL, vm.POP, vm.STOP)
		for p.Size() < 0x40 {
			p.Op(vm.STOP)
		}
		p.Op(vm.JUMPDEST).Push(0).Push(0).Op(vm.REVERT)
		g.Alloc[refuser.Hex()] = types.GenesisAccount{Nonce: 1, Code: hexutil.Encode(p.Bytes())}
	})
	s.ApplyHeader(func(h *types.Header) {
		h.Verdicts = []types.Verdict{{Accused: exectest.PublicKey(4), Payee: refuser}}
	})
	for range 64 {
		s.Apply()
	}
	s.Apply(s.Send(0, new(big.Int), exectest.ABI().PackReward(exectest.PublicKey(4))))
	owed := creditOf(s, refuser)
	r := s.Apply(s.Call(1, &refuser, 0, 500_000, nil))
	if statuses(r)[0] != 1 || owed.Sign() == 0 || creditOf(s, refuser).Cmp(owed) != 0 || !s.Chain.Balance(refuser).IsZero() {
		t.Fatalf("credit %s, was %s", creditOf(s, refuser), owed)
	}
}

// A commitment is renewed once it no longer counts, a challenger paid once no rival may come any more, and once.
func TestCommitmentsAndEscrowsExpireToTheBlock(t *testing.T) {
	g := newBondGame(t, 1)
	challenge := [32]byte{7}
	g.commit(9, 9, challenge)
	g.accuse(4, 9, challenge)
	g.end() // begins with the verdict, before the commitment is ordered
	for range 63 {
		g.end()
	}
	g.commit(9, 9, challenge) // 64 blocks later: too early
	g.reward(9, 4)            // the last block in which a rival may come
	g.end()
	g.commit(9, 9, challenge)
	g.reward(9, 4)
	g.reward(9, 4)
	g.end()
	if g.seen["commit true"] != 2 || g.seen["commit false"] != 1 || g.seen["reward true"] != 1 || g.seen["reward false"] != 2 {
		t.Fatal(g.seen)
	}
}
