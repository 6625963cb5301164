package pool

import (
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/etherscale/bedrock/types"
)

// sweepAccounts is how many accounts are looked at again with each block, beside those that it touched.
const sweepAccounts = 256

// Executed implements Source: the block's transactions leave the pool, whether they were executed or skipped, accounts
// are looked at again, and what waited for them is released. The state has to be that after the block.
func (p *Pool) Executed(_ types.Height, hashes []types.Hash) {
	p.settle(hashes)
	p.drop(hashes)
}

func (p *Pool) settle(hashes []types.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	touched := make(map[common.Address]struct{})
	for _, hash := range hashes {
		p.ordered.add(hash)
		if e := p.byHash[hash]; e != nil {
			touched[e.from] = struct{}{}
			p.remove(e)
		}
	}
	for address := range p.accounts { // the order of a map changes with every loop: all are looked at in time
		if len(touched) >= len(hashes)+sweepAccounts {
			break
		}
		touched[address] = struct{}{}
	}
	for address := range touched {
		p.recheck(address, now)
	}
}

func (p *Pool) recheck(address common.Address, now time.Time) {
	if a := p.accounts[address]; a != nil {
		p.refresh(a)
		p.release(a, now)
	}
}

// expire drops what waited too long: own transactions after Expiry, those of others after ForeignExpiry without a batch
// that carries them. It returns what it dropped. The lock is held.
func (p *Pool) expire(now time.Time) (hashes []types.Hash) {
	var gone []*entry
	for _, e := range p.byHash {
		limit, since := p.cfg.ForeignExpiry, e.admitted
		if e.local && p.cfg.State == nil { // nobody tells whether it was executed
			since = e.added
		} else if e.local {
			limit, since = p.cfg.Expiry, e.added
		}
		if now.Sub(since) > limit {
			gone = append(gone, e)
		}
	}
	for _, e := range gone {
		p.remove(e)
		hashes = append(hashes, e.info.Hash)
	}
	if len(gone) > 0 {
		p.cfg.Logger.Debug("transactions expired", "count", len(gone))
	}
	return hashes
}

// recent is a set of the last transactions that were ordered.
type recent struct {
	size int
	ring []types.Hash // grows up to size
	next int
	set  map[types.Hash]struct{}
}

func newRecent(size int) *recent {
	return &recent{size: size, set: make(map[types.Hash]struct{})}
}

func (r *recent) has(hash types.Hash) bool { _, ok := r.set[hash]; return ok }

func (r *recent) add(hash types.Hash) {
	if r.has(hash) {
		return
	}
	r.set[hash] = struct{}{}
	if len(r.ring) < r.size {
		r.ring = append(r.ring, hash)
		return
	}
	delete(r.set, r.ring[r.next])
	r.ring[r.next] = hash
	r.next = (r.next + 1) % len(r.ring)
}
