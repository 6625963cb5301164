package types

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/rlp"
)

// FuzzSplitBatch: cutting by hand accepts what the rlp package accepts, and gives the same.
func FuzzSplitBatch(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, sizes := range [][]int{{0}, {1}, {1, 1, 1}, {55, 56, 57}, {300, 1, 20}, {70_000}, {}} {
		var envelopes [][]byte
		for i, n := range sizes {
			envelopes = append(envelopes, bytes.Repeat([]byte{byte(7 + 90*i)}, n))
		}
		encoded, err := rlp.EncodeToBytes(envelopes)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
		for range 40 {
			broken := slices.Clone(encoded)
			broken[rng.IntN(min(len(broken), 8))] = byte(rng.Uint32())
			f.Add(broken)
			f.Add(broken[:rng.IntN(len(broken)+1)])
		}
	}
	f.Add([]byte{0xc2, 0x81, 0x05})       // a single byte spelt in two
	f.Add([]byte{0xc1, 0x05, 0x00})       // a byte behind the list
	f.Add([]byte{0xc3, 0xc1, 0x01, 0x02}) // a list in the list
	f.Fuzz(func(t *testing.T, encoded []byte) {
		var want [][]byte
		refused := rlp.DecodeBytes(encoded, &want)
		got, err := splitBatch(encoded)
		if len(want) > MaxBatchTransactions {
			refused = ErrMalformed
		}
		if (err != nil) != (refused != nil) {
			t.Fatalf("%x: %v, the rlp package says %v", encoded, err, refused)
		}
		if err == nil && !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("%x: %x, want %x", encoded, got, want)
		}
	})
}

func BenchmarkDecodeBatch(b *testing.B) {
	encoded, err := EncodeBatch([][]byte{bytes.Repeat([]byte{1}, 250), bytes.Repeat([]byte{2}, 250)})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeBatch(encoded); err != nil {
			b.Fatal(err)
		}
	}
}
