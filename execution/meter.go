package execution

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/holiman/uint256"
)

// What the meter charges: bytes of witness that a distinct account or slot costs. On tries of 20,000 leaves a slot really
// takes 230 bytes, on 120,000 leaves up to 700, and 532 more for each full branch of its path that no other path shares.
// Who grinds keys makes such branches below his own slots: three levels take 10^8 hashes, eight 10^14. A challenge
// (types.MaxChallengeBytes) may have eight times the bytes that the meter counts in a chunk: room for fifteen levels, 10^21
// hashes, for every slot of a chunk that spends all its bytes on them.
const (
	AccountBytes = 1000
	SlotBytes    = 1000
)

// Meter is the state as a transaction sees it, counting the witness bytes the transaction needs: AccountBytes for each
// distinct account, SlotBytes for each distinct slot, the length of each distinct code. When the next access would take
// the count above the limit the meter is exceeded: that access and all later ones never reach the state (they read zero
// and write nothing), and the EVM is cancelled. Whoever runs a transaction on a meter must discard the result when it is
// exceeded. Not safe for concurrent use.
type Meter struct {
	vm.StateDB
	limit    uint64
	used     uint64
	exceeded bool
	cancel   func()
	accounts map[common.Address]struct{}
	slots    map[slotKey]struct{}
	codes    map[common.Hash]struct{}
}

type slotKey struct {
	account common.Address
	slot    common.Hash
}

var _ vm.StateDB = (*Meter)(nil)

// NewMeter wraps a state. Until Begin is called nothing is limited.
func NewMeter(state vm.StateDB) *Meter {
	return &Meter{StateDB: state, limit: ^uint64(0), cancel: func() {}, accounts: make(map[common.Address]struct{}),
		slots: make(map[slotKey]struct{}), codes: make(map[common.Hash]struct{})}
}

// Begin starts counting anew for one transaction; cancel is called once when the limit (bytes) is exceeded.
func (m *Meter) Begin(limit uint64, cancel func()) {
	m.limit, m.used, m.exceeded, m.cancel = limit, 0, false, cancel
	clear(m.accounts)
	clear(m.slots)
	clear(m.codes)
}

// End lifts the limit again.
func (m *Meter) End() { m.Begin(^uint64(0), func() {}) }

// Used is the number of bytes charged since Begin.
func (m *Meter) Used() uint64 { return m.used }

// Exceeded reports whether the limit was hit since Begin.
func (m *Meter) Exceeded() bool { return m.exceeded }

func (m *Meter) charge(bytes uint64) bool {
	if m.exceeded {
		return false
	}
	if bytes > m.limit-m.used {
		m.exceeded = true
		m.cancel()
		return false
	}
	m.used += bytes
	return true
}

// account charges for an account and reports whether it may be accessed.
func (m *Meter) account(a common.Address) bool {
	if _, seen := m.accounts[a]; seen || m.limit == ^uint64(0) {
		return !m.exceeded
	}
	if !m.charge(AccountBytes) {
		return false
	}
	m.accounts[a] = struct{}{}
	return true
}

func (m *Meter) slot(a common.Address, s common.Hash) bool {
	if !m.account(a) {
		return false
	}
	key := slotKey{a, s}
	if _, seen := m.slots[key]; seen || m.limit == ^uint64(0) {
		return true
	}
	if !m.charge(SlotBytes) {
		return false
	}
	m.slots[key] = struct{}{}
	return true
}

// code charges for an account and its code.
func (m *Meter) code(a common.Address) bool {
	if !m.account(a) {
		return false
	}
	hash := m.StateDB.GetCodeHash(a)
	if _, seen := m.codes[hash]; seen || m.limit == ^uint64(0) {
		return true
	}
	if !m.charge(uint64(m.StateDB.GetCodeSize(a))) {
		return false
	}
	m.codes[hash] = struct{}{}
	return true
}

// The methods below are those of vm.StateDB that reach the state; they are not documented one by one.

func (m *Meter) CreateAccount(a common.Address) {
	if m.account(a) {
		m.StateDB.CreateAccount(a)
	}
}

func (m *Meter) CreateContract(a common.Address) {
	if m.account(a) {
		m.StateDB.CreateContract(a)
	}
}

func (m *Meter) SubBalance(a common.Address, v *uint256.Int, r tracing.BalanceChangeReason) uint256.Int {
	if !m.account(a) {
		return uint256.Int{}
	}
	return m.StateDB.SubBalance(a, v, r)
}

func (m *Meter) AddBalance(a common.Address, v *uint256.Int, r tracing.BalanceChangeReason) uint256.Int {
	if !m.account(a) {
		return uint256.Int{}
	}
	return m.StateDB.AddBalance(a, v, r)
}

func (m *Meter) GetBalance(a common.Address) *uint256.Int {
	if !m.account(a) {
		return new(uint256.Int)
	}
	return m.StateDB.GetBalance(a)
}

func (m *Meter) GetNonce(a common.Address) uint64 {
	if !m.account(a) {
		return 0
	}
	return m.StateDB.GetNonce(a)
}

func (m *Meter) SetNonce(a common.Address, n uint64, r tracing.NonceChangeReason) {
	if m.account(a) {
		m.StateDB.SetNonce(a, n, r)
	}
}

func (m *Meter) GetCodeHash(a common.Address) common.Hash {
	if !m.account(a) {
		return common.Hash{}
	}
	return m.StateDB.GetCodeHash(a)
}

func (m *Meter) GetCode(a common.Address) []byte {
	if !m.code(a) {
		return nil
	}
	return m.StateDB.GetCode(a)
}

func (m *Meter) GetCodeSize(a common.Address) int {
	if !m.code(a) {
		return 0
	}
	return m.StateDB.GetCodeSize(a)
}

func (m *Meter) SetCode(a common.Address, code []byte, r tracing.CodeChangeReason) []byte {
	if !m.code(a) { // the previous code is returned
		return nil
	}
	return m.StateDB.SetCode(a, code, r)
}

func (m *Meter) GetStateAndCommittedState(a common.Address, s common.Hash) (common.Hash, common.Hash) {
	if !m.slot(a, s) {
		return common.Hash{}, common.Hash{}
	}
	return m.StateDB.GetStateAndCommittedState(a, s)
}

func (m *Meter) GetState(a common.Address, s common.Hash) common.Hash {
	if !m.slot(a, s) {
		return common.Hash{}
	}
	return m.StateDB.GetState(a, s)
}

func (m *Meter) SetState(a common.Address, s, v common.Hash) common.Hash {
	if !m.slot(a, s) {
		return common.Hash{}
	}
	return m.StateDB.SetState(a, s, v)
}

func (m *Meter) SelfDestruct(a common.Address) {
	if m.account(a) {
		m.StateDB.SelfDestruct(a)
	}
}

func (m *Meter) HasSelfDestructed(a common.Address) bool {
	return m.account(a) && m.StateDB.HasSelfDestructed(a)
}

func (m *Meter) Exist(a common.Address) bool { return m.account(a) && m.StateDB.Exist(a) }

func (m *Meter) Touch(a common.Address) {
	if m.account(a) {
		m.StateDB.Touch(a)
	}
}

func (m *Meter) IsNewContract(a common.Address) bool {
	return m.account(a) && m.StateDB.IsNewContract(a)
}

func (m *Meter) Empty(a common.Address) bool { return !m.account(a) || m.StateDB.Empty(a) }
