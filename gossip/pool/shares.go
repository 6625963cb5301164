package pool

import (
	"sync"
	"time"

	"github.com/etherscale/bedrock/gossip/internal/bucket"
)

// maxShares bounds the peers remembered.
const maxShares = 4096

// shares limits the batches of each peer, before anything expensive is done with them.
type shares struct {
	byteRate, txRate bucket.Rate

	mu    sync.Mutex
	peers map[string]*share
}

type share struct{ bytes, transactions bucket.Bucket }

func newShares(bytes, transactions float64) *shares {
	return &shares{
		byteRate: bucket.Rate{PerSecond: bytes, Burst: 4 * bytes},
		txRate:   bucket.Rate{PerSecond: transactions, Burst: 4 * transactions},
		peers:    make(map[string]*share),
	}
}

func (s *shares) bytes(from string, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	peer := s.peer(from, now)
	return peer != nil && peer.bytes.Spend(now, float64(n), s.byteRate)
}

func (s *shares) transactions(from string, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	peer := s.peer(from, now)
	return peer != nil && peer.transactions.Spend(now, float64(n), s.txRate)
}

// peer finds or makes a peer's share; nil when so many peers are busy that there is no room for another.
func (s *shares) peer(from string, now time.Time) *share {
	if peer := s.peers[from]; peer != nil {
		return peer
	}
	if len(s.peers) >= maxShares {
		for name, peer := range s.peers {
			if peer.bytes.Full(now, s.byteRate) && peer.transactions.Full(now, s.txRate) {
				delete(s.peers, name)
			}
		}
	}
	if len(s.peers) >= maxShares {
		return nil
	}
	s.peers[from] = new(share)
	return s.peers[from]
}
