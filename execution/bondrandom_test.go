package execution_test

import (
	"bytes"
	"math/big"
	"slices"
	"sort"
	"testing"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// check holds all that the contract shows against the model.
func (g *bondGame) check() {
	g.t.Helper()
	s, m, abi := g.s, g.m, exectest.ABI()
	same := func(what string, have, want *big.Int) {
		g.t.Helper()
		if have.Cmp(want) != 0 {
			g.t.Fatalf("block %d: %s is %s, the model has %s", m.block, what, have, want)
		}
	}
	same("balance", s.Chain.Balance(s.Contract()).ToBig(), m.balance)
	same("accounted", exectest.View(s, abi.PackAccounted(), abi.UnpackAccounted), m.owed())
	same("burned", exectest.View(s, abi.PackBurned(), abi.UnpackBurned), m.burned)
	same("sequencers' pool", exectest.View(s, abi.PackSequencerPool(), abi.UnpackSequencerPool), m.pools[0])
	same("provers' pool", exectest.View(s, abi.PackProverPool(), abi.UnpackProverPool), m.pools[1])
	if m.balance.Cmp(m.owed()) < 0 {
		g.t.Fatalf("block %d: balance %s, owed %s", m.block, m.balance, m.owed())
	}
	if clock, epoch := exectest.View(s, abi.PackClock(), abi.UnpackClock), exectest.View(s, abi.PackEpoch(), abi.UnpackEpoch); clock != m.clock || epoch != m.epoch {
		g.t.Fatalf("block %d: clock %d, epoch %d, the model has %d, %d", m.block, clock, epoch, m.clock, m.epoch)
	}
	settled := exectest.View(s, abi.PackSettled(), abi.UnpackSettled)
	queue := exectest.View(s, abi.PackQueue(), abi.UnpackQueue)
	if settled.Height != m.settled.height || settled.Value != m.settled.value || queue.First != uint64(m.first) || queue.Next != uint64(len(m.steps)) {
		g.t.Fatalf("block %d: settled %d, queue %+v, the model has %d, %d of %d", m.block, settled.Height, queue, m.settled.height, m.first, len(m.steps))
	}
	for i := range gamePeers {
		b, want := exectest.View(s, abi.PackBondOf(exectest.PublicKey(i)), abi.UnpackBondOf), m.bond(exectest.PublicKey(i))
		same("stake", b.Stake, want.stake)
		if b.Owner != want.owner || b.Operator != want.operator || b.Role != uint8(want.role) || int(b.Status) != want.status || b.Served != want.served || b.Until != want.until {
			g.t.Fatalf("block %d: bond %d is %+v, the model has %+v", m.block, i, b, want)
		}
		credit := m.credit[exectest.Address(i)]
		if credit == nil {
			credit = new(big.Int)
		}
		same("credit", exectest.View(s, abi.PackCredit(exectest.Address(i)), abi.UnpackCredit), credit)
	}
	serving := exectest.View(s, abi.PackCommittee(), abi.UnpackCommittee)
	if !slices.EqualFunc(serving, m.serving, func(a [32]byte, b types.PublicKey) bool { return a == b }) {
		g.t.Fatalf("block %d: %d keys serve, the model has %d", m.block, len(serving), len(m.serving))
	}
	g.checkCandidates()
	g.checkKnown()
}

func (g *bondGame) checkCandidates() {
	g.t.Helper()
	abi := exectest.ABI()
	var keys [][32]byte
	for from := new(big.Int); ; { // in small pages
		page := exectest.View(g.s, abi.PackCandidates(from, big.NewInt(3)), abi.UnpackCandidates)
		keys = append(keys, page.Keys...)
		if from = page.More; from.Sign() == 0 {
			break
		}
	}
	sort.Slice(keys, func(i, j int) bool { return bytes.Compare(keys[i][:], keys[j][:]) < 0 })
	want := g.m.candidates()
	if !slices.EqualFunc(keys, want, func(a [32]byte, b types.PublicKey) bool { return a == b }) {
		g.t.Fatalf("block %d: %d candidates, the model has %d", g.m.block, len(keys), len(want))
	}
}

func (g *bondGame) checkKnown() {
	g.t.Helper()
	abi := exectest.ABI()
	var keys [][32]byte
	for from := new(big.Int); ; {
		page := exectest.View(g.s, abi.PackBonded(from, big.NewInt(5)), abi.UnpackBonded)
		keys = append(keys, page.Keys...)
		if from = page.More; from.Sign() == 0 {
			break
		}
	}
	if !slices.EqualFunc(keys, g.m.known, func(a [32]byte, b types.PublicKey) bool { return a == b }) {
		g.t.Fatalf("block %d: keys %x were bonded, the model says %x", g.m.block, keys, g.m.known)
	}
}

// step plans one call at random. Most senders are those whom the call is for.
func (g *bondGame) step() {
	r := g.random
	peer := r.IntN(gamePeers)
	account := peer
	if r.IntN(8) == 0 {
		account = r.IntN(gamePeers)
	}
	wei := new(big.Int).Rsh(ether(int64(1+r.IntN(5))), uint(r.IntN(12)/10))
	challenge := [32]byte{byte(peer), byte(r.IntN(2))}
	switch r.IntN(16) {
	case 0, 1:
		g.requestBond(account, peer, types.BondRole(1+r.IntN(2)), wei, r.IntN(4) > 0)
	case 2:
		g.add(account, peer, new(big.Int).Rsh(wei, uint(r.IntN(100))))
	case 3, 4:
		g.ready(account, peer)
	case 5:
		g.unbond(account, peer)
	case 6, 7:
		g.release(account, peer)
	case 8:
		g.withdraw(account)
	case 9, 10, 11:
		g.assertSomething(account, peer)
	case 12:
		if n := len(g.m.steps); n > 0 {
			g.collect(account, r.IntN(n), peer)
		}
	case 13:
		g.commit(account, r.IntN(gamePeers), challenge)
	case 14:
		g.reward(account, peer)
	default:
		if r.IntN(4) == 0 {
			g.accuse(peer, r.IntN(gamePeers+1)-1, challenge)
		}
	}
}

// assertSomething supports an open step, or opens one on what is settled or on an open one.
func (g *bondGame) assertSomething(account, peer int) {
	open, top := g.m.steps[g.m.first:], g.m.block
	var parent *modelValue
	if len(open) > 0 && g.random.IntN(3) > 0 {
		parent = &open[g.random.IntN(len(open))].value
		if g.random.IntN(2) == 0 {
			parent = &open[g.random.IntN(len(open))].parent
		}
	}
	if parent != nil && parent.height+512 < top || top > 500 {
		return
	}
	height := top - uint64(g.random.IntN(3))
	if height > top {
		return
	}
	g.assert(account, peer, parent, height, byte(g.random.IntN(5)/4))
}

// play makes blocks of random calls, then lets everybody leave.
func (g *bondGame) play(blocks, calls int) {
	for b := range blocks {
		for range g.random.IntN(calls + 1) {
			g.step()
		}
		g.turn = b%20 == 19
		g.end()
	}
	g.unwind()
}

// unwind: whoever is left unbonds, waits, is released and withdraws. Nothing may be in the way of it, whatever came before.
func (g *bondGame) unwind() {
	for i := range gamePeers { // the committee of the last epoch serves on where fewer than 4 are left; here it ends
		if b := g.m.bond(exectest.PublicKey(i)); b.status == 1 {
			account := i
			for a := range gamePeers {
				if exectest.Address(a) == b.owner {
					account = a
				}
			}
			g.unbond(account, i)
		}
	}
	g.end()
	g.txs = nil
	end := &types.EpochEnd{Rewards: make([]uint64, len(g.m.serving))}
	for i := range 4 { // outsiders serve now
		end.Committee = append(end.Committee, types.CommitteeMember{Key: exectest.PublicKey(100 + i), Stake: 1})
	}
	var header types.Header
	g.s.ApplyHeader(func(h *types.Header) { h.Next, header = end, *h; header.Next = end })
	g.m.begin(&header)
	for g.m.clock < g.m.maxUntil()+g.s.Genesis.UnbondingDelay {
		g.s.ApplyHeader(func(h *types.Header) { h.Time += 3_000_000; header = *h })
		g.m.begin(&header)
	}
	for i := range gamePeers {
		for step := range g.m.steps {
			if s := g.m.steps[step]; s.prize != nil && s.shares[exectest.PublicKey(i)] != nil {
				g.collect(i, step, i)
			}
		}
		g.release(i, i)
		g.reward(i, i)
	}
	g.end()
	for i := range gamePeers {
		g.withdraw(i)
	}
	g.end()
	for i := range gamePeers {
		b := g.m.bond(exectest.PublicKey(i))
		if b.stake.Sign() != 0 || b.status == 1 || b.status == 2 {
			g.t.Fatalf("bond %d is still there: %+v", i, b)
		}
		if b.status == 4 && !g.accused[exectest.PublicKey(i)] {
			g.t.Fatalf("bond %d was slashed and never accused", i)
		}
	}
	if len(g.m.waiting) != 0 {
		g.t.Fatal("requests are still undecided")
	}
}

func (m *bondModel) maxUntil() (until uint64) {
	for _, b := range m.bonds {
		until = max(until, b.until)
	}
	return until
}

// TestBondsAgainstModel plays random calls in blocks of the real driver and compares every figure that the contract shows
// with a model after each block: value is conserved, who was never accused loses nothing, who was accused keeps nothing, and
// nothing that came before keeps anybody from leaving with what is his.
func TestBondsAgainstModel(t *testing.T) {
	seeds := uint64(6)
	if testing.Short() {
		seeds = 2
	}
	seen, settled := map[string]int{}, uint64(0)
	for seed := range seeds {
		t.Logf("seed %d", seed)
		g := newBondGame(t, seed)
		g.play(100, 8)
		for name, n := range g.seen {
			seen[name] += n
		}
		settled += g.m.settled.height
	}
	t.Log(seen, settled)
	for _, method := range exectest.ABI().GetABI().Methods {
		if method.IsConstant() || method.Name == "begin" || method.Name == "found" || method.Name == "turn" {
			continue
		}
		if seen[method.Name+" true"] == 0 || seen[method.Name+" false"] == 0 && method.Name != "bond" {
			t.Errorf("%s was never seen to succeed and fail", method.Name)
		}
	}
	if settled == 0 {
		t.Error("nothing was settled")
	}
}

func FuzzBonds(f *testing.F) {
	f.Add(uint64(100), byte(20), byte(4))
	f.Add(uint64(101), byte(40), byte(12))
	f.Fuzz(func(t *testing.T, seed uint64, blocks, calls byte) {
		newBondGame(t, seed).play(int(blocks%64), int(calls%32))
	})
}
