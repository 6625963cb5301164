package sequencer

import (
	"sync"

	"github.com/etherscale/bedrock/types"
)

// maxVerified is how many vertices are remembered as well signed: several rounds of the largest committee on their way
// between the check and the log, brought by several members.
const maxVerified = 4096

// verifiedSet remembers the newest vertices whose signatures are good.
type verifiedSet struct {
	mu         sync.Mutex
	signatures map[types.Hash]types.Signature // by digest
	ring       [maxVerified]types.Hash
	next       int
}

func newVerifiedSet() *verifiedSet {
	return &verifiedSet{signatures: make(map[types.Hash]types.Signature)}
}

func (s *verifiedSet) has(v *types.Vertex) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	signature, ok := s.signatures[v.Digest()]
	return ok && signature == v.Signature()
}

func (s *verifiedSet) add(v *types.Vertex) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.signatures[v.Digest()]; ok {
		return
	}
	delete(s.signatures, s.ring[s.next])
	s.signatures[v.Digest()] = v.Signature()
	s.ring[s.next] = v.Digest()
	s.next = (s.next + 1) % maxVerified
}
