package pool

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/core"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/types"
)

// Add admits a transaction that enters here. It is published within FlushDelay, or later if it has to wait for its
// predecessors. The error texts are go-ethereum's.
func (p *Pool) Add(_ context.Context, tx *ethtypes.Transaction) error {
	envelope, err := tx.MarshalBinary()
	if err != nil {
		return fmt.Errorf("transaction: %w", err)
	}
	t, err := p.parser.structure.check(tx, envelope)
	if err != nil {
		return err
	}
	return p.add(t)
}

// AddEnvelope is Add for the bytes of a transaction.
func (p *Pool) AddEnvelope(_ context.Context, envelope []byte) (types.Hash, error) {
	t, err := p.parser.structure.read(envelope)
	if err != nil {
		return types.Hash{}, err
	}
	return t.info.Hash, p.add(t)
}

// add admits a transaction and journals it: what was acknowledged survives a crash.
func (p *Pool) add(t *transaction) error {
	if err := p.admitOwn(t); err != nil {
		return err
	}
	return p.keep(t)
}

func (p *Pool) admitOwn(t *transaction) error {
	cost, err := p.rules.check(t)
	if err != nil {
		return err
	}
	t.readAuthorities()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.byHash[t.info.Hash] != nil {
		return ErrAlreadyKnown
	}
	e := &entry{transaction: t, cost: cost, local: true, added: now, admitted: now}
	if _, err := p.place(e); err != nil {
		return err
	}
	p.release(p.accounts[t.from], now)
	p.tell(t.tx)
	return nil
}

// readAuthorities recovers the accounts whose code the transaction may set.
func (t *transaction) readAuthorities() {
	if t.tx.Type() == ethtypes.SetCodeTxType {
		t.authorities = t.tx.SetCodeAuthorities()
	}
}

// place checks a new entry against the state and the account's other transactions and inserts it. Undo takes it out again
// and brings back what it replaced; it is valid only until the pool changes otherwise. The lock is held.
func (p *Pool) place(e *entry) (undo func(), err error) {
	a := p.accounts[e.from]
	if a != nil {
		p.refresh(a)
	}
	if a = p.accounts[e.from]; a == nil {
		a = newAccount(e.from)
	}
	if p.ordered.has(e.info.Hash) {
		return nil, fmt.Errorf("%w: it is in a block already; if it was skipped there, sign it again with another fee", ErrAlreadyKnown)
	}
	if err := p.checkNonce(a, e); err != nil {
		return nil, err
	}
	old := a.current[e.tx.Nonce()]
	if old != nil && !outbids(e.tx, old.tx) {
		return nil, fmt.Errorf("%w: fees must rise by a tenth, from max fee %v and priority fee %v", ErrReplaceUnderpriced, old.tx.GasFeeCap(), old.tx.GasTipCap())
	}
	if err := p.checkFunds(a, e); err != nil {
		return nil, err
	}
	if err := p.checkRoom(a, e, old); err != nil {
		return nil, err
	}
	p.displace(a, old)
	p.insert(a, e)
	return func() { p.remove(e); p.restore(a, old) }, nil
}

// checkNonce demands a nonce within the account's window and, for transactions of others, without a gap before it: one
// that is ordered before its predecessor is carried for nothing.
func (p *Pool) checkNonce(a *account, e *entry) error {
	if p.cfg.State == nil {
		return nil
	}
	next, nonce, window := p.nonce(a.address), e.tx.Nonce(), lag*p.cfg.AccountTransactions
	if e.local {
		window = p.cfg.AccountQueue
	}
	if nonce < next {
		return fmt.Errorf("%w: next nonce %d, tx nonce %d", core.ErrNonceTooLow, next, nonce)
	}
	if nonce-next >= uint64(window) {
		return fmt.Errorf("%w: next nonce %d, tx nonce %d, at most %d ahead", core.ErrNonceTooHigh, next, nonce, window-1)
	}
	if !e.local {
		return p.checkOrder(a, e)
	}
	return nil
}

// checkOrder demands that all nonces before e's are here.
func (p *Pool) checkOrder(a *account, e *entry) error {
	if next, nonce := p.nonce(a.address), e.tx.Nonce(); p.cfg.State != nil && !a.contiguous(next, nonce) {
		return fmt.Errorf("%w: next nonce %d, tx nonce %d, one between is not here", core.ErrNonceTooHigh, next, nonce)
	}
	return nil
}

// checkFunds demands that the account can pay for all its waiting transactions and this one, and that this one pays the
// base fee of the next block.
func (p *Pool) checkFunds(a *account, e *entry) error {
	if !p.feeFits(e.transaction) {
		return fmt.Errorf("%w: address %v, maxFeePerGas: %v, baseFee: %v", core.ErrFeeCapTooLow, e.from, e.tx.GasFeeCap(), p.cfg.State.BaseFee())
	}
	balance, queued := p.balance(a.address), a.cost(e.tx.Nonce())
	total := addCost(queued, e.cost)
	if !total.Gt(balance) {
		return nil
	}
	over := new(uint256.Int).Sub(total, balance)
	if queued.IsZero() {
		return fmt.Errorf("%w: balance %v, tx cost %v, overshot %v", core.ErrInsufficientFunds, balance, e.cost, over)
	}
	return fmt.Errorf("%w: balance %v, queued cost %v, tx cost %v, overshot %v", core.ErrInsufficientFunds, balance, queued, e.cost, over)
}

func (p *Pool) checkRoom(a *account, e *entry, old *entry) error {
	if len(p.byHash) >= p.cfg.MaxTransactions || p.bytes+len(e.envelope) > p.cfg.MaxBytes {
		return ErrPoolFull
	}
	if e.local {
		if old == nil && len(a.current) >= p.cfg.AccountQueue {
			return fmt.Errorf("%w: %d transactions of %v wait already", ErrAccountLimit, len(a.current), a.address)
		}
		return nil
	}
	return p.checkUnderWay(a, e)
}

// lag is how much more of an account a peer admits from others than it would release itself: an entry peer releases the
// next transactions when it has executed the first ones, which the others may do a block later.
const lag = 2

// checkUnderWay demands room for e beside what is under way.
func (p *Pool) checkUnderWay(a *account, e *entry) error {
	count, bytes, _ := a.underWay()
	if room := lag * p.room(a.address); count >= room || (count > 0 && bytes+len(e.envelope) > lag*p.cfg.AccountBytes) {
		return fmt.Errorf("%w: %d transactions of %v, %d bytes, are under way", ErrAccountLimit, count, a.address, bytes)
	}
	return nil
}

// displace makes room for a replacement of old.
func (p *Pool) displace(a *account, old *entry) {
	if old == nil {
		return
	}
	if old.stage == sent {
		delete(a.current, old.tx.Nonce())
		a.replaced = append(a.replaced, old)
		return
	}
	p.remove(old)
	old.stage = held
}

// restore is the inverse of displace, up to the outbox: what was in it is held until the next release.
func (p *Pool) restore(a *account, old *entry) {
	if old == nil {
		return
	}
	if old.stage != sent {
		p.insert(a, old)
		return
	}
	if p.byHash[old.info.Hash] != old {
		return // its nonce was used up meanwhile
	}
	a.replaced = slices.DeleteFunc(a.replaced, func(r *entry) bool { return r == old })
	a.current[old.tx.Nonce()] = old
	p.accounts[a.address] = a
}
