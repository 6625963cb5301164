package load

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/crypto/sha3"

	"github.com/etherscale/bedrock/consensus"
	"github.com/etherscale/bedrock/types"
)

const (
	sequencers  = 4
	payloadSize = 250
	accounts    = 2000
)

// standard is the length of a benchmark's trial.
func standard(rate int) trial {
	return trial{rate: rate, warm: 4 * time.Second, length: 20 * time.Second, drain: 15 * time.Second}
}

// BenchmarkOrdering measures the path at fixed rates, from ease to overload: 30,000 tx/s are more than blocks of 2 MiB every
// half second carry, and 4,000 transfers/s more than two cores execute four times over.
func BenchmarkOrdering(b *testing.B) {
	for _, rate := range []int{200, 1000, 4000, 30000} {
		b.Run(fmt.Sprintf("opaque/%d", rate), func(b *testing.B) { opaqueTrial(b, standard(rate), consensus.Pacing{}).report(b) })
	}
	for _, rate := range []int{100, 400, 1000, 4000} {
		b.Run(fmt.Sprintf("transfers/%d", rate), func(b *testing.B) { transfersTrial(b, standard(rate)).report(b) })
	}
}

// BenchmarkPacing compares round lengths at one load.
func BenchmarkPacing(b *testing.B) {
	for _, round := range []time.Duration{10, 12, 15, 20, 30} {
		pacing := consensus.Pacing{MinRound: round * time.Millisecond}
		b.Run(fmt.Sprintf("round-%dms", round), func(b *testing.B) { opaqueTrial(b, standard(1000), pacing).report(b) })
	}
}

func opaqueTrial(t testing.TB, tr trial, pacing consensus.Pacing) *figures {
	work := &opaque{size: payloadSize}
	cost := generatorCost(sequencers, tr.rate, work)
	s := openSwarm(t, plan{sequencers: sequencers, payload: types.PayloadOpaque, pacing: pacing})
	s.awaitReady(t)
	f := measure(t, s, sequencers, work, tr)
	f.generator = cost
	return f
}

func transfersTrial(t testing.TB, tr trial) *figures {
	each := int(tr.length.Seconds())*tr.rate/accounts + 2
	// The generator's cost is measured on a workload of its own: it uses transactions up.
	probe, _ := newTransfers(t, sequencers, sequencers, tr.rate/sequencers+1)
	cost := generatorCost(sequencers, tr.rate, probe)
	work, alloc := newTransfers(t, sequencers, accounts, each)
	s := openSwarm(t, plan{sequencers: sequencers, payload: types.PayloadEthereum, alloc: alloc})
	s.awaitReady(t)
	f := measure(t, s, sequencers, work, tr)
	f.generator = cost
	return f
}

// hashesOf names the transactions in a block's data as Ethereum does.
func hashesOf(data []byte) []types.Hash {
	envelopes := types.DecodeBlockData(data)
	hashes := make([]types.Hash, len(envelopes))
	for i, e := range envelopes {
		hasher := sha3.NewLegacyKeccak256()
		hasher.Write(e)
		hasher.Sum(hashes[i][:0])
	}
	return hashes
}
