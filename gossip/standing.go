package gossip

import (
	"math"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// penaltyHalfLife is how fast a peer's penalties are forgotten.
	penaltyHalfLife = 2 * time.Minute
	// distrustAbove is the weight of penalties above which a peer is asked only when nobody else is left.
	distrustAbove = 0.5
	// maxStanding is how many peers' penalties are remembered: more than are ever connected.
	maxStanding = 4096
)

// standing remembers which peers gave wrong answers. Its size is bounded: when it is full, whoever has the least left
// to forget is forgotten.
type standing struct {
	mu        sync.Mutex
	penalties map[peer.ID]penalty
}

type penalty struct {
	weight float64
	at     time.Time
}

func (p penalty) now(t time.Time) float64 {
	return p.weight * math.Exp2(-float64(t.Sub(p.at))/float64(penaltyHalfLife))
}

func newStanding() *standing { return &standing{penalties: make(map[peer.ID]penalty)} }

func (s *standing) penalize(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if _, known := s.penalties[p]; !known && len(s.penalties) >= maxStanding {
		s.forgetOne(now)
	}
	s.penalties[p] = penalty{weight: s.penalties[p].now(now) + 1, at: now}
}

func (s *standing) forgetOne(now time.Time) {
	var least peer.ID
	weight := math.Inf(1)
	for p, pen := range s.penalties {
		if w := pen.now(now); w < weight {
			least, weight = p, w
		}
	}
	delete(s.penalties, least)
}

func (s *standing) weight(p peer.ID) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	pen, ok := s.penalties[p]
	if !ok {
		return 0
	}
	return pen.now(time.Now())
}

// score is the application's part of the gossipsub score.
func (s *standing) score(p peer.ID) float64 { return penaltyScore * s.weight(p) }

func (s *standing) distrusted(p peer.ID) bool { return s.weight(p) > distrustAbove }
