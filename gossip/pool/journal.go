package pool

import (
	"context"

	"github.com/etherscale/bedrock/types"
)

// Journal keeps the transactions that entered here until they have had their turn, so that a crash loses nothing that was
// acknowledged. Its methods are called without the pool's lock, from any goroutine.
type Journal interface {
	// Keep stores an envelope; it is durable when Keep returns nil.
	Keep(hash types.Hash, envelope []byte) error
	// Drop forgets transactions; unknown ones are no matter.
	Drop(hashes []types.Hash)
	// Each visits what is kept; the envelope is valid during the call only.
	Each(visit func(hash types.Hash, envelope []byte)) error
}

// Recover takes back what the journal kept over a restart and returns how many transactions wait again. What the state
// does not admit any more, most of it executed meanwhile, is dropped.
func (p *Pool) Recover(ctx context.Context) (int, error) {
	if p.cfg.Journal == nil {
		return 0, nil
	}
	var envelopes [][]byte
	var hashes []types.Hash
	err := p.cfg.Journal.Each(func(hash types.Hash, envelope []byte) {
		hashes = append(hashes, hash)
		envelopes = append(envelopes, append([]byte(nil), envelope...))
	})
	if err != nil {
		return 0, err
	}
	var gone []types.Hash
	for i, envelope := range envelopes {
		t, err := p.parser.structure.read(envelope)
		if err == nil {
			err = p.admitOwn(t)
		}
		if err != nil {
			p.cfg.Logger.Debug("kept transaction is not admitted any more", "transaction", hashes[i], "reason", err)
			gone = append(gone, hashes[i])
		}
	}
	p.cfg.Journal.Drop(gone)
	return len(envelopes) - len(gone), nil
}

// keep journals an admitted transaction.
func (p *Pool) keep(t *transaction) error {
	if p.cfg.Journal == nil {
		return nil
	}
	return p.cfg.Journal.Keep(t.info.Hash, t.envelope)
}

// drop takes transactions out of the journal. Call it without the lock.
func (p *Pool) drop(hashes []types.Hash) {
	if p.cfg.Journal != nil && len(hashes) > 0 {
		p.cfg.Journal.Drop(hashes)
	}
}
