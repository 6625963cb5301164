package execution_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/execution"
	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// bondGame plays calls on the contract, in blocks of the real driver, and on the model.
type bondGame struct {
	t      *testing.T
	s      *exectest.Swarm
	m      *bondModel
	random *rand.Rand
	abi    abi.ABI

	txs      [][]byte
	accounts []int         // of the senders of txs
	effects  []func() bool // of txs on the model: whether the call succeeds
	verdicts []types.Verdict
	turn     bool
	accused  map[types.PublicKey]bool
	digests  map[uint64]types.Hash
	seen     map[string]int // calls that succeeded and failed, by name
}

// Peers of a game: accounts of the same number own their bonds.
const gamePeers = 12

func newBondGame(t *testing.T, seed uint64) *bondGame { return newBondGameOf(t, seed, exectest.Bonded) }

func newBondGameOf(t *testing.T, seed uint64, change func(*types.Genesis)) *bondGame {
	s := exectest.New(t, change)
	g := &bondGame{t: t, s: s, abi: exectest.ABI().GetABI(), random: rand.New(rand.NewPCG(seed, 5)), accused: map[types.PublicKey]bool{}, digests: map[uint64]types.Hash{}, seen: map[string]int{}}
	g.m = newBondModel(s.Genesis, func(key types.PublicKey) common.Address {
		for i := range gamePeers {
			if exectest.PublicKey(i) == key {
				return exectest.Address(i)
			}
		}
		t.Fatal("unknown key")
		return common.Address{}
	})
	header, claim, err := execution.GenesisOutcome(s.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	g.m.settled = modelValue{0, execution.ValueHash(0, header.Digest(), sha256.Sum256(nil), claim)}
	return g
}

// call plans a transaction and what it does to the model.
func (g *bondGame) call(account int, wei *big.Int, data []byte, effect func() bool) {
	g.txs = append(g.txs, g.s.Send(account, wei, data))
	g.accounts = append(g.accounts, account)
	g.effects = append(g.effects, func() bool {
		ok := effect()
		if ok {
			g.m.balance.Add(g.m.balance, wei)
		}
		return ok
	})
}

// end closes the block and holds its outcome against the model.
func (g *bondGame) end() {
	g.t.Helper()
	var header types.Header
	r := g.s.ApplyHeader(func(h *types.Header) {
		h.Time += types.Time(g.random.IntN(4)) * 500_000
		h.Verdicts = g.verdicts
		if g.turn {
			h.Next = g.nextEpoch()
		}
		header = *h
	}, g.txs...)
	g.digests[uint64(header.Height)] = header.Digest()
	g.m.begin(&header)
	if len(r.Receipts) != len(g.txs) {
		g.t.Fatalf("block %d: %d of %d transactions executed: %+v", header.Height, len(r.Receipts), len(g.txs), r.Skipped)
	}
	for i, receipt := range r.Receipts {
		method, err := g.abi.MethodById(r.Block.Transactions()[i].Data())
		if err != nil {
			g.t.Fatal(err)
		}
		ok := g.effects[i]()
		if ok != (receipt.Status == 1) {
			g.t.Fatalf("block %d, call %d (%s): status %d, the model says %v", header.Height, i, method.Name, receipt.Status, ok)
		}
		g.seen[fmt.Sprintf("%s %v", method.Name, ok)]++
		price := new(big.Int).Add(r.Block.BaseFee(), r.Block.Transactions()[i].GasTipCap())
		fee := price.Mul(price, new(big.Int).SetUint64(receipt.GasUsed))
		g.m.balance.Add(g.m.balance, fee)
	}
	if header.Height%4 == 1 || header.Next != nil {
		g.replay(r)
	}
	g.txs, g.accounts, g.effects, g.verdicts, g.turn = nil, nil, nil, nil, false
	g.check()
}

// replay executes the first chunk, which holds the system calls, on its witness alone.
func (g *bondGame) replay(r *execution.Result) {
	g.t.Helper()
	p := proverOf(g.s, r.Height)
	proof, err := p.env.ProveChunk(p.witness, p.parent, 0, p.source)
	if err != nil {
		g.t.Fatal(err)
	}
	chunk, err := p.env.Replay(proof.Witness, true, proof.Before, proof.Frontier, p.source)
	if err != nil || chunk.Claim != r.Claims[0] || chunk.SystemError != nil {
		g.t.Fatalf("block %d: %v, %v: replayed %+v, executed %+v", r.Height, err, chunk.SystemError, chunk.Claim, r.Claims[0])
	}
}

// nextEpoch is what the last header of an epoch might say: the largest of the candidates, or the old committee.
func (g *bondGame) nextEpoch() *types.EpochEnd {
	end := &types.EpochEnd{}
	for range g.m.serving {
		end.Rewards = append(end.Rewards, g.random.Uint64N(1000))
	}
	keys := g.m.candidates()
	if len(keys) < 4 {
		keys = slices.Clone(g.m.serving)
	}
	for _, key := range keys[:min(len(keys), g.s.Genesis.Bonding.MaxCommittee)] {
		end.Committee = append(end.Committee, types.CommitteeMember{Key: key, Stake: 1})
	}
	return end
}

func (g *bondGame) requestBond(account, peer int, role types.BondRole, wei *big.Int, honest bool) {
	owner, key := exectest.Address(account), exectest.PublicKey(peer)
	r, sig := g.s.Prove(peer, owner, owner, role)
	if !honest {
		sig[g.random.IntN(32)]++
	}
	g.call(account, wei, exectest.ABI().PackBond(key, uint8(role), owner, r, sig), func() bool {
		if wei.Cmp(ether(1)) < 0 {
			return false
		}
		g.m.waiting = append(g.m.waiting, modelRequest{key, owner, owner, role, wei, honest})
		return true
	})
}

func (g *bondGame) add(account, peer int, wei *big.Int) {
	key := exectest.PublicKey(peer)
	g.call(account, wei, exectest.ABI().PackAdd(key), func() bool {
		b := g.m.bond(key)
		if b.status != 1 || wei.Sign() == 0 {
			return false
		}
		b.stake.Add(b.stake, wei)
		return true
	})
}

func (g *bondGame) ready(account, peer int) {
	key := exectest.PublicKey(peer)
	g.call(account, new(big.Int), exectest.ABI().PackReady(key), func() bool {
		b := g.m.bond(key)
		if b.owner != exectest.Address(account) || b.role != types.BondSequencer || b.status != 1 {
			return false
		}
		b.ready = g.m.epoch + 1
		return true
	})
}

func (g *bondGame) unbond(account, peer int) {
	key := exectest.PublicKey(peer)
	g.call(account, new(big.Int), exectest.ABI().PackUnbond(key), func() bool {
		b := g.m.bond(key)
		if b.owner != exectest.Address(account) || b.status != 1 {
			return false
		}
		b.status, b.until = 2, max(b.until, g.m.clock)
		return true
	})
}

func (g *bondGame) release(account, peer int) {
	key := exectest.PublicKey(peer)
	g.call(account, new(big.Int), exectest.ABI().PackRelease(key), func() bool {
		b := g.m.bond(key)
		if b.status != 2 || b.served > g.m.epoch || g.m.clock < b.until+g.s.Genesis.UnbondingDelay {
			return false
		}
		g.m.owe(b.owner, b.stake)
		b.status, b.stake = 3, new(big.Int)
		return true
	})
}

func (g *bondGame) withdraw(account int) {
	g.call(account, new(big.Int), exectest.ABI().PackWithdraw(), func() bool {
		c := g.m.credit[exectest.Address(account)]
		if c == nil || c.Sign() == 0 {
			return false
		}
		g.m.balance.Sub(g.m.balance, c)
		c.SetUint64(0)
		return true
	})
}

// assert posts an outcome of the blocks up to a height; salt makes different ones. parent nil: on what is settled.
func (g *bondGame) assert(account, peer int, parent *modelValue, height uint64, salt byte) {
	on := g.m.settled
	if parent != nil {
		on = *parent
	}
	key, claim := exectest.PublicKey(peer), slices.Repeat([]byte{salt}, execution.ClaimBytes)
	var blocks []byte
	for h := on.height + 1; h <= height; h++ { // now and then of more than one chunk
		chunks := 1 + h%3
		blocks = binary.BigEndian.AppendUint16(blocks, uint16(chunks))
		blocks = append(append(blocks, make([]byte, 32)...), claim...)
		blocks = append(blocks, make([]byte, 32*(chunks-1))...)
	}
	decoded, err := execution.DecodeClaim(claim)
	if err != nil {
		g.t.Fatal(err)
	}
	data := exectest.ABI().PackAssertValue(key, on.value, on.height, height, g.digests[height], blocks)
	g.call(account, new(big.Int), data, func() bool {
		b := g.m.bond(key)
		value := modelValue{height, execution.ValueHash(types.Height(height), g.digests[height], types.Hash{}, decoded)}
		switch {
		case b.owner != exectest.Address(account) || b.role != types.BondProver || b.status != 1 || b.asserted >= g.m.block,
			height <= on.height || height >= g.m.block, on.height < g.m.settled.height || on.height == g.m.settled.height && on != g.m.settled:
			return false
		}
		b.asserted, b.until = g.m.block, g.m.clock+g.s.Genesis.ChallengeWindow
		g.support(key, on, value, b.stake)
		return true
	})
}

func (g *bondGame) support(key types.PublicKey, parent, value modelValue, stake *big.Int) {
	var step *modelStep
	for _, s := range g.m.steps[g.m.first:] {
		if s.parent.value == parent.value && s.value.value == value.value {
			step = s
		}
	}
	if step == nil {
		step = &modelStep{parent: parent, value: value, opened: g.m.clock, block: g.m.block, shares: map[types.PublicKey]*big.Int{}, weight: new(big.Int)}
		g.m.steps = append(g.m.steps, step)
	}
	step.supporters = append(step.supporters, key)
	if step.shares[key] == nil && g.m.block <= step.block+8 {
		step.shares[key] = new(big.Int).Set(stake)
		step.weight.Add(step.weight, stake)
	}
}

func (g *bondGame) collect(account, step, peer int) {
	key := exectest.PublicKey(peer)
	g.call(account, new(big.Int), exectest.ABI().PackCollect(big.NewInt(int64(step)), key), func() bool {
		if step >= len(g.m.steps) {
			return false
		}
		s := g.m.steps[step]
		if share := s.shares[key]; s.prize == nil || share == nil || share.Sign() == 0 || g.m.bond(key).status == 4 {
			return false
		}
		part := new(big.Int).Mul(s.prize, s.shares[key])
		part.Quo(part, s.weight)
		s.shares[key] = new(big.Int)
		g.m.reserved.Sub(g.m.reserved, part)
		g.m.owe(g.m.bond(key).owner, part)
		return true
	})
}

func commitment(payee common.Address, challenge [32]byte) [32]byte {
	return crypto.Keccak256Hash(common.LeftPadBytes(payee[:], 32), challenge[:])
}

func (g *bondGame) commit(account, payee int, challenge [32]byte) {
	who := exectest.Address(payee)
	g.call(account, new(big.Int), exectest.ABI().PackCommit(commitment(who, challenge)), func() bool {
		for _, c := range g.m.commits {
			if c.payee == who && c.challenge == challenge && c.block+64 >= g.m.block {
				return false
			}
		}
		g.m.commits = append(g.m.commits, modelCommit{who, challenge, g.m.block})
		return true
	})
}

func (g *bondGame) reward(account, peer int) {
	key := exectest.PublicKey(peer)
	g.call(account, new(big.Int), exectest.ABI().PackReward(key), func() bool {
		e := g.m.escrows[key]
		if e == nil || e.amount.Sign() == 0 || g.m.block <= e.until {
			return false
		}
		delete(g.m.escrows, key)
		g.m.owe(e.payee, e.amount)
		return true
	})
}

// accuse puts a verdict in the next header.
func (g *bondGame) accuse(peer, payee int, challenge [32]byte) {
	v := types.Verdict{Accused: exectest.PublicKey(peer)}
	copy(v.Challenge[4:], challenge[:])
	if payee >= 0 {
		v.Payee = exectest.Address(payee)
	}
	g.verdicts = append(g.verdicts, v)
	g.accused[v.Accused] = true
}
