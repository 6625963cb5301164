package pool

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/etherscale/bedrock/types"
)

const (
	// resendPerTick bounds the batches published again at once.
	resendPerTick = 32
	// maxResendPause is where the pause between attempts stops doubling.
	maxResendPause = time.Minute
	// readyPoll is how often Config.Ready is asked again.
	readyPoll = 50 * time.Millisecond
)

// Run implements Source: it publishes batches, publishes again what is not executed, and expires. It blocks until ctx
// ends.
func (p *Pool) Run(ctx context.Context) error {
	tick := time.NewTicker(max(p.cfg.Rebroadcast/8, 10*time.Millisecond))
	defer tick.Stop()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		ready := p.cfg.Ready == nil || p.cfg.Ready()
		if ready {
			for _, out := range p.flush(time.Now()) {
				p.cfg.Publish(ctx, out)
			}
			p.arm(timer)
		} else {
			timer.Reset(readyPoll)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
		case <-timer.C:
		case <-tick.C:
			if !ready {
				continue
			}
			outs, expired := p.again(time.Now())
			p.drop(expired)
			for _, out := range outs {
				p.cfg.Publish(ctx, out)
			}
		}
	}
}

func (p *Pool) arm(timer *time.Timer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if due, any := p.outbox.due(); any {
		timer.Reset(time.Until(due))
	}
}

// flush takes the batches that are due.
func (p *Pool) flush(now time.Time) []Outgoing {
	p.mu.Lock()
	defer p.mu.Unlock()
	var outs []Outgoing
	for batch := p.outbox.take(now); batch != nil; batch = p.outbox.take(now) {
		out, err := outgoing(batch, now, 0)
		if err != nil { // a batch from the outbox is within all bounds
			p.cfg.Logger.Error("batch cannot be encoded", "error", err)
			continue
		}
		p.markSent(batch, out, now)
		outs = append(outs, out)
	}
	return outs
}

// markSent notes which batch carries the transactions and when to publish them again.
func (p *Pool) markSent(batch []parcel, out Outgoing, now time.Time) {
	for i := range batch {
		e := p.byHash[batch[i].info.Hash]
		if e == nil {
			continue
		}
		e.stage, e.batch, e.admitted, e.attempt = sent, out.ID, now, out.Attempt
		e.resend = now.Add(min(p.cfg.Rebroadcast<<min(out.Attempt, 10), max(maxResendPause, p.cfg.Rebroadcast)))
	}
}

// again makes the batches of own transactions that were published before and are still not executed: one account per
// batch, so that nobody's transaction keeps back another's. It also expires, and says what.
func (p *Pool) again(now time.Time) (outs []Outgoing, expired []types.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	expired = p.expire(now)
	late := p.late(now)
	for _, address := range byAge(late) {
		if len(outs) >= resendPerTick {
			break
		}
		outs = append(outs, p.resend(late[address], now)...)
	}
	return outs, expired
}

// late collects the transactions to publish again by account, in order of nonce, without those whose nonce is used up.
func (p *Pool) late(now time.Time) map[common.Address][]*entry {
	late := make(map[common.Address][]*entry)
	for _, e := range p.byHash {
		if e.local && e.stage == sent && !now.Before(e.resend) {
			late[e.from] = append(late[e.from], e)
		}
	}
	for address := range late {
		p.refresh(p.accounts[address])
		entries := slices.DeleteFunc(late[address], func(e *entry) bool {
			return p.byHash[e.info.Hash] != e || p.accounts[address].current[e.tx.Nonce()] != e
		})
		slices.SortFunc(entries, func(a, b *entry) int { return cmp.Compare(a.tx.Nonce(), b.tx.Nonce()) })
		if late[address] = p.withPredecessors(entries); len(late[address]) == 0 {
			delete(late, address)
		}
	}
	return late
}

// withPredecessors adds to an account's late transactions what has to be executed before them: one that is ordered before
// its predecessor is skipped, and then lost for the epoch. Behind a gap nothing is published again. The lock is held.
func (p *Pool) withPredecessors(late []*entry) []*entry {
	if p.cfg.State == nil || len(late) == 0 {
		return late
	}
	a, last := p.accounts[late[0].from], late[len(late)-1].tx.Nonce()
	var entries []*entry
	for nonce := p.nonce(a.address); nonce <= last; nonce++ {
		e := a.current[nonce]
		if e == nil || e.stage != sent {
			break
		}
		entries = append(entries, e)
	}
	return entries
}

// byAge orders the accounts by how long their first transaction has been due.
func byAge(late map[common.Address][]*entry) []common.Address {
	addresses := make([]common.Address, 0, len(late))
	for address := range late {
		addresses = append(addresses, address)
	}
	slices.SortFunc(addresses, func(a, b common.Address) int {
		return cmp.Or(late[a][0].resend.Compare(late[b][0].resend), slices.Compare(a[:], b[:]))
	})
	return addresses
}

// resend packs one account's transactions into as few batches as they fit.
func (p *Pool) resend(entries []*entry, now time.Time) []Outgoing {
	var outs []Outgoing
	box := newOutbox(0, 0)
	attempt := 0
	for _, e := range entries {
		attempt = max(attempt, e.attempt+1)
		box.add(parcel{envelope: e.envelope, info: e.info, at: now})
	}
	for batch := box.take(now); batch != nil; batch = box.take(now) {
		out, err := outgoing(batch, now, attempt)
		if err != nil {
			p.cfg.Logger.Error("batch cannot be encoded", "error", err)
			continue
		}
		p.markSent(batch, out, now)
		outs = append(outs, out)
	}
	return outs
}
