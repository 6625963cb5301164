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

// listed puts a verdict in the next header and returns who is to be paid after it.
func listed(s *exectest.Swarm, payee common.Address, challenge byte) common.Address {
	v := types.Verdict{Accused: exectest.PublicKey(4), Payee: payee}
	v.Challenge[4] = challenge
	s.ApplyHeader(func(h *types.Header) { h.Verdicts = []types.Verdict{v} })
	return exectest.View(s, exectest.ABI().PackEscrowOf(exectest.PublicKey(4)), exectest.ABI().UnpackEscrowOf).Payee
}

// A payee stays where the rival has no earlier commitment that still counts, comes too late, or is nobody.
func TestRivalsAreRankedToTheBlock(t *testing.T) {
	first, rival := exectest.Address(9), exectest.Address(10)
	for name, test := range map[string]struct {
		rival   common.Address
		commits bool // the rival
		before  int  // empty blocks between its commitment and the first verdict
		after   int  // between that and its own verdict
		wins    bool
	}{
		"committed 64 blocks before":    {rival, true, 60, 2, true},
		"committed 65 blocks before":    {rival, true, 60, 3, false},
		"neither committed":             {rival, false, 0, 0, false},
		"nobody committed":              {common.Address{}, true, 0, 0, false},
		"the last block that counts":    {rival, true, 0, 62, true},
		"a block after that":            {rival, true, 0, 63, false},
		"committed, its verdict second": {rival, true, 0, 0, true},
	} {
		s := exectest.New(t, exectest.Bonded)
		if test.commits {
			s.Apply(s.Send(0, new(big.Int), exectest.ABI().PackCommit(commitment(test.rival, [32]byte{8}))))
		}
		for range test.before {
			s.Apply()
		}
		if listed(s, first, 7) != first {
			t.Fatal("the first is not to be paid")
		}
		for range test.after {
			s.Apply()
		}
		if paid := listed(s, test.rival, 8); (paid == test.rival) != test.wins {
			t.Errorf("%s: %s is to be paid", name, paid)
		}
	}
}

// Displacement ends 64 blocks after the first verdict, though the rival committed and the first did not.
func TestEscrowIsOpenFor64Blocks(t *testing.T) {
	first, rival := exectest.Address(9), exectest.Address(10)
	for empty, wins := range map[int]bool{60: true, 61: false} {
		s := exectest.New(t, exectest.Bonded)
		listed(s, first, 7)
		s.Apply()
		s.Apply()
		s.Apply(s.Send(0, new(big.Int), exectest.ABI().PackCommit(commitment(rival, [32]byte{8}))))
		for range empty {
			s.Apply()
		}
		if paid := listed(s, rival, 8); (paid == rival) != wins {
			t.Errorf("%d blocks later %s is to be paid", empty+4, paid)
		}
	}
}

// Who asserts what stands already shares the prize up to eight blocks after the first, once, by its bond.
func TestPrizeIsSharedForEightBlocks(t *testing.T) {
	g := newBondGameOf(t, 1, func(genesis *types.Genesis) {
		exectest.Bonded(genesis)
		genesis.ChallengeWindow, genesis.Retention = 20_000_000, 80_000_000
		genesis.UnbondingDelay = 100_000_000
	})
	g.end()
	g.end()
	assert := func(peer int) { g.assert(peer, peer, nil, 2, 0) }
	assert(4)
	g.end()
	assert(4) // again: its share stays
	g.end()
	for range 6 {
		g.end()
	}
	assert(5) // the eighth block after the first
	g.end()
	assert(6) // the ninth
	g.end()
	for range 60 {
		g.end()
	}
	if g.m.settled.height != 2 {
		t.Fatal("not settled")
	}
	for peer := 4; peer < 7; peer++ {
		g.collect(peer, 0, peer)
	}
	g.end()
	if g.seen["collect true"] != 2 || g.seen["collect false"] != 1 {
		t.Fatal(g.seen)
	}
}

// A step that only slashed provers stand behind is void; one that somebody else supports too is settled. A link that was
// decided can be opened again.
func TestStepOfTheSlashedIsVoid(t *testing.T) {
	for _, honest := range []bool{false, true} {
		g := newBondGameOf(t, 1, func(genesis *types.Genesis) {
			exectest.Bonded(genesis)
			genesis.ChallengeWindow, genesis.Retention = 20_000_000, 80_000_000
			genesis.UnbondingDelay = 100_000_000
		})
		g.end()
		g.end()
		g.assert(4, 4, nil, 2, 0)
		g.end()
		if honest {
			g.assert(5, 5, nil, 2, 0)
			g.end()
		}
		g.accuse(4, -1, [32]byte{1})
		for range 60 {
			g.end()
		}
		if (g.m.settled.height == 2) != honest {
			t.Fatalf("supported by an honest prover: %v, settled height %d", honest, g.m.settled.height)
		}
		queue := exectest.View(g.s, exectest.ABI().PackQueue(), exectest.ABI().UnpackQueue)
		if queue.First != 1 || queue.Next != 1 {
			t.Fatalf("queue %+v", queue)
		}
		if honest {
			continue
		}
		g.assert(5, 5, nil, 2, 0)
		for range 60 {
			g.end()
		}
		if g.m.settled.height != 2 {
			t.Fatal("a link whose step was void cannot be asserted again")
		}
	}
}

// A genesis bond without an owner serves and earns nothing: what its part would be is the others'.
func TestBondWithoutOwnerEarnsNothing(t *testing.T) {
	s := exectest.New(t, func(g *types.Genesis) {
		exectest.Bonded(g)
		delete(g.Bonding.Owners, exectest.PublicKey(0).String())
	})
	s.Apply(s.Transfer(20, 21, 1))
	s.ApplyHeader(func(h *types.Header) {
		h.Next = &types.EpochEnd{Committee: s.Genesis.Committee, Rewards: []uint64{7, 7, 7, 7}}
	})
	if nobody, other := creditOf(s, common.Address{}), creditOf(s, exectest.Address(1)); nobody.Sign() != 0 || other.Sign() == 0 {
		t.Fatalf("credit of nobody %s, of another member's owner %s", nobody, other)
	}
}
