package coding

import (
	"fmt"
	"testing"
)

var benchSizes = []int{128 << 10, 1 << 20, 2 << 20}

func sizeName(n int) string { return fmt.Sprintf("%dKiB", n>>10) }

// BenchmarkEncode measures encode and commit; bytes are those of the data before extension.
func BenchmarkEncode(b *testing.B) {
	for _, n := range append(benchSizes, 8<<20) {
		data := testData(1, n)
		mustEncode(b, data) // the library builds its tables at first use, some 0.1 s
		b.Run(sizeName(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Encode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncodeParts measures the four parts of Encode one by one.
func BenchmarkEncodeParts(b *testing.B) {
	const n = 1 << 20
	block := mustEncode(b, testData(1, n))
	p := block.params
	rows := layRows(p, testData(1, n))
	c := newCombiner(coefficientSeed(p, block.RowRoot()), p.RowSize)
	part := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(n)
			for b.Loop() {
				f()
			}
		})
	}
	part("lay", func() { layRows(p, rows[0]) })
	part("extend", func() { extendRows(rows) })
	part("tree", func() { newTree(p.N, func(j int) []byte { return rows[j] }) })
	part("coefficients", func() { newCombiner(coefficientSeed(p, block.RowRoot()), p.RowSize) })
	part("combine", func() {
		for i := range p.K {
			c.combine(rows[i])
		}
	})
}

// BenchmarkNewVerifier measures opening a block: value tree, extension of y, coefficients.
func BenchmarkNewVerifier(b *testing.B) {
	for _, n := range benchSizes {
		block := mustEncode(b, testData(1, n))
		b.Run(sizeName(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := NewVerifier(block.params, block.commitment, block.RowRoot(), block.y); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerify measures the check of one row.
func BenchmarkVerify(b *testing.B) {
	for _, n := range append(benchSizes, 8<<20) {
		block := mustEncode(b, testData(1, n))
		v := mustVerifier(b, block)
		s := mustShard(b, block, uint32(block.params.N-1))
		b.Run(sizeName(n), func(b *testing.B) {
			b.SetBytes(int64(len(s.Row)))
			b.ReportAllocs()
			for b.Loop() {
				if err := v.Verify(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReconstruct measures decoding from K random verified rows and from the K data rows.
func BenchmarkReconstruct(b *testing.B) {
	for _, n := range benchSizes {
		block := mustEncode(b, testData(1, n))
		k := block.params.K
		for name, indices := range map[string][]int{
			"random": randomIndices(7, block.params.N)[:k],
			"data":   ascending(k),
		} {
			shards := shardsAt(b, block, indices)
			b.Run(sizeName(n)+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := ReconstructVerified(block.params, shards); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
