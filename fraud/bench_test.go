package fraud

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/etherscale/bedrock/execution/exectest"
	"github.com/etherscale/bedrock/types"
)

// crowded is a genesis of usual chunks (64 places, 2 MiB) with a crowd of accounts, and slots in two contracts.
func crowded(accounts int) func(*types.Genesis) {
	return func(g *types.Genesis) {
		g.ChunkTransactions, g.ChunkBytes, g.ChunkGas = 64, 2<<20, 30_000_000
		slots := make(map[string]string, accounts)
		for i := range accounts {
			g.Alloc[dormant(i).Hex()] = types.GenesisAccount{Balance: "0x1"}
			slots[fmt.Sprintf("0x%x", i)] = "0x1"
		}
		for _, a := range [...]common.Address{exectest.StoreAddress, exectest.ManyAddress} {
			contract := g.Alloc[a.Hex()]
			contract.Storage = slots
			g.Alloc[a.Hex()] = contract
		}
	}
}

func dormant(i int) common.Address {
	return common.BytesToAddress(crypto.Keccak256(binary.BigEndian.AppendUint64(nil, uint64(i)))[:20])
}

// BenchmarkChallenge measures a lie about a chunk of 64 transactions that touch an account or a slot each: building,
// verifying here, verifying in a child process; and the challenge's size.
func BenchmarkChallenge(b *testing.B) {
	s := exectest.New(b, crowded(20_000))
	var transfers, stores [][]byte
	for i := range 128 {
		to := dormant(i * 151 % 20_000)
		transfers = append(transfers, s.Call(i%exectest.Accounts, &to, 1, 21000, nil))
	}
	for i := range 128 {
		stores = append(stores, s.Call(i%exectest.Accounts, &exectest.StoreAddress, 0, 100_000, exectest.Words(uint64(i*151%20_000), 2)))
	}
	s.Apply(transfers...)
	s.Apply(stores...)
	liar := NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(1, 1)))
	exe := sandboxFor(b)
	for name, height := range map[string]types.Height{"transfers": 1, "stores": 2} {
		truth := outcome(b, s, height-1, height)
		signed := tell(b, s, liar, truth, 0, 1, LieRoot)
		c := challenge(b, s, signed)
		b.Run(name+"/build", func(b *testing.B) {
			for b.Loop() {
				challenge(b, s, signed)
			}
			b.ReportMetric(float64(len(c.Encode())), "bytes")
		})
		b.Run(name+"/verify", func(b *testing.B) {
			for b.Loop() {
				if _, err := Verify(c, trustOf(s)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/sandbox", func(b *testing.B) {
			for b.Loop() {
				if _, err := exe.Verify(b.Context(), jobOf(s, c)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// I2: transactions that spend the whole byte budget of a chunk on distinct slots and accounts stay provable.
func TestHungriestChunkFitsAChallenge(t *testing.T) {
	s := exectest.New(t, crowded(20_000))
	s.Apply()
	r := s.Apply(s.Call(2, &exectest.ManyAddress, 0, 1<<24, exectest.Words(7, 2090)))
	if r.Receipts[0].Status != 1 {
		t.Fatal("the transaction was meant to just fit")
	}
	liar := NewLiar(exectest.PublicKey(5), s.Chain, rand.New(rand.NewPCG(1, 1)))
	signed := tell(t, s, liar, outcome(t, s, 1, 2), 0, 0, LieRoot)
	c := challenge(t, s, signed)
	t.Logf("challenge of %d bytes", len(c.Encode()))
}
