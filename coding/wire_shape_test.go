package coding

import (
	"encoding"
	"errors"
	"testing"
)

// FuzzDecodeAnyShape feeds the decoders under any parameters, legal or not: only parameters that follow from a length let
// anything through, and what is let through is the one encoding of its value (I2, I7).
func FuzzDecodeAnyShape(f *testing.F) {
	for _, length := range []int{0, 1, 1025, 4097, 70000} {
		block := mustEncode(f, testData(1, length))
		p := block.params
		encoded := []encoding.BinaryMarshaler{block.Opening()}
		if length > 0 {
			opening, shard := block.Opening(), mustShard(f, block, uint32(p.N-1))
			standalone, err := block.Standalone(uint32(p.K - 1))
			if err != nil {
				f.Fatal(err)
			}
			encoded = append(encoded, shard, standalone, Evidence{Shard: &shard, Opening: &opening}, Evidence{Standalone: &standalone})
		}
		for _, e := range encoded {
			b, err := e.MarshalBinary()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(p.Length, p.K, p.N, p.RowSize, b)
			f.Add(p.Length+1, p.K, p.N, p.RowSize, b)
			f.Add(p.Length, p.K, p.N-1, p.RowSize, b)
			f.Add(p.Length, -p.K, p.N, -p.RowSize, b)
		}
	}
	_, all := decoders(f)
	f.Fuzz(func(t *testing.T, length uint64, k, n, rowSize int, b []byte) {
		p := Params{K: k, N: n, RowSize: rowSize, Length: length}
		legal := p.Validate() == nil
		for _, d := range all {
			if legal {
				checkDecode(t, d, p, b)
				continue
			}
			if _, err := d.decode(b, p); !errors.Is(err, ErrParams) && !errors.Is(err, ErrLength) && !errors.Is(err, ErrMalformed) {
				t.Fatalf("%s under %+v: %v", d.name, p, err)
			}
		}
	})
}
