package coding

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// testData is the seed formula of the vectors: the concatenation of SHA-256("bedrock/vector/data" || LE64 seed ||
// LE32 i) for i = 0, 1, .., cut to n bytes.
func testData(seed uint64, n int) []byte {
	data := make([]byte, 0, n+32)
	for i := uint32(0); len(data) < n; i++ {
		in := binary.LittleEndian.AppendUint64([]byte("bedrock/vector/data"), seed)
		sum := sha256.Sum256(binary.LittleEndian.AppendUint32(in, i))
		data = append(data, sum[:]...)
	}
	return data[:n]
}

// randomIndices is a permutation of 0..n-1.
func randomIndices(seed uint64, n int) []int {
	return rand.New(rand.NewPCG(seed, 1)).Perm(n)
}

func ascending(n int) []int {
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	return indices
}

func mustEncode(tb testing.TB, data []byte) *Block {
	tb.Helper()
	b, err := Encode(data)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func mustVerifier(tb testing.TB, b *Block) *Verifier {
	tb.Helper()
	v, err := NewVerifier(b.params, b.commitment, b.RowRoot(), b.Y())
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func mustShard(tb testing.TB, b *Block, i uint32) Shard {
	tb.Helper()
	s, err := b.Shard(i)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func shardsAt(tb testing.TB, b *Block, indices []int) []Shard {
	tb.Helper()
	shards := make([]Shard, len(indices))
	for j, i := range indices {
		shards[j] = mustShard(tb, b, uint32(i))
	}
	return shards
}

// clone copies a shard deeply, to be tampered with.
func clone(s Shard) Shard {
	s.Row = append([]byte(nil), s.Row...)
	s.Path = append([][32]byte(nil), s.Path...)
	return s
}
