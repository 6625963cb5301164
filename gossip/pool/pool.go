package pool

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/types"
)

// Pool holds Ethereum transactions that are not executed yet.
type Pool struct {
	cfg    Config
	rules  rules
	parser *parser
	wake   chan struct{} // capacity 1: tells Run that the outbox changed
	peers  *shares

	mu          sync.Mutex
	accounts    map[common.Address]*account
	byHash      map[types.Hash]*entry
	bytes       int
	authorities map[common.Address]int // accounts whose code a waiting transaction may set
	ordered     *recent                // transactions in blocks lately
	outbox      *outbox
	listeners   map[int]chan []*ethtypes.Transaction
	listener    int
}

// New makes an empty pool.
func New(cfg Config) (*Pool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.fill()
	p := &Pool{
		cfg:         cfg,
		rules:       newRules(cfg.BaseFeeFloor),
		parser:      newParser(cfg.ChainID, cfg.Workers),
		wake:        make(chan struct{}, 1),
		peers:       newShares(cfg.PeerBytes, cfg.PeerTransactions),
		accounts:    make(map[common.Address]*account),
		byHash:      make(map[types.Hash]*entry),
		authorities: make(map[common.Address]int),
		ordered:     newRecent(orderedRemembered),
		outbox:      newOutbox(cfg.FlushDelay, cfg.Spacing),
		listeners:   make(map[int]chan []*ethtypes.Transaction),
	}
	p.outbox.company.burst = cfg.NextBurst
	return p, nil
}

// PendingNonce is the account's next nonce, counting the transactions that wait here without a gap.
func (p *Pool) PendingNonce(address common.Address) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := p.nonce(address)
	if a := p.accounts[address]; a != nil {
		for a.current[next] != nil {
			next++
		}
	}
	return next
}

// Get is a transaction that waits here, else nil.
func (p *Pool) Get(hash common.Hash) *ethtypes.Transaction {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.byHash[types.Hash(hash)]; e != nil {
		return e.tx
	}
	return nil
}

// Content lists what waits by sender, ascending by nonce: what follows the state's nonce without a gap, and the rest.
func (p *Pool) Content() (pending, queued map[common.Address][]*ethtypes.Transaction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pending = make(map[common.Address][]*ethtypes.Transaction)
	queued = make(map[common.Address][]*ethtypes.Transaction)
	for address, a := range p.accounts {
		next := p.nonce(address)
		for _, nonce := range a.nonces() {
			to := queued
			if nonce == next {
				to, next = pending, next+1
			}
			to[address] = append(to[address], a.current[nonce].tx)
		}
	}
	return pending, queued
}

func (a *account) nonces() []uint64 {
	nonces := make([]uint64, 0, len(a.current))
	for n := range a.current {
		nonces = append(nonces, n)
	}
	slices.Sort(nonces)
	return nonces
}

// Stats is a snapshot for dashboards and metrics.
type Stats struct {
	Transactions int `json:"transactions"`
	Bytes        int `json:"bytes"`
	Accounts     int `json:"accounts"`
	Held         int `json:"held"`  // not released yet
	Boxed        int `json:"boxed"` // in the next batch
}

// Stats takes a snapshot.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{Transactions: len(p.byHash), Bytes: p.bytes, Accounts: len(p.accounts), Boxed: len(p.outbox.parcels)}
	for _, e := range p.byHash {
		if e.stage == held {
			s.Held++
		}
	}
	return s
}

// NewTransactions returns a channel of newly admitted transactions and a function that ends the subscription and closes
// the channel. What the channel has no room for is dropped.
func (p *Pool) NewTransactions() (<-chan []*ethtypes.Transaction, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := make(chan []*ethtypes.Transaction, 256)
	id := p.listener
	p.listener++
	p.listeners[id] = c
	return c, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if _, open := p.listeners[id]; open {
			delete(p.listeners, id)
			close(c)
		}
	}
}

// tell hands new transactions to the listeners. The lock is held.
func (p *Pool) tell(txs ...*ethtypes.Transaction) {
	if len(txs) == 0 {
		return
	}
	for _, c := range p.listeners {
		select {
		case c <- txs:
		default:
		}
	}
}

// signal wakes Run.
func (p *Pool) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// nonce is the account's next nonce in the state; without a state 0.
func (p *Pool) nonce(address common.Address) uint64 {
	if p.cfg.State == nil {
		return 0
	}
	return p.cfg.State.Nonce(address)
}

func (p *Pool) balance(address common.Address) *uint256.Int {
	if p.cfg.State == nil {
		return new(uint256.Int).SetAllOne()
	}
	if b := p.cfg.State.Balance(address); b != nil {
		return b
	}
	return new(uint256.Int)
}

// room is how many transactions of the account may be under way at once. Without a state nobody tells when one is
// executed, and the peers that know the state keep the limit.
func (p *Pool) room(address common.Address) int {
	if p.cfg.State == nil {
		return p.cfg.AccountQueue
	}
	if p.authorities[address] > 0 || p.cfg.State.HasCode(address) {
		return 1
	}
	return p.cfg.AccountTransactions
}

// remove takes an entry out, whatever its stage. The lock is held.
func (p *Pool) remove(e *entry) {
	if p.byHash[e.info.Hash] != e {
		return
	}
	delete(p.byHash, e.info.Hash)
	p.bytes -= len(e.envelope)
	p.countAuthorities(e, -1)
	if e.stage == boxed {
		p.outbox.remove(e.info.Hash)
	}
	a := p.accounts[e.from]
	if a.current[e.tx.Nonce()] == e {
		delete(a.current, e.tx.Nonce())
	}
	a.replaced = slices.DeleteFunc(a.replaced, func(r *entry) bool { return r == e })
	if a.empty() {
		delete(p.accounts, e.from)
	}
}

// insert adds an entry that place has checked. The lock is held.
func (p *Pool) insert(a *account, e *entry) {
	p.accounts[e.from] = a
	a.current[e.tx.Nonce()] = e
	p.byHash[e.info.Hash] = e
	p.bytes += len(e.envelope)
	p.countAuthorities(e, 1)
}

func (p *Pool) countAuthorities(e *entry, by int) {
	for _, authority := range e.authorities {
		if p.authorities[authority] += by; p.authorities[authority] <= 0 {
			delete(p.authorities, authority)
		}
	}
}

// refresh drops the account's transactions whose nonce is used up. The lock is held.
func (p *Pool) refresh(a *account) {
	if p.cfg.State == nil {
		return
	}
	next := p.nonce(a.address)
	for nonce, e := range a.current {
		if nonce < next {
			p.remove(e)
		}
	}
	for _, e := range slices.Clone(a.replaced) {
		if e.tx.Nonce() < next {
			p.remove(e)
		}
	}
}

// release moves the account's own transactions that may be published into the outbox, in order of nonce, up to the first
// that may not. The lock is held.
func (p *Pool) release(a *account, now time.Time) {
	count, bytes, cost := a.underWay()
	room, balance := p.room(a.address), p.balance(a.address)
	next := p.nonce(a.address)
	for i, nonce := range a.nonces() {
		if p.cfg.State != nil && nonce != next+uint64(i) {
			return
		}
		e := a.current[nonce]
		if e.stage != held {
			continue
		}
		cost = addCost(cost, e.cost)
		if count >= room || (count > 0 && bytes+len(e.envelope) > p.cfg.AccountBytes) || cost.Gt(balance) || !p.feeFits(e.transaction) {
			return
		}
		count, bytes = count+1, bytes+len(e.envelope)
		e.stage = boxed
		p.outbox.add(parcel{envelope: e.envelope, info: e.info, group: e.from, at: now})
		p.signal()
	}
}

// feeFits reports whether the transaction pays the base fee of the next block.
func (p *Pool) feeFits(t *transaction) bool {
	return p.cfg.State == nil || t.tx.GasFeeCapIntCmp(p.cfg.State.BaseFee().ToBig()) >= 0
}

// String is for logs.
func (p *Pool) String() string {
	s := p.Stats()
	return fmt.Sprintf("pool of %d transactions, %d bytes, %d accounts", s.Transactions, s.Bytes, s.Accounts)
}
