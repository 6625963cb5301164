package dht

import (
	"sync"

	"github.com/etherscale/bedrock/coding"
	"github.com/etherscale/bedrock/types"
)

// maxVerifiers bounds the verifiers in memory; one takes up to 768 KiB for the largest block, 40 KiB for 1 MiB of data.
const maxVerifiers = 16

// verifiers keeps the verifiers of the last blocks; the oldest makes room.
type verifiers struct {
	mu    sync.Mutex
	known map[types.Hash]*coding.Verifier
	order []types.Hash
}

func newVerifiers() *verifiers { return &verifiers{known: make(map[types.Hash]*coding.Verifier)} }

func (v *verifiers) get(c types.Hash) *coding.Verifier {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.known[c]
}

func (v *verifiers) add(c types.Hash, verifier *coding.Verifier) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.known[c] != nil {
		return
	}
	if len(v.order) == maxVerifiers {
		delete(v.known, v.order[0])
		v.order = v.order[1:]
	}
	v.known[c] = verifier
	v.order = append(v.order, c)
}
