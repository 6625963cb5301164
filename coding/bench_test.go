package coding

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

var benchSizes = []int{128 << 10, 1 << 20, 8 << 20, 32 << 20}

func sizeName(n int) string { return fmt.Sprintf("%dKiB", n>>10) }

// BenchmarkEncode measures encode and commit; bytes are those of the data before extension.
func BenchmarkEncode(b *testing.B) {
	for _, n := range benchSizes {
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

// BenchmarkEncodeSpread is BenchmarkEncode with two workers.
func BenchmarkEncodeSpread(b *testing.B) {
	for _, n := range benchSizes {
		data := testData(1, n)
		mustEncode(b, data)
		b.Run(sizeName(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				if _, err := twoWorkers.Encode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncoder is BenchmarkEncode in memory that is kept.
func BenchmarkEncoder(b *testing.B) {
	for _, n := range benchSizes {
		data := testData(1, n)
		var e Encoder
		b.Run(sizeName(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Encode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHashRows is plain SHA-256 over the rows of an encoded block, the limit of an encoder that hashes with the
// standard library; bytes are those of the data.
func BenchmarkHashRows(b *testing.B) {
	for _, n := range benchSizes {
		rows := mustEncode(b, testData(1, n)).rows
		for name, spread := range map[string]Spread{"one": nil, "two": twoWorkers} {
			b.Run(sizeName(n)+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(n))
				for b.Loop() {
					spread.rows(len(rows), func(from, to int) {
						for _, row := range rows[from:to] {
							sha256.Sum256(row)
						}
					})
				}
			})
		}
	}
}

// twoWorkers shares parts out between two goroutines.
var twoWorkers Spread = func(parts int, do func(part int)) {
	var next atomic.Int64
	work := func() {
		for part := int(next.Add(1)) - 1; part < parts; part = int(next.Add(1)) - 1 {
			do(part)
		}
	}
	var wg sync.WaitGroup
	wg.Go(work)
	work()
	wg.Wait()
}

// BenchmarkEncodeParts measures the parts of Encode one by one.
func BenchmarkEncodeParts(b *testing.B) {
	for _, n := range []int{1 << 20, 8 << 20} {
		data := testData(1, n)
		block := mustEncode(b, data)
		p, rows := block.params, block.rows
		c := newCombiner(coefficientSeed(p, block.RowRoot()), p.RowSize)
		part := func(name string, f func()) {
			b.Run(sizeName(n)+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(n))
				for b.Loop() {
					f()
				}
			})
		}
		part("lay", func() { copy(make([]byte, p.N*p.RowSize), data) })
		part("extend", func() { extendRows(nil, rows) }) // makes rubbish, at the same speed
		part("tree", func() { newTree(p.N, func(j int) []byte { return rows[j] }) })
		part("coefficients", func() { newCombiner(coefficientSeed(p, block.RowRoot()), p.RowSize) })
		part("combine", func() {
			for i := range p.K {
				c.combine(rows[i])
			}
		})
	}
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
	for _, n := range benchSizes {
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

// BenchmarkReconstruct measures decoding from K random verified rows, with few data rows absent, and from the data rows.
func BenchmarkReconstruct(b *testing.B) {
	for _, n := range benchSizes {
		block := mustEncode(b, testData(1, n))
		p := block.params
		all := ascending(p.N)
		for _, set := range []struct {
			name    string
			indices []int
		}{
			{"random", randomIndices(7, p.N)[:p.K]},
			{"few", all[fewAbsent : p.K+fewAbsent]},
			{"more", all[fewAbsent+1 : p.K+fewAbsent+1]},
			{"data", all[:p.K]},
		} {
			shards := shardsAt(b, block, set.indices)
			b.Run(sizeName(n)+"/"+set.name, func(b *testing.B) {
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := ReconstructVerified(p, shards); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkReconstructAll measures rebuilding all rows from K random verified ones, as a repair does.
func BenchmarkReconstructAll(b *testing.B) {
	for _, n := range benchSizes {
		block := mustEncode(b, testData(1, n))
		v := mustVerifier(b, block)
		shards := shardsAt(b, block, randomIndices(7, block.params.N)[:block.params.K])
		b.Run(sizeName(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ReconstructAllVerified(v, shards); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
