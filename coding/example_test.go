package coding_test

import (
	"errors"
	"fmt"

	"github.com/etherscale/bedrock/coding"
)

// A publisher encodes a block; a reader who knows length and commitment from the header checks rows from strangers one
// by one, and rebuilds the data from any K of them.
func Example() {
	block, err := coding.Encode([]byte("ordered transactions"))
	if err != nil {
		panic(err)
	}
	header := struct {
		length     uint64
		commitment [32]byte
	}{20, block.Commitment()}

	p, err := coding.ParamsFor(header.length)
	if err != nil {
		panic(err)
	}
	opening := block.Opening() // from any peer
	v, err := coding.NewVerifier(p, header.commitment, opening.RowRoot, opening.Y)
	if err != nil {
		panic(err)
	}
	var shards []coding.Shard
	for i := uint32(p.N - p.K); i < uint32(p.N); i++ { // from any peers; parity rows will do
		shard, err := block.Shard(i)
		if err != nil {
			panic(err)
		}
		shards = append(shards, shard)
	}
	data, err := coding.Reconstruct(v, shards)
	fmt.Printf("%d of %d rows: %s, %v\n", p.K, p.N, data, err)

	lie := shards[0]
	lie.Index++
	fmt.Println("peer lied:", errors.Is(v.Verify(lie), coding.ErrPath))
	// Output:
	// 16 of 64 rows: ordered transactions, <nil>
	// peer lied: true
}
