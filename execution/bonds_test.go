package execution_test

import (
	"math/big"
	"sort"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/contracts"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// The bugs that other systems shipped, and the attacks on this one, each as a test. Where a game is played, every block is
// also held against the model.

func bondOf(s *exectest.Swarm, peer int) contracts.BondsBond {
	return exectest.View(s, exectest.ABI().PackBondOf(exectest.PublicKey(peer)), exectest.ABI().UnpackBondOf)
}

func creditOf(s *exectest.Swarm, who common.Address) *big.Int {
	return exectest.View(s, exectest.ABI().PackCredit(who), exectest.ABI().UnpackCredit)
}

// statuses are those of a block's receipts.
func statuses(r *execution.Result) (list []uint64) {
	for _, receipt := range r.Receipts {
		list = append(list, receipt.Status)
	}
	return list
}

// A payee or owner that is a contract which refuses money, or wastes gas, blocks nobody: slashing pays credits, and a
// withdrawal that is refused undoes itself alone.
func TestNoReceiverBlocksASlash(t *testing.T) {
	g := newBondGame(t, 1)
	g.accuse(4, 0, [32]byte{1})
	g.verdicts[0].Payee = exectest.RevertAddress
	g.end()
	for range 66 {
		g.end()
	}
	r := g.s.Apply(g.s.Send(0, new(big.Int), exectest.ABI().PackReward(exectest.PublicKey(4))))
	if statuses(r)[0] != 1 || creditOf(g.s, exectest.RevertAddress).Sign() == 0 || bondOf(g.s, 4).Status != 4 {
		t.Fatal("the slash or the reward failed")
	}
}

// A liar that challenges itself gets a tenth back and no more; without payee everything is burned and nothing is credited
// to the zero address.
func TestSlashedStakeIsNotRecycled(t *testing.T) {
	g := newBondGame(t, 1)
	g.accuse(4, 4, [32]byte{1})
	g.accuse(5, -1, [32]byte{2})
	g.accuse(4, 4, [32]byte{1}) // twice takes nothing more
	g.end()
	escrow := exectest.View(g.s, exectest.ABI().PackEscrowOf(exectest.PublicKey(4)), exectest.ABI().UnpackEscrowOf)
	if want := new(big.Int).Quo(ether(2), big.NewInt(10)); escrow.Amount.Cmp(want) != 0 || escrow.Payee != exectest.Address(4) {
		t.Fatalf("escrow %+v", escrow)
	}
	burned := exectest.View(g.s, exectest.ABI().PackBurned(), exectest.ABI().UnpackBurned)
	if want := new(big.Int).Sub(ether(4), escrow.Amount); burned.Cmp(want) != 0 || creditOf(g.s, common.Address{}).Sign() != 0 {
		t.Fatalf("burned %s, want %s", burned, want)
	}
	g.requestBond(4, 4, types.BondProver, ether(3), true) // a proven liar's key never comes back
	g.end()
	g.end()
	if bondOf(g.s, 4).Status != 4 || creditOf(g.s, exectest.Address(4)).Cmp(ether(3)) != 0 {
		t.Fatal("a slashed key was bonded again")
	}
}

// A copied proof bonds nobody: it names its owner. The copy is refused and paid back, and does not keep the key from its
// own owner, who comes after it.
func TestCopiedProofIsRefused(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	abi := exectest.ABI()
	r, sig := s.Prove(8, exectest.Address(8), exectest.Address(8), types.BondSequencer)
	s.Apply(s.Send(9, ether(1), abi.PackBond(exectest.PublicKey(8), 1, exectest.Address(8), r, sig)),
		s.Send(9, ether(1), abi.PackBond(exectest.PublicKey(8), 2, exectest.Address(9), r, sig)),
		s.Bond(8, 8, types.BondSequencer, ether(1)), s.Bond(8, 8, types.BondProver, ether(1)))
	s.Apply()
	if b := bondOf(s, 8); b.Owner != exectest.Address(8) || b.Role != uint8(types.BondSequencer) || b.Stake.Cmp(ether(1)) != 0 {
		t.Fatalf("bond %+v", b)
	}
	if creditOf(s, exectest.Address(9)).Cmp(ether(2)) != 0 || creditOf(s, exectest.Address(8)).Cmp(ether(1)) != 0 {
		t.Fatal("refused requests, and the second bond of one key, are paid back")
	}
}

// Anybody can sign for a key of small order; none is bonded.
func TestSmallOrderKeyIsRefused(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	identity := [32]byte{1}
	s.Apply(s.Send(0, ether(1), exectest.ABI().PackBond(identity, 1, exectest.Address(0), identity, [32]byte{})))
	s.Apply()
	if exectest.View(s, exectest.ABI().PackBondOf(identity), exectest.ABI().UnpackBondOf).Status != 0 {
		t.Fatal("the identity is bonded")
	}
}

// Of those who show one lie the first to commit is paid, though its challenge got its verdict later; not so one who commits
// after the first verdict, or whose verdict comes after the time for it.
func TestEarliestCommitmentIsPaid(t *testing.T) {
	g := newBondGame(t, 1)
	own, copied := [32]byte{1}, [32]byte{2}
	g.commit(10, 10, own)
	g.end()
	g.commit(11, 11, copied)
	g.end()
	g.accuse(4, 11, copied)
	g.end()
	g.commit(9, 9, [32]byte{3})
	g.end()
	g.accuse(4, 9, [32]byte{3})
	g.accuse(4, 10, own)
	g.end()
	for range 64 {
		g.end()
	}
	g.accuse(4, 11, copied)
	g.reward(0, 4)
	g.end()
	if creditOf(g.s, exectest.Address(10)).Sign() == 0 || creditOf(g.s, exectest.Address(11)).Sign() != 0 || creditOf(g.s, exectest.Address(9)).Sign() != 0 {
		t.Fatal("the copier was paid")
	}
}

// Stake answers for what its key signs until service is over and the delay has passed: a member that asked to leave is kept
// while its committee stays, and slashed to the last.
func TestLeavingStakeStillAnswers(t *testing.T) {
	g := newBondGame(t, 1)
	g.unbond(0, 0)
	g.unbond(4, 4)
	g.end()
	for range 100 { // the epoch goes on: the sequencer is not free, the prover is
		g.end()
	}
	g.release(0, 0)
	g.release(4, 4)
	g.end()
	if bondOf(g.s, 0).Status != 2 || bondOf(g.s, 4).Status != 3 {
		t.Fatalf("sequencer %+v, prover %+v", bondOf(g.s, 0), bondOf(g.s, 4))
	}
	g.accuse(0, 9, [32]byte{1})
	g.accuse(4, 9, [32]byte{2}) // too late
	g.end()
	if bondOf(g.s, 0).Stake.Sign() != 0 || creditOf(g.s, exectest.Address(4)).Cmp(ether(2)) != 0 {
		t.Fatal("the leaving sequencer was not slashed, or the released prover was")
	}
}

// The fees of an epoch are shared by stake, not by keys: a bond split in two earns what it earned whole.
func TestRewardsGoByStake(t *testing.T) {
	s := exectest.New(t, func(g *types.Genesis) {
		exectest.Bonded(g)
		for i := range g.Committee {
			for peer, stake := range map[int]types.Stake{0: 1, 1: 1, 2: 2, 3: 4} {
				if g.Committee[i].Key == exectest.PublicKey(peer) {
					g.Committee[i].Stake = stake
				}
			}
		}
	})
	s.Apply(s.Transfer(20, 21, 1))
	s.ApplyHeader(func(h *types.Header) {
		h.Next = &types.EpochEnd{Committee: s.Genesis.Committee, Rewards: []uint64{7, 7, 7, 7}}
	})
	split := new(big.Int).Add(creditOf(s, exectest.Address(0)), creditOf(s, exectest.Address(1)))
	whole := creditOf(s, exectest.Address(2))
	if whole.Sign() == 0 || new(big.Int).Sub(whole, split).CmpAbs(big.NewInt(2)) > 0 {
		t.Fatalf("two halves earn %s, a whole %s", split, whole)
	}
}

// Only the driver makes system calls.
func TestStrangersMakeNoSystemCalls(t *testing.T) {
	s := exectest.New(t, exectest.Bonded)
	abi := exectest.ABI()
	r := s.Apply(s.Send(0, new(big.Int), abi.PackBegin(1, new(big.Int), new(big.Int), []contracts.BondsVerdict{{Accused: exectest.PublicKey(4)}})),
		s.Send(0, new(big.Int), abi.PackTurn(nil, nil)), s.Send(0, new(big.Int), abi.PackFound([32]byte{1}, [32]byte{})), s.Transfer(0, 1, 1),
		s.Send(0, ether(1), nil))
	for i, status := range statuses(r) {
		if (status == 1) != (i == 3) {
			t.Errorf("call %d: status %d", i, status)
		}
	}
}

// The dearest block: as many verdicts, requests and due steps as one may decide, at the end of an epoch of the largest
// committee. Its system calls stay within their gas, and its first chunk within the size of a challenge.
func TestDearestSystemCalls(t *testing.T) {
	const provers = 40
	s := exectest.New(t, func(g *types.Genesis) {
		exectest.Bonded(g)
		g.Bonding.MaxCommittee, g.Bonding.Owners = types.MaxBondedCommittee, map[string]string{}
		g.Committee, g.Provers = nil, nil
		for i := range types.MaxBondedCommittee {
			g.Committee = append(g.Committee, types.CommitteeMember{Key: exectest.PublicKey(1000 + i), Stake: 1})
			g.Bonding.Owners[exectest.PublicKey(1000+i).String()] = exectest.Address(1000 + i).Hex()
		}
		sort.Slice(g.Committee, func(a, b int) bool { return string(g.Committee[a].Key[:]) < string(g.Committee[b].Key[:]) })
		for i := range provers {
			g.Provers = append(g.Provers, exectest.PublicKey(i))
			g.Bonding.Owners[exectest.PublicKey(i).String()] = exectest.Address(i).Hex()
		}
	})
	s.Apply()
	abi := exectest.ABI()
	settled := exectest.View(s, abi.PackSettled(), abi.UnpackSettled)
	var txs [][]byte
	for i := range provers { // different outcomes: each a step of its own
		block := append(make([]byte, 2+32+execution.ClaimBytes-1), byte(i))
		block[1] = 1
		txs = append(txs, s.Send(i, new(big.Int), abi.PackAssertValue(exectest.PublicKey(i), settled.Value, 0, 1, digestOf(s, 1), block)))
		if i%20 == 19 {
			s.Apply(txs...)
			txs = nil
		}
	}
	for i := range 4 {
		s.ApplyHeader(func(h *types.Header) { h.Time += types.Time(i) * 500_000 })
	}
	for i := range 20 {
		txs = append(txs, s.Bond(i, 2000+i, types.BondSequencer, ether(1)))
	}
	s.Apply(txs...)
	var verdicts []types.Verdict
	for i := range types.MaxHeaderVerdicts {
		v := types.Verdict{Accused: exectest.PublicKey(1000 + i), Payee: exectest.Address(5000 + i)}
		verdicts = append(verdicts, v)
	}
	next := &types.EpochEnd{Rewards: make([]uint64, types.MaxBondedCommittee)}
	for i := range next.Rewards {
		next.Rewards[i] = 1 + uint64(i)
		next.Committee = append(next.Committee, types.CommitteeMember{Key: exectest.PublicKey(3000 + i), Stake: 1})
	}
	r := s.ApplyHeader(func(h *types.Header) { h.Time += 2_500_000; h.Verdicts, h.Next = verdicts, next })
	p := proverOf(s, r.Height)
	proof, err := p.env.ProveChunk(p.witness, p.parent, 0, p.source)
	if err != nil || proof.Chunk.SystemError != nil {
		t.Fatal(err, proof.Chunk.SystemError)
	}
	if exectest.View(s, abi.PackEpoch(), abi.UnpackEpoch) != 1 || bondOf(s, 1063).Status != 4 || bondOf(s, 2015).Status != 1 || bondOf(s, 2016).Status != 0 {
		t.Fatalf("epoch, slash or admission is missing: %+v %+v", bondOf(s, 1063), bondOf(s, 2015))
	}
	if queue := exectest.View(s, abi.PackQueue(), abi.UnpackQueue); queue.First < 30 || queue.First == provers {
		t.Fatalf("queue %+v: not as much decided as one block may", queue)
	}
	if creditOf(s, exectest.Address(1100)).Sign() == 0 || proof.Witness.Size() > 1<<20 {
		t.Fatalf("rewards are missing, or the witness has %d bytes", proof.Witness.Size())
	}
	t.Logf("the witness of the dearest preamble: %d bytes", proof.Witness.Size())
}

// digestOf is the digest of a block's header.
func digestOf(s *exectest.Swarm, height types.Height) types.Hash {
	h, err := s.Chain.Header(height)
	if err != nil {
		s.TB.Fatal(err)
	}
	return h.Digest()
}
