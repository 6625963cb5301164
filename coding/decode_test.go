package coding

import (
	"bytes"
	"slices"
	"testing"

	"github.com/klauspost/reedsolomon"
	"pgregory.net/rapid"
)

// newLeopard is the library's own code, the slow twin of extendRows and erasureDecoder. GF(2^16) is forced: for few rows
// the library would choose another field.
func newLeopard(tb testing.TB, k int) reedsolomon.Encoder {
	tb.Helper()
	code, err := reedsolomon.New(k, (Expansion-1)*k, reedsolomon.WithLeopardGF16(true))
	if err != nil {
		tb.Fatal(err)
	}
	return code
}

// codeword is an extension of random data.
func codeword(k, size int) [][]byte {
	rows := randomRows(k, size)
	extendRows(nil, rows)
	return rows
}

// given are the rows at these indices, the others nil.
func given(rows [][]byte, indices []int) [][]byte {
	some := make([][]byte, len(rows))
	for _, i := range indices {
		some[i] = rows[i]
	}
	return some
}

// absentRows are sets of K rows of N that differ in which cosets they touch, and in how many data rows they lack.
func absentRows(k int) map[string][]int {
	all, few, more := ascending(Expansion*k), min(fewAbsent, k), min(fewAbsent+1, k)
	sets := map[string][]int{
		"random":        randomIndices(uint64(k), Expansion*k)[:k],
		"first parity":  all[k : 2*k],
		"last parity":   all[3*k:],
		"half of data":  append(slices.Clone(all[:k/2]), all[3*k/2:2*k]...),
		"every fourth":  nil,
		"one data row":  append([]int{k / 2}, all[k:2*k-1]...),
		"one absent":    append(slices.Clone(all[1:k]), 3*k),
		"few absent":    append(slices.Clone(all[:k-few]), all[2*k-3:2*k-3+few]...),
		"one more":      append(slices.Clone(all[:k-more]), all[2*k:2*k+more]...),
		"parity spread": nil,
	}
	for i := range k {
		sets["every fourth"] = append(sets["every fourth"], Expansion*i)
		sets["parity spread"] = append(sets["parity spread"], k+3*i)
	}
	return sets
}

// TestDecodeMatchesLeopard decodes with transforms, with Lagrange's formula and with the library.
func TestDecodeMatchesLeopard(t *testing.T) {
	const size = 2 * RowUnit
	ways := map[string]func(d *erasureDecoder, from, to int){
		"transforms": (*erasureDecoder).transform,
		"Lagrange":   (*erasureDecoder).lagrange,

		"by the library": (*erasureDecoder).transform,
	}
	for k := MinK; k <= MaxK; k *= 4 {
		rows := codeword(k, size)
		leopard := newLeopard(t, k)
		for name, indices := range absentRows(k) {
			some := given(rows, indices)
			want := slices.Clone(some)
			if err := leopard.ReconstructData(want); err != nil {
				t.Fatalf("K=%d %s: %v", k, name, err)
			}
			for way, decode := range ways {
				places := newRows(k, size)
				d := newErasureDecoder(some, places)
				if way == "by the library" {
					d.kernel = kernel{}
				}
				if way == "Lagrange" && len(d.absent)*k > 1<<16 {
					continue // too many products for a test
				}
				decode(d, 0, RowUnit)
				decode(d, RowUnit, size)
				for i := range k {
					if some[i] == nil && (!bytes.Equal(places[i], want[i]) || !bytes.Equal(want[i], rows[i])) {
						t.Fatalf("K=%d %s by %s: row %d differs", k, name, way, i)
					}
				}
			}
		}
	}
}

// TestDecodeFromFirstPrinciples decodes by Lagrange's formula in the field built from its definition: for any K points the
// polynomial of degree < 4K through these rows that is zero at 5K..8K-1, at the data points 4K..5K-1.
func TestDecodeFromFirstPrinciples(t *testing.T) {
	const k = MinK
	f := newField()
	rows := codeword(k, RowUnit)
	point := func(i int) uint16 {
		if i < k {
			return uint16(4*k + i)
		}
		return uint16(i - k)
	}
	for seed := range uint64(3) {
		indices := randomIndices(seed, Expansion*k)[:k]
		some := given(rows, indices)
		places := newRows(k, RowUnit)
		newErasureDecoder(some, places).transform(0, RowUnit)
		nodes := make([]uint16, 0, 4*k)
		for _, i := range indices {
			nodes = append(nodes, point(i))
		}
		for x := uint16(5 * k); x < 8*k; x++ {
			nodes = append(nodes, x)
		}
		for e := range k {
			if some[e] != nil {
				continue
			}
			var want uint16 // symbol 7
			for n, i := range indices {
				num, den := uint16(1), uint16(1)
				for m, x := range nodes {
					if m != n {
						num, den = f.mul(num, point(e)^x), f.mul(den, nodes[n]^x)
					}
				}
				want ^= f.mul(f.mul(num, f.inv(den)), uint16(rows[i][7])|uint16(rows[i][39])<<8)
			}
			if got := uint16(places[e][7]) | uint16(places[e][39])<<8; got != want {
				t.Fatalf("seed %d: row %d is %#x, want %#x", seed, e, got, want)
			}
		}
	}
}

// TestLogarithms: the tables are the library's field, and every element but 0 is a power of the generator.
func TestLogarithms(t *testing.T) {
	var gf reedsolomon.LowLevel
	l := newLogarithms()
	x := uint16(1)
	for i := range uint16(fieldOrder) {
		if l.exp[i] != x || l.log[x] != i {
			t.Fatalf("power %d of the generator is %#x with logarithm %d, want %#x", i, l.exp[i], l.log[x], x)
		}
		if x = gf.GF16Mul(x, generator); x == 1 && i != fieldOrder-1 {
			t.Fatalf("the generator has order %d", i+1)
		}
	}
	if l.exp[fieldOrder] != 1 || gf.GF16Mul(0x1234, l.inverse(0x1234)) != 1 || l.inverse(1) != 1 {
		t.Fatal("inverse is wrong")
	}
}

// TestLocateMatchesProducts compares the transform with the products that it stands for.
func TestLocateMatchesProducts(t *testing.T) {
	l := newLogarithms()
	var gf reedsolomon.LowLevel
	rapid.Check(t, func(t *rapid.T) {
		n := 8 << rapid.IntRange(0, 7).Draw(t, "size")
		erased := rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "erased")
		got := l.locate(erased)
		for x := range n {
			want := uint16(1)
			for e := range n {
				if erased[e] && e != x {
					want = gf.GF16Mul(want, uint16(e^x))
				}
			}
			if l.exp[got[x]] != want {
				t.Fatalf("point %d of %d: %#x, want %#x", x, n, l.exp[got[x]], want)
			}
		}
	})
}

// TestLocateDoesNotOverflow: the largest transform with everything erased, and half of it.
func TestLocateDoesNotOverflow(t *testing.T) {
	l := newLogarithms()
	erased := make([]bool, 8*MaxK)
	for x := range erased {
		erased[x] = true
	}
	// The product over a whole subspace of its elements but 0 is the same at every point of it.
	got := l.locate(erased)
	for x := range got {
		if got[x] != got[0] {
			t.Fatalf("point %d: %d, point 0: %d", x, got[x], got[0])
		}
	}
	sum := 0
	for x := range erased {
		sum += int(l.log[x])
	}
	if int(got[0]) != sum%fieldOrder {
		t.Fatalf("product has logarithm %d, want %d", got[0], sum%fieldOrder)
	}
}

// TestI1AnyKRowsDecode is I1 for the decoder alone, over random sets of rows.
func TestI1AnyKRowsDecode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := MinK << rapid.IntRange(0, 3).Draw(t, "doublings")
		rows := codeword(k, RowUnit)
		indices := rapid.Permutation(ascending(Expansion*k)).Draw(t, "rows")[:k]
		some, places := given(rows, indices), newRows(k, RowUnit)
		newErasureDecoder(some, places).decode(nil, RowUnit)
		for i := range k {
			if some[i] == nil && !bytes.Equal(places[i], rows[i]) {
				t.Fatalf("row %d differs", i)
			}
		}
	})
}

// FuzzReconstruct rebuilds a block of any small length from any rows: the data, or ErrTooFew, whatever is asked.
func FuzzReconstruct(f *testing.F) {
	f.Add(uint16(1), []byte{1, 2, 3})
	f.Add(uint16(1000), bytes.Repeat([]byte{0xAA}, 8))
	f.Add(uint16(4097), bytes.Repeat([]byte{0x81}, 16))
	f.Add(uint16(9999), append(make([]byte, 4), bytes.Repeat([]byte{0xFF}, 12)...))
	f.Fuzz(func(t *testing.T, length uint16, which []byte) {
		data := testData(1, int(length))
		block := mustEncode(t, data)
		var shards []Shard // one for each bit of which that is set
		for i := range block.params.N {
			if i/8 < len(which) && which[i/8]>>(i%8)&1 == 1 {
				shards = append(shards, mustShard(t, block, uint32(i)))
			}
		}
		checkReconstruct(t, block, data, shards)
	})
}
