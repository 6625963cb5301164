package execution_test

import (
	"bytes"
	"math/big"
	"sort"

	"github.com/ethereum/go-ethereum/common"

	"github.com/etherscale/bedrock/types"
)

// bondModel is the bonding contract written a second time, as plainly as it goes: no bounds on work but those that show, no
// packing, lists that are searched from the front.
type bondModel struct {
	g       *types.Genesis
	block   uint64
	now     uint64 // header time
	clock   uint64
	epoch   uint64
	balance *big.Int

	bonds    map[types.PublicKey]*modelBond
	known    []types.PublicKey // in order of their first bonds
	serving  []types.PublicKey
	waiting  []modelRequest
	credit   map[common.Address]*big.Int
	steps    []*modelStep
	first    int // steps before it are decided
	settled  modelValue
	commits  []modelCommit
	escrows  map[types.PublicKey]*modelEscrow
	burned   *big.Int
	pools    [2]*big.Int // sequencers, provers
	reserved *big.Int    // prizes of settled steps, not yet collected
}

type modelBond struct {
	owner, operator common.Address
	role            types.BondRole
	status          int // 1 active, 2 leaving, 3 released, 4 slashed
	stake           *big.Int
	ready, served   uint64
	until, asserted uint64
}

type modelRequest struct {
	key             types.PublicKey
	owner, operator common.Address
	role            types.BondRole
	value           *big.Int
	proven          bool
}

type modelValue struct {
	height uint64
	value  types.Hash
}

type modelStep struct {
	parent, value modelValue
	opened, block uint64
	supporters    []types.PublicKey
	shares        map[types.PublicKey]*big.Int
	weight        *big.Int // of all who share, collected or not
	prize         *big.Int // nil: not settled
	left          *big.Int
}

type modelCommit struct {
	payee     common.Address
	challenge [32]byte
	block     uint64
}

type modelEscrow struct {
	payee  common.Address
	amount *big.Int
	order  int // place in commits, or past all
	until  uint64
}

const never = 1 << 40

func newBondModel(g *types.Genesis, owner func(types.PublicKey) common.Address) *bondModel {
	m := &bondModel{g: g, balance: new(big.Int), bonds: map[types.PublicKey]*modelBond{}, credit: map[common.Address]*big.Int{},
		escrows: map[types.PublicKey]*modelEscrow{}, burned: new(big.Int), pools: [2]*big.Int{new(big.Int), new(big.Int)}, reserved: new(big.Int)}
	enter := func(key types.PublicKey, role types.BondRole, stake types.Stake, served uint64) {
		m.bonds[key] = &modelBond{owner: owner(key), operator: owner(key), role: role, status: 1, stake: ether(int64(stake)), served: served}
		m.balance.Add(m.balance, ether(int64(stake)))
		m.known = append(m.known, key)
	}
	for _, member := range g.Committee {
		m.serving = append(m.serving, member.Key)
		enter(member.Key, types.BondSequencer, member.Stake, 1)
	}
	for _, key := range g.Provers {
		enter(key, types.BondProver, g.Bonding.ProverStake, 0)
	}
	return m
}

func (m *bondModel) bond(key types.PublicKey) *modelBond {
	if m.bonds[key] == nil {
		m.bonds[key] = &modelBond{stake: new(big.Int)}
	}
	return m.bonds[key]
}

func (m *bondModel) owe(who common.Address, value *big.Int) {
	if m.credit[who] == nil {
		m.credit[who] = new(big.Int)
	}
	m.credit[who].Add(m.credit[who], value)
}

// owed sums all that the contract owes anybody.
func (m *bondModel) owed() *big.Int {
	sum := new(big.Int)
	for _, b := range m.bonds {
		sum.Add(sum, b.stake)
	}
	for _, r := range m.waiting {
		sum.Add(sum, r.value)
	}
	for _, c := range m.credit {
		sum.Add(sum, c)
	}
	for _, e := range m.escrows {
		sum.Add(sum, e.amount)
	}
	for _, v := range [...]*big.Int{m.burned, m.pools[0], m.pools[1], m.reserved} {
		sum.Add(sum, v)
	}
	return sum
}

// begin is what a block does before its transactions.
func (m *bondModel) begin(h *types.Header) {
	m.block++
	if t := uint64(h.Time); t > m.now {
		if m.now != 0 {
			m.clock += min(t-m.now, m.g.WindowStep)
		}
		m.now = t
	}
	gained := new(big.Int).Sub(m.balance, m.owed())
	provers := new(big.Int).Mul(gained, new(big.Int).SetUint64(m.g.Bonding.ProverShare))
	provers.Quo(provers, big.NewInt(10_000))
	m.pools[1].Add(m.pools[1], provers)
	m.pools[0].Add(m.pools[0], gained.Sub(gained, provers))
	for _, v := range h.Verdicts {
		m.slash(v)
	}
	m.admit()
	m.settle()
	if h.Next != nil {
		m.turn(h.Next)
	}
}

func (m *bondModel) order(v types.Verdict) int {
	for i := len(m.commits) - 1; i >= 0; i-- {
		if c := m.commits[i]; c.payee == v.Payee && c.challenge == [32]byte(v.Challenge[4:]) && c.block+64 >= m.block {
			return i
		}
	}
	return never
}

func (m *bondModel) slash(v types.Verdict) {
	b := m.bond(v.Accused)
	if b.status != 1 && b.status != 2 {
		if e := m.escrows[v.Accused]; e != nil && v.Payee != [20]byte{} && m.block <= e.until && m.order(v) < e.order {
			e.payee, e.order = v.Payee, m.order(v)
		}
		return
	}
	part := new(big.Int)
	if v.Payee != [20]byte{} {
		part.Quo(b.stake, big.NewInt(10))
		m.escrows[v.Accused] = &modelEscrow{payee: v.Payee, amount: part, order: m.order(v), until: m.block + 64}
	}
	m.burned.Add(m.burned, new(big.Int).Sub(b.stake, part))
	b.stake, b.status = new(big.Int), 4
}

func (m *bondModel) admit() {
	for range min(16, len(m.waiting)) {
		r := m.waiting[0]
		m.waiting = m.waiting[1:]
		b := m.bond(r.key)
		if !r.proven || b.status != 0 && b.status != 3 {
			m.owe(r.owner, r.value)
			continue
		}
		if b.status == 0 {
			m.known = append(m.known, r.key)
		}
		b.owner, b.operator, b.role, b.status, b.stake, b.ready = r.owner, r.operator, r.role, 1, r.value, 0
	}
}

func (m *bondModel) settle() {
	for m.first < len(m.steps) && m.clock >= m.steps[m.first].opened+m.g.ChallengeWindow {
		s := m.steps[m.first]
		m.first++
		stands := false
		for _, key := range s.supporters {
			stands = stands || m.bonds[key].status != 4
		}
		if !stands || s.parent != m.settled {
			continue
		}
		m.settled = s.value
		s.prize, s.left = m.pools[1], new(big.Int).Set(m.pools[1])
		m.reserved.Add(m.reserved, m.pools[1])
		m.pools[1] = new(big.Int)
	}
}

func (m *bondModel) turn(end *types.EpochEnd) {
	weight := func(i int) *big.Int {
		b := m.bond(m.serving[i])
		if b.owner == (common.Address{}) {
			return new(big.Int)
		}
		units := new(big.Int).Quo(b.stake, new(big.Int).SetUint64(m.g.Bonding.StakeUnit))
		return units.Mul(units, new(big.Int).SetUint64(end.Rewards[i]))
	}
	total := new(big.Int)
	for i := range m.serving {
		total.Add(total, weight(i))
	}
	pool := new(big.Int).Set(m.pools[0])
	for i, key := range m.serving {
		b := m.bond(key)
		if total.Sign() > 0 && weight(i).Sign() > 0 {
			part := new(big.Int).Mul(pool, weight(i))
			part.Quo(part, total)
			m.owe(b.owner, part)
			m.pools[0].Sub(m.pools[0], part)
		}
		b.until = max(b.until, m.clock)
	}
	m.epoch++
	m.serving = nil
	for _, member := range end.Committee {
		m.serving = append(m.serving, member.Key)
		m.bond(member.Key).served = m.epoch + 1
	}
}

// candidates are who may be chosen, ascending by key.
func (m *bondModel) candidates() []types.PublicKey {
	var keys []types.PublicKey
	for key, b := range m.bonds {
		if b.role == types.BondSequencer && b.status == 1 && (b.served == m.epoch+1 || b.ready == m.epoch+1) {
			keys = append(keys, key)
		}
	}
	sort.Slice(keys, func(i, j int) bool { return bytes.Compare(keys[i][:], keys[j][:]) < 0 })
	return keys
}
