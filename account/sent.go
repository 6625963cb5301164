package account

import (
	"context"
	"slices"
	"sync"
	"time"

	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/etherscale/bedrock/types"
)

// Sent is a call on its way.
type Sent struct {
	inner *ethtypes.DynamicFeeTx // sent last; owned by the account
	since time.Time

	done    chan struct{}
	outcome Outcome // set before done is closed
	err     error

	mu        sync.Mutex
	envelopes [][]byte
	hashes    []types.Hash // of all attempts
}

// Outcome is what became of a call.
type Outcome struct {
	Height    types.Height // of the block that executed it
	Hash      types.Hash   // of the transaction that was executed
	Succeeded bool         // false: it was reverted
}

// Envelope is the transaction as it was sent first.
func (s *Sent) Envelope() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.envelopes[0])
}

// Hash names that transaction.
func (s *Sent) Hash() types.Hash {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hashes[0]
}

// Wait waits for the outcome, ErrDisplaced, or the end of ctx.
func (s *Sent) Wait(ctx context.Context) (Outcome, error) {
	select {
	case <-ctx.Done():
		return Outcome{}, ctx.Err()
	case <-s.done:
		return s.outcome, s.err
	}
}

// Finished is closed when the outcome is known.
func (s *Sent) Finished() <-chan struct{} { return s.done }

// note adds an attempt.
func (s *Sent) note(tx *ethtypes.Transaction) {
	envelope, err := tx.MarshalBinary()
	if err != nil {
		return // a signed transaction always encodes
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.envelopes) == 0 {
		s.envelopes = append(s.envelopes, envelope)
	}
	s.hashes = append(s.hashes, types.Hash(tx.Hash()))
}

// finish looks which of the attempts was executed.
func (s *Sent) finish(chain Chain) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = ErrDisplaced
	for _, hash := range s.hashes {
		if height, succeeded, known := chain.Outcome(hash); known {
			s.outcome, s.err = Outcome{Height: height, Hash: hash, Succeeded: succeeded}, nil
			break
		}
	}
	close(s.done)
}
