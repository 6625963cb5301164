package chain

import (
	"encoding/binary"
	"fmt"

	"github.com/etherscale/bedrock/store"
	"github.com/etherscale/bedrock/types"
)

var (
	progressKey = []byte("chain/progress")
	epochPrefix = "chain/epoch/" // + BE64 epoch -> BE64 height of the header that named its committee
	conflictKey = []byte("chain/conflict")
	baseKey     = []byte("chain/base") // -> BE64 height of the checkpoint where a light client began
)

const (
	progressVersion = 1
	progressSize    = 1 + 5*8
)

// progress is how far the chain has come. It is written in the batch of every change it describes.
type progress struct {
	head      types.Height // newest certified header
	bodies    types.Height // every body of 1..bodies is here or was pruned
	pruned    types.Height // bodies of 1..pruned were pruned
	released  types.Height // bodies of 1..released may be pruned
	bodyBytes uint64       // bytes of the stored bodies
}

// encode lays out: version (1), then the five numbers as BE64.
func (p progress) encode() []byte {
	out := []byte{progressVersion}
	for _, n := range []uint64{uint64(p.head), uint64(p.bodies), uint64(p.pruned), uint64(p.released), p.bodyBytes} {
		out = binary.BigEndian.AppendUint64(out, n)
	}
	return out
}

func decodeProgress(b []byte) (progress, error) {
	if len(b) != progressSize || b[0] != progressVersion {
		return progress{}, fmt.Errorf("chain: progress record of %d bytes, want version %d and %d bytes: %w",
			len(b), progressVersion, progressSize, store.ErrBroken)
	}
	n := func(i int) uint64 { return binary.BigEndian.Uint64(b[1+8*i:]) }
	p := progress{types.Height(n(0)), types.Height(n(1)), types.Height(n(2)), types.Height(n(3)), n(4)}
	if p.pruned > p.bodies || p.bodies > p.head || p.pruned > p.released || p.released > p.bodies {
		return progress{}, fmt.Errorf("chain: progress record contradicts itself (%+v): %w", p, store.ErrBroken)
	}
	return p, nil
}

func epochKey(e types.Epoch) []byte {
	return binary.BigEndian.AppendUint64([]byte(epochPrefix), uint64(e))
}
