package pool

import (
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/core"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

// Check implements Source.
func (p *Pool) Check(body []byte) ([]consensus.TxInfo, error) {
	b, err := p.parser.batch(types.BatchIDOf(body), body, unlimited)
	if err != nil {
		return nil, err
	}
	return b.infos(), nil
}

func unlimited(int) error { return nil }

// maxCarriers bounds the batches of the order that may carry one transaction within a short time.
const maxCarriers = 3

// AdmitBatch implements Source.
func (p *Pool) AdmitBatch(body []byte, from string) (Admission, error) {
	if !p.peers.bytes(from, len(body)) {
		return Admission{}, fmt.Errorf("%w: %s", ErrRateLimited, from)
	}
	b, err := p.parser.batch(types.BatchIDOf(body), body, func(n int) error {
		if !p.peers.transactions(from, n) {
			return fmt.Errorf("%w: %s", ErrRateLimited, from)
		}
		return nil
	})
	if errors.Is(err, ErrRateLimited) {
		return Admission{}, err
	}
	if err != nil {
		return Admission{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return p.judge(b, false)
}

// Admits implements Source.
func (p *Pool) Admits(id types.BatchID, body []byte) bool {
	b, err := p.parser.batch(id, body, unlimited)
	if err != nil {
		return false
	}
	admission, err := p.judge(b, true)
	return err == nil && admission.Admitted
}

// judge admits a batch if at least half of its bytes and half of its gas are admissible and new here; else the pool stays
// as it was. In a batch that a sequencer has receipted (listed) a transaction counts as new in up to maxCarriers batches:
// after a crash the order may know it by an old batch at some sequencers and by a new one at others, and when each refuses
// the other's batch, neither is ever released.
func (p *Pool) judge(b *parsed, listed bool) (Admission, error) {
	costs := make([]*uint256.Int, len(b.txs))
	for i, t := range b.txs {
		cost, err := p.rules.check(t)
		if err != nil {
			return Admission{}, fmt.Errorf("%w: batch %s, transaction %d: %w", ErrInvalid, b.id, i, err)
		}
		costs[i] = cost
		t.readAuthorities()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := trial{pool: p, batch: b.id, listed: listed, now: time.Now()}
	for i, tx := range b.txs {
		t.try(tx, costs[i])
	}
	admission := Admission{ID: b.id, Txs: b.infos(), Admitted: t.passed()}
	if admission.Admitted {
		t.commit()
		return admission, nil
	}
	t.undo()
	admission.Reason = t.reason
	return admission, nil
}

// trial is the judgement of one batch under way.
type trial struct {
	pool   *Pool
	batch  types.BatchID
	listed bool // learnt through a sequencer's vertex
	now    time.Time

	placed, again   []*entry // new here; known, and to be carried by this batch as well
	undos           []func()
	bytes, newBytes uint64
	gas, newGas     uint64
	reason          error // why the first one that is not admissible is not
}

func (t *trial) try(tx *transaction, cost *uint256.Int) {
	t.bytes += tx.info.Size
	t.gas += tx.info.Gas
	if err := t.take(tx, cost); err != nil {
		if t.reason == nil {
			t.reason = err
		}
		return
	}
	t.newBytes += tx.info.Size
	t.newGas += tx.info.Gas
}

func (t *trial) take(tx *transaction, cost *uint256.Int) error {
	if known := t.pool.byHash[tx.info.Hash]; known != nil {
		return t.takeKnown(known)
	}
	e := &entry{transaction: tx, cost: cost, added: t.now}
	undo, err := t.pool.place(e)
	if err != nil {
		return err
	}
	e.stage = sent // so that it counts as under way for the next one of its account
	t.placed = append(t.placed, e)
	t.undos = append(t.undos, undo)
	return nil
}

// takeKnown takes a known transaction if it counts as new in this batch: it is this batch's own, nobody has published it
// yet, or the batch that carried it seems lost.
func (t *trial) takeKnown(e *entry) error {
	switch {
	case e.stage == held: // it waits here; another peer was quicker, and is held to the same limits
		a := t.pool.accounts[e.from]
		if err := t.pool.checkOrder(a, e); err != nil {
			return err
		}
		if err := t.pool.checkUnderWay(a, e); err != nil {
			return err
		}
		if _, _, cost := a.underWay(); addCost(cost, e.cost).Gt(t.pool.balance(e.from)) {
			return core.ErrInsufficientFunds
		}
		e.stage = sent
		t.undos = append(t.undos, func() { e.stage = held })
	case e.stage == sent && e.batch != t.batch && t.now.Sub(e.admitted) < 3*t.pool.cfg.Rebroadcast/4:
		if !t.listed || e.carriers >= maxCarriers {
			return ErrAlreadyKnown
		}
	}
	t.again = append(t.again, e)
	return nil
}

func (t *trial) passed() bool {
	return len(t.placed)+len(t.again) > 0 && 2*t.newBytes >= t.bytes && 2*t.newGas >= t.gas
}

func (t *trial) commit() {
	p := t.pool
	for _, e := range append(t.again, t.placed...) {
		if e.stage == boxed {
			p.outbox.remove(e.info.Hash)
		}
		if e.local && (e.stage != sent || e.batch != t.batch) { // a batch that is admitted again is not on its way again
			e.resend = t.now.Add(p.cfg.Rebroadcast)
		}
		if e.batch != t.batch {
			e.carriers++
		}
		e.stage, e.batch, e.admitted = sent, t.batch, t.now
	}
	txs := make([]*ethtypes.Transaction, len(t.placed))
	for i, e := range t.placed {
		txs[i] = e.tx
		if a := p.accounts[e.from]; a != nil {
			p.release(a, t.now) // an own transaction may have waited for this one
		}
	}
	p.tell(txs...)
}

func (t *trial) undo() {
	for i := len(t.undos) - 1; i >= 0; i-- {
		t.undos[i]()
	}
	for _, e := range t.placed {
		if a := t.pool.accounts[e.from]; a != nil {
			t.pool.release(a, t.now)
		}
	}
}
