package execution_test

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// dormant is an account that only receives.
func dormant(i int) common.Address {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("dormant"), uint64(i)))
	return common.Address(seed[:20])
}

// BenchmarkExecution is the execution of 1000 transfers to distinct accounts of 20,000, with and without the recording of
// their witness; and of an empty block, which is what an idle peer does. Run it with -cpu 1.
func BenchmarkExecution(b *testing.B) {
	const accounts = 20_000
	s := exectest.New(b, func(g *types.Genesis) {
		g.ChunkTransactions, g.ChunkBytes = 64, 2<<20
		for i := range accounts {
			g.Alloc[dormant(i).Hex()] = types.GenesisAccount{Balance: "0x1"}
		}
	})
	var transfers [][]byte
	for i := range 1000 {
		to := dormant(i * 19 % accounts)
		transfers = append(transfers, s.Call(i%exectest.Accounts, &to, 1, 21_000, nil))
	}
	block := s.Next(transfers...)
	prepared := s.Chain.Prepare(block.Data)
	for name, recorded := range map[string]bool{"recorded": true, "plain": false} {
		b.Run(name, func(b *testing.B) {
			witness := 0
			for b.Loop() {
				var err error
				if witness, err = s.Chain.Run(block.Header.Header, prepared, recorded); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(witness), "witness-B")
		})
	}
	if _, err := s.Chain.Apply(block.Header.Header, block.Data); err != nil {
		b.Fatal(err)
	}
	b.Run("empty", func(b *testing.B) {
		for b.Loop() {
			s.Apply()
		}
	})
}
